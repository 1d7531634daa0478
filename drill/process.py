"""The bot as its own process, the way a company runs it: `python bot.py`, and variables."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import requests
from cryptography.fernet import Fernet

from drill.account import Mailgun
from drill.actors import Slack
from drill.waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent
STOPS_WITHIN = 12.0
STARTS_WITHIN = 20.0

_PORT = re.compile(r"listening on port (\d+)")

_HANDED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT")
"""What a process needs of its surroundings. Nothing else is handed on: a developer's own SLACK_BOT_TOKEN or
proxy must not reach the bot of a drill."""


class BotGone(Exception):
    """The bot's process ended by itself. The text has the end of its log."""


class Child(Protocol):
    """A process that was started, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class BotProcess:
    """`python bot.py` with exactly these variables, its log in a file. Stopped when its `with` block ends."""

    def __init__(self, environ: Mapping[str, str], log_path: Path) -> None:
        self.environ = dict(environ)
        self.log_path = log_path
        self._process: Child | None = None
        self._log_began = 0

    @property
    def pid(self) -> int:
        """The process id. It must have been started."""
        return self._started().pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; once more after it was stopped or killed. What it logs is added to the file."""
        with self.log_path.open("ab") as log:
            self._log_began = log.tell()
            self._process = self.launch(log)

    def launch(self, log: IO[bytes]) -> Child:
        """The process itself."""
        return subprocess.Popen(
            [sys.executable, "bot.py"],
            cwd=ROOT,
            env=surrounded(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def wait_until_connected(self, slack: Slack, seconds: float = STARTS_WITHIN) -> None:
        """Return once Slack can reach it. Raises `NotInTime`, or `BotGone` if it ended instead.

        Without an app token it is in HTTP mode: Slack is told where it listens.
        """
        if not self.environ.get("SLACK_APP_TOKEN"):
            port = wait_for("the bot to listen", self.port, seconds, meanwhile=[self.check])
            wait_for("the bot to be well", self.is_well, seconds, meanwhile=[self.check])
            slack.orders.change("settings", request_url=f"http://127.0.0.1:{port}/slack/events")
            return
        wait_for(
            "the bot to connect to Slack",
            lambda: slack.connections() > 0,
            seconds,
            meanwhile=[self.check],
        )

    def port(self) -> int | None:
        """Where it listens since its last start; None before it does."""
        if not self.log_path.exists():
            return None
        log = self.log_path.read_bytes()[self._log_began :].decode(errors="replace")
        found = _PORT.search(log)
        return int(found[1]) if found else None

    def health(self) -> tuple[int, dict[str, str]]:
        """The status of its `/healthz`, and what that says. It must listen."""
        answer = requests.get(f"http://127.0.0.1:{self.port()}/healthz", timeout=5)
        return answer.status_code, answer.json()

    def is_well(self) -> bool:
        """Whether its `/healthz` says that all is up."""
        try:
            return self.health()[0] == HTTPStatus.OK
        except requests.RequestException:
            return False

    def check(self) -> None:
        """Raise `BotGone` unless it runs."""
        if not self.is_running:
            raise BotGone(f"The bot ended by itself (status {self._started().poll()}).\n{self.log_end()}")

    def stop(self) -> int:
        """SIGTERM, and its exit status. One that does not leave in time is killed, and the status is negative."""
        process = self._started()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """SIGKILL: as a crash, nothing is finished."""
        process = self._started()
        process.kill()
        process.wait()

    def log_end(self, lines: int = 25) -> str:
        """The last lines of its log."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            self.stop()

    def _started(self) -> Child:
        if self._process is None:
            raise RuntimeError("the bot was not started")
        return self._process


def bot_environ(slack: Slack, mailgun: Mailgun, database_url: str, **changes: str) -> dict[str, str]:
    """The variables that point the bot at these practice servers, with times short enough for a test.

    Without its `SLACK_APP_TOKEN` they mean HTTP mode. `PORT` is any free one, as many bots run at once.
    With PostgreSQL there is an `ENCRYPTION_KEY`; keep the result, so that a restart can read the vault.
    """
    environ = {
        "SLACK_BOT_TOKEN": slack.workspace.app.bot_token,
        "SLACK_APP_TOKEN": slack.workspace.app.app_token,
        "SLACK_SIGNING_SECRET": slack.workspace.app.signing_secret,
        "SLACK_API_URL": f"{slack.url}/api/",
        "MAILGUN_API_KEY": mailgun.admin_key,
        "MAILGUN_US_URL": mailgun.region_url("us"),
        "MAILGUN_EU_URL": mailgun.region_url("eu"),
        "MAILGUN_US_STORAGE_URLS": ",".join(mailgun.storage_urls("us")),
        "MAILGUN_EU_STORAGE_URLS": ",".join(mailgun.storage_urls("eu")),
        "MAILGUN_STATUS_URL": mailgun.status_url,
        "DATABASE_URL": database_url,
        "REMIND_EVERY": "2s",
        "REMIND_BETWEEN": "00:00-24:00",
        "REMIND_DAYS": "mon-sun",
        "POLL_EVERY": "1s",
        "HTTP_TIMEOUT": "3s",
        "LEASE": "8s",
        "TICK": "0.2s",
        "SETTLE": "1s",
        "SLACK_PACE": "0.1s",
        "SLACK_BURST": "10",
        "PORT": "0",
        "LOG_LEVEL": "DEBUG",
    }
    if not database_url.startswith("sqlite"):
        environ["ENCRYPTION_KEY"] = Fernet.generate_key().decode()
    return environ | changes


def run_command(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python bot.py <arguments>` with exactly these variables, to its end, its output captured."""
    return subprocess.run(
        [sys.executable, "bot.py", *arguments],
        cwd=ROOT,
        env=surrounded(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def surrounded(environ: Mapping[str, str]) -> dict[str, str]:
    """These variables, and those that a process needs of its surroundings."""
    return {name: os.environ[name] for name in _HANDED_ON if name in os.environ} | dict(environ)
