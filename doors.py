"""The doors: the way from Slack to what is stored, and the one port that a process serves."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from engine import Engine
from handlers.app import build_app
from handlers.door import Door
from handlers.health import Health
from handlers.http import HttpDoor
from handlers.identity import Identity
from handlers.intake import STORE_WITHIN, Intake
from handlers.server import WebServer
from handlers.socket import Socket
from recovery.errors import OutsideError, Refused
from recovery.keeping import Keeper
from recovery.ports import Clock
from recovery.secret import Secret
from recovery.state import NewRequest
from settings import Settings
from settings_values import parse_mailgun_key
from storage.database import Database

log = logging.getLogger(__name__)

QUIET_FOR = timedelta(seconds=30)
"""How long ago the workers' last round may be, at least. It may also be ten ticks and a lease ago: they look for
work only while they have a thread for it."""


class Doors:
    """Takes what Slack sends, and answers whoever asks how the process is. Takes its port when it is made.

    Raises `PortUnusable`.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        identity: Identity,
        engine: Engine,
        seal: Callable[[Secret], str],
    ) -> None:
        self._web = WebServer(settings.PORT)
        self._settings, self._database, self._clock = settings, database, clock
        self._identity, self._engine = identity, engine
        self._keeper = Keeper(database)
        self._door = self._wire(Intake(self.keep, clock.now, lambda typed: seal(parse_mailgun_key(typed))))
        self._health = Health({"database": self._has_database, "slack": self._has_slack, "workers": self._has_workers})

    def keep(self, request: NewRequest) -> None:
        """Store a request and the task that judges it, in one transaction, or raise within a second."""
        self._keeper.keep(request, STORE_WITHIN)
        self._engine.wake()

    def open(self) -> bool:
        """Serve the port at once, then let Slack in, trying for as long as that takes.

        False when the engine was told to stop first. Raises `Refused` where trying again is in vain.
        """
        self._web.serve([*self._door.routes(), self._health.route()])
        stopping = self._engine.stopping
        return self._knows_itself(stopping) and self._door.connect_with_retry(stopping)

    def close(self, deadline: float) -> None:
        """Take nothing more, and wait until `deadline` (`time.monotonic`) for the acknowledgement of what is being
        taken."""
        self._web.close(deadline)
        self._door.close()

    def _wire(self, intake: Intake) -> Door:
        settings = self._settings
        token, url = settings.SLACK_BOT_TOKEN.reveal(), settings.SLACK_API_URL
        if settings.SLACK_APP_TOKEN is not None:
            return Socket(
                build_app(token, intake, base_url=url),
                settings.SLACK_APP_TOKEN.reveal(),
                base_url=url,
                timeout=settings.HTTP_TIMEOUT.total_seconds(),
                processes=self._database.processes,
            )
        assert settings.SLACK_SIGNING_SECRET is not None, "the settings see to it"
        return HttpDoor(build_app(token, intake, base_url=url, over_http=True), settings.SLACK_SIGNING_SECRET.reveal())

    def _knows_itself(self, stop: threading.Event) -> bool:
        """Ask Slack who the bot is, for as long as it takes; False when the bot shall stop first."""
        while not stop.is_set():
            try:
                self._identity.me()
                return True
            except Refused:
                raise
            except OutsideError as error:
                log.warning("Slack cannot be asked yet: %s", error)
                stop.wait(2)
        return False

    # --- how it is

    def _has_database(self) -> bool:
        return self._database.schema_is_current()

    def _has_slack(self) -> bool:
        return self._identity.is_known and self._door.is_connected()

    def _has_workers(self) -> bool:
        last = self._engine.last_round()
        patience = max(QUIET_FOR, 10 * self._settings.TICK + self._settings.LEASE)
        return last is not None and self._clock.now() - last < patience
