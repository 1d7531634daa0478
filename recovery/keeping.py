"""Storing requests before they are acknowledged. Those that come in the same moment share one transaction: its commit,
which waits for the disk, is what storing takes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from recovery.desk import keep_request
from recovery.errors import TooBusy
from recovery.state import NewRequest
from recovery.store import Store

TOO_BUSY = "The database is too busy: what came before is still being stored."


@dataclass(eq=False)
class _Entry:
    """A request, and until when somebody waits for it: they are told once it is settled, or once they lead."""

    request: NewRequest
    deadline: float
    told: Event = field(default_factory=Event)
    is_settled: bool = False
    error: Exception | None = None


class Keeper:
    """Any number of threads may call `keep` at once. One of them leads: it stores all that have come until then, and
    passes the lead on to one of those that came meanwhile. So nobody waits behind more than one transaction of others.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._lock = Lock()
        self._waiting: list[_Entry] = []
        self._is_led = False

    def keep(self, request: NewRequest, within: float) -> None:
        """Store a request and the task that judges it, both or neither, or raise within so many seconds what storing
        raised."""
        entry = _Entry(request, self._monotonic() + within)
        with self._lock:
            self._waiting.append(entry)
            leads, self._is_led = not self._is_led, True
        if not leads and not entry.told.wait(within):
            self._give_up(entry)
        if not entry.is_settled:
            self._lead()
        if entry.error is not None:
            raise entry.error

    def _give_up(self, entry: _Entry) -> None:
        """Nobody told them anything in time. Raises where nothing was begun with their request; what was begun may be
        stored yet, so that its end must be waited for."""
        with self._lock:
            if entry in self._waiting and not entry.told.is_set():
                self._waiting.remove(entry)
                raise TooBusy(TOO_BUSY)
        entry.told.wait()

    def _lead(self) -> None:
        with self._lock:
            entries, self._waiting = self._waiting, []
        try:
            self._store_all(entries)
        finally:
            with self._lock:
                self._is_led = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].told.set()

    def _store_all(self, entries: Sequence[_Entry]) -> None:
        try:
            self._store_together(entries)
        except Exception as error:  # noqa: BLE001  # it is raised to whoever waits
            if len(entries) == 1:
                _settle(entries, error)
                return
            # One of them is what the database does not take, or waits for: the others must not fail with it.
            for entry in entries:
                self._store_all([entry])
        else:
            _settle(entries, None)

    def _store_together(self, entries: Sequence[_Entry]) -> None:
        left = min(entry.deadline for entry in entries) - self._monotonic()
        if left <= 0:
            raise TooBusy(TOO_BUSY)
        if len(entries) > 1:
            # The rest is for storing each alone.
            left /= 2
        with self._store.write(within=left) as tx:
            for entry in entries:
                keep_request(tx, entry.request)


def _settle(entries: Sequence[_Entry], error: Exception | None) -> None:
    for entry in entries:
        entry.error, entry.is_settled = error, True
        entry.told.set()
