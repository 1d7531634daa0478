"""Waiting for something to become so, by looking again and again; nothing here sleeps for a fixed time."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

Found = TypeVar("Found")

LOOK_EVERY = 0.05


class NotInTime(Exception):
    """What was waited for did not come. The text says what that was, and for how long."""


def wait_for(
    what: str,
    look: Callable[[], Found | None],
    seconds: float = 15.0,
    meanwhile: Iterable[Callable[[], None]] = (),
) -> Found:
    """What `look` finds, as soon as that is neither None, False nor empty. `meanwhile` runs between two looks.

    Raises:
        NotInTime: it took longer than `seconds`; `what` completes "waited for".
    """
    habits = tuple(meanwhile)
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise NotInTime(f"Waited {seconds:g} seconds for {what}; it did not come.")
        for habit in habits:
            habit()
        time.sleep(LOOK_EVERY)
