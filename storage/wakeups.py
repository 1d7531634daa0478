"""Word from other processes that they have planned something: PostgreSQL's LISTEN and NOTIFY.

It spares waiting for the next tick, and nothing rests on it: what nobody was told of is found at that tick.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

_CHANNEL = "tasks_planned"
_LOOK_UP_EVERY = 1.0
"""Seconds after which a listener that heard nothing looks whether it shall stop."""
_TRY_AGAIN_AFTER = 2.0


def tell_others(connection: Connection, owner: int) -> None:
    """Tell every other process, once this transaction commits, that there may be something to do."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(_CHANNEL, str(owner))))


class Wakeups:
    """Listens on a connection of its own, in a thread, and makes another when that breaks."""

    def __init__(self, engine: Engine, owner: int, wake: Callable[[], None]) -> None:
        self._engine = engine
        self._owner = str(owner)
        self._wake = wake
        self._closing = Event()
        self._thread = Thread(target=self._listen, name="wakeups", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear nothing more. The thread ends within a second, which nobody needs to wait for."""
        self._closing.set()

    def _listen(self) -> None:
        broken = (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)
        while not self._closing.is_set():
            try:
                self._hear()
            except broken as error:
                # Whoever works with the database says the same where it is seen.
                log.debug("no word from other processes: %s", type(error).__name__)
                self._closing.wait(_TRY_AGAIN_AFTER)

    def _hear(self) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            # Out of the pool: a connection that listens is of no use to anybody else.
            session.detach()
            session.exec_driver_sql(f"LISTEN {_CHANNEL}")
            driver: Any = session.connection.dbapi_connection
            while not self._closing.is_set():
                for word in driver.notifies(timeout=_LOOK_UP_EVERY, stop_after=1):
                    if word.payload != self._owner:
                        self._wake()
