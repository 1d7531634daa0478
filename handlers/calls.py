"""Calls of Slack's Web API: each keeps to what Slack is known to take, and ends in an error of `recovery.errors`."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers.buckets import OwnBuckets
from handlers.errors import sorted_errors
from handlers.pace import Pace
from recovery.buckets import Buckets

CALLS_A_MINUTE = {
    "chat.delete": 50,
    "chat.getPermalink": 200,
    "chat.postEphemeral": 100,
    "chat.update": 50,
    "conversations.history": 50,
    "conversations.info": 50,
    "conversations.open": 50,
    "conversations.replies": 50,
    "files.completeUploadExternal": 100,
    "files.getUploadURLExternal": 100,
    "usergroups.users.list": 20,
    "users.info": 100,
    "users.list": 20,
    "users.lookupByEmail": 50,
}
"""Slack's tiers: 2 is 20, 3 is 50, 4 is 100; "hundreds" is 200 here.

`chat.postMessage` is counted by channel. `views.open` (100) goes without a pace: it must happen within three seconds
of a click, so that a refusal of the bot's own would be no better than Slack's. Of `apps.connections.open` slack_sdk
takes care.
"""

_MINUTE = 60


class Calls:
    """What is called, for all who call: the pace of each channel, and that of each method. Over all processes, where
    they share `buckets`; without any it is this one's alone.

    A channel gets `burst` messages at once and then one every `pace` seconds. A method gets half of a minute's calls at
    once and then as many a minute as Slack takes: with the other half Slack has room for what a process called that
    was restarted since. A `pace` other than Slack's one second, for tests, makes the methods' pace go with it; 0 is
    none.
    """

    def __init__(self, pace: float = 1.0, burst: int = 1, buckets: Buckets | None = None) -> None:
        # A channel's id is no method's name, so one place keeps the buckets of both.
        kept = buckets or OwnBuckets()
        self._messages = Pace("Slack takes about one message a second in a channel.", pace, burst, kept)
        self._methods = {
            method: Pace(
                f"Slack takes about {most} calls of {method} a minute.", _MINUTE / most * pace, most // 2, kept
            )
            for method, most in CALLS_A_MINUTE.items()
        }

    @contextmanager
    def message(self, channel_id: str, urgent: str | None = None) -> Iterator[None]:
        """Something that shows as a message in that channel is made within the block; `urgent` as in `Pace.turn`."""
        with self._messages.turn(channel_id, urgent):
            yield

    @contextmanager
    def of(self, method: str, urgent: str | None = None, *, is_direct: bool = False) -> Iterator[None]:
        """That method is called within the block; `urgent` as in `Pace.turn`, `is_direct` as in `sorted_errors`."""
        pace = self._methods.get(method)
        if pace is None:
            with sorted_errors(method, is_direct=is_direct):
                yield
            return
        with pace.turn(method, urgent), sorted_errors(method, is_direct=is_direct):
            yield
