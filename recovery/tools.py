"""The ports and the policy, handed from `bot.py` to whoever does the work."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
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

        `do` should return an outside error rather than raise it where the others' results still count: the
        first error raised here is raised after all have ended.
        """
        futures = [self.calls.submit(do, item) for item in items]
        results: list[R] = []
        first: BaseException | None = None
        for future in futures:
            error = future.exception()
            if error is None:
                results.append(future.result())
            else:
                first = first or error
        if first is not None:
            raise first
        return results
