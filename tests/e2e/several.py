"""Several processes of the bot on one PostgreSQL: which of them does what, and what becomes of them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drill.account import Mailgun
from drill.actors import Slack
from drill.company import company
from drill.mailgun.accounts import Prepared, scaled_account, small_account
from drill.process import BotProcess, bot_environ
from drill.slack import Workspace, drill_workspace
from drill.slack.model import User
from drill.slack.workspaces import INCIDENT, TEAM
from drill.waiting import wait_for
from tests.databases import borrowed_url
from tests.e2e.recovery_run import Found, Run

HOLDER = """
    SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.objsubid = 1
    AND ((l.classid::bigint << 32) | l.objid::bigint) = {owner}
"""
"""The process that signs its leases so. Each names its connections, in its DATABASE_URL."""

PATIENCE = 60.0


@dataclass(frozen=True)
class Caught:
    """A process in the middle of a call, and what it signs its leases with."""

    bot: BotProcess
    owner: int


class PatientRun(Run):
    """A run whose processes share two cores with each other, and perhaps with other tests, and are killed."""

    def wait(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        return wait_for(what, look, max(seconds, PATIENCE))


@dataclass
class Several:
    """The processes, by name, those that were killed too. `run` is the company, as the people see it."""

    run: Run
    bots: dict[str, BotProcess] = field(default_factory=dict)

    def start(self, many: int) -> None:
        """Start so many more, and return once they are connected."""
        environ = self.run.bot.environ
        alive = sum(bot.is_running for bot in self.bots.values())
        for _ in range(many):
            name = f"bot-{len(self.bots) + 1}"
            named = {"DATABASE_URL": f"{self.run.database_url}&application_name={name}"}
            bot = BotProcess(environ | named, self.run.bot.log_path.with_name(f"{name}.log"))
            bot.start()
            self.bots[name] = bot
        wait_for(
            f"{many} more processes to be connected",
            lambda: self.run.slack.connections() == alive + many,
            PATIENCE,
        )

    def catch(self, server: Slack | Mailgun, match: dict[str, str], subject: str) -> Caught:
        """Wait until a process is in the middle of that call, which the server has applied and not answered yet.

        `subject` is part of what its task is about. Order the call with `hangs` before.
        """
        self.run.wait("a process to be in the call", lambda: fired(server, match))
        found = self.run.rows(f"SELECT lease_owner FROM tasks WHERE status = 'running' AND subject LIKE '%{subject}%'")
        (owner,) = {int(str(row[0])) for row in found}
        (name,) = [str(row[0]) for row in self.run.rows(HOLDER.format(owner=owner))]
        return Caught(self.bots[name], owner)

    def stop_past_its_lease(self, caught: Caught) -> frozenset[str]:
        """SIGSTOP, until others have taken over whatever it had; then SIGCONT. What it had: the tasks' subjects."""
        os.kill(caught.bot.pid, signal.SIGSTOP)
        its = f"FROM tasks WHERE lease_owner = {caught.owner}"
        had = self.run.rows(f"SELECT subject {its}")
        self.run.wait("others to take over what the stopped process had", lambda: not self.run.rows(f"SELECT 1 {its}"))
        os.kill(caught.bot.pid, signal.SIGCONT)
        return frozenset(str(row[0]) for row in had)

    def logs(self) -> str:
        """All that they have logged."""
        return "\n".join(bot.log_path.read_text(errors="replace") for bot in self.bots.values())


def hangs(server: Slack | Mailgun, match: dict[str, str], seconds: float = 4.5) -> None:
    """That call will be applied, and its answer withheld so long."""
    server.orders.fault(match, "hang", when="after", seconds=seconds)


def fired(server: Slack | Mailgun, match: dict[str, str]) -> bool:
    """Whether the fault about such a call has fired."""
    faults = server.orders.look("faults")["faults"]
    return any(f["fired"] for f in faults if {k: v for k, v in f["match"].items() if v is not None} == match)


@contextmanager
def several_processes(folder: Path, many: int, approvers: int, **variables: str) -> Iterator[Several]:
    """A company with that many more approvers, and so many processes that are connected to its Slack."""
    with (
        company(workspace=with_approvers(approvers), prepared=account()) as at_work,
        borrowed_url("postgresql", folder) as url,
    ):
        environ = bot_environ(at_work.slack, at_work.mailgun, url, **variables)
        several = Several(PatientRun(at_work, BotProcess(environ, folder / "bot.log"), url))
        try:
            several.start(many)
            yield several
        finally:
            for bot in several.bots.values():
                if bot.is_running:
                    bot.kill()


def account() -> Prepared:
    """Four domains with five logins and a sending key each, an admin key, a session, and the small account's people."""
    prepared, small = scaled_account(domains=4, credentials_per_domain=5, users=0), small_account()
    prepared.account.users = small.account.users
    prepared.account.estate.keys.append(small.account.estate.keys[-1])
    return prepared


def with_approvers(many: int) -> Workspace:
    """The drill's workspace with so many more admins, who may approve."""
    workspace = drill_workspace()
    for number in range(1, many + 1):
        user = User(f"UADMIN{number:03}", f"admin{number}", f"Admin {number}", TEAM, is_admin=True)
        workspace.users[user.id] = user
        workspace.channels[INCIDENT].members.append(user.id)
    return workspace
