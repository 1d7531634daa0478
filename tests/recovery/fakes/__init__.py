"""In-memory stand-ins for the outside world. They keep what they are told, and fail where they are told to."""

from tests.recovery.fakes.clock import START, FakeClock, Stopping
from tests.recovery.fakes.leaks import FakeScanner
from tests.recovery.fakes.mailgun import FakeMailgun
from tests.recovery.fakes.slack import FakeDirectory, FakeMessenger, Posted, words

__all__ = [
    "START",
    "FakeClock",
    "FakeDirectory",
    "FakeMailgun",
    "FakeMessenger",
    "FakeScanner",
    "Posted",
    "Stopping",
    "words",
]
