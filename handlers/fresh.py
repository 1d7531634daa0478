"""Facts that are kept for a few seconds, and looked up once for everybody who waits for them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _LookUp(Generic[T]):
    answer: Future[T]
    started: float


class Fresh(Generic[T]):
    """A cache whose facts are never older than `max_age` seconds, counted from when the look-up began.

    One look-up answers everyone who asks while it runs, with its failure too; failures are not kept.
    """

    def __init__(self, max_age: float, clock: Callable[[], float]) -> None:
        self._max_age = max_age
        self._clock = clock
        self._lock = threading.Lock()
        self._look_ups: dict[str, _LookUp[T]] = {}

    def get(self, key: str, look_up: Callable[[], T]) -> T:
        """The fact, known already or from a `look_up`, in this thread or another; raises what that raises."""
        with self._lock:
            self._forget_old()
            known = self._look_ups.get(key)
            if known is None:
                mine = self._look_ups[key] = _LookUp(Future(), self._clock())
        if known is not None:
            return known.answer.result()
        try:
            answer = look_up()
        except BaseException as error:
            # Whatever it is, those who wait must not wait for ever; this thread raises it as it is.
            with self._lock:
                if self._look_ups.get(key) is mine:
                    del self._look_ups[key]
            mine.answer.set_exception(error)
            raise
        mine.answer.set_result(answer)
        return answer

    def _forget_old(self) -> None:
        now = self._clock()
        self._look_ups = {
            key: look_up for key, look_up in self._look_ups.items() if now - look_up.started < self._max_age
        }
