"""The ports and the policy, handed from `bot.py` to whoever does the work."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from recovery.leaks import LeakScanner
from recovery.policy import Policy
from recovery.ports import Clock, Directory, Mailgun, Messenger, Vault, Wake
from recovery.store import Store

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Tools:
    """Everything that a task may use. `wake` tells the workers that there may be something to do."""

    store: Store
    mailgun: Mailgun
    messenger: Messenger
    directory: Directory
    vault: Vault
    clock: Clock
    policy: Policy
    leaks: LeakScanner
    calls: ThreadPoolExecutor
    wake: Wake
    stopping: Event

    def at_once(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`do` for each item, as many at once as `MAILGUN_CONCURRENCY` allows; the results in order.

        `do` should return an outside error rather than raise it where the others' results still count: after the
        first error that is raised here no more of them are begun, and it is raised once those have ended that were.
        """
        futures = [self.calls.submit(do, item) for item in items]
        _, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
        wait(futures)
        for future in futures:
            if not future.cancelled() and (error := future.exception()) is not None:
                raise error
        return [future.result() for future in futures]
