"""Asking for one list of many: a look through the account is hundreds of calls, and one that fails begins none of the
others anew."""

from collections.abc import Callable
from typing import TypeVar

from recovery.errors import Later, Uncertain
from recovery.jobs import FIRST_BACKOFF, Job

T = TypeVar("T")

TRIES = 3
LONGEST_WAIT = 2.0
"""In seconds. Where Mailgun asks for more, the whole look waits as a task, without a worker."""


def listed(job: Job, ask: Callable[[], T]) -> T:
    """What `ask` answers, which only reads: asked three times at most, with a second and two in between, or what
    Mailgun asks for.

    Raises what Mailgun answered last: a refusal at once. And `LeaseLost`, and `Stopping`, like `Job.wait`.
    """
    tries = 0
    while True:
        job.hold()
        try:
            return ask()
        except (Later, Uncertain) as error:
            tries += 1
            pause = error.seconds if isinstance(error, Later) else FIRST_BACKOFF * tries
            if tries == TRIES or pause > LONGEST_WAIT:
                raise
        job.wait(pause)
