"""The rules on a real database, with the world outside in memory: ask, let the work be done, look."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from cryptography.fernet import Fernet
from sqlalchemy import bindparam, func, or_, select

from recovery.account import Subaccount
from recovery.actions import Ask
from recovery.audit import Action, AuditEntry
from recovery.content import Card, MarkerKind
from recovery.desk import keep_request
from recovery.due import plan_due
from recovery.findings import FindingStatus
from recovery.jobs import Job
from recovery.kinds import all_task_kinds
from recovery.policy import Policy
from recovery.progress import settle_after
from recovery.secret import Secret
from recovery.state import (
    Handover,
    Incident,
    IncidentStatus,
    NewRequest,
    Obligation,
    Person,
    Source,
    StepState,
    StepStatus,
    Task,
    TaskStatus,
)
from recovery.step import Step
from recovery.steps import STEPS, step_called
from recovery.thread import POST_AUDIT, POST_BOARD, POST_STEP, REDRAW
from recovery.tools import Tools
from recovery.worker import Worker
from storage.database import Database
from storage.schema import TaskRow
from storage.vault import DatabaseVault
from tests.recovery.builders import a_domain, a_key, a_member
from tests.recovery.fakes import (
    FakeClock,
    FakeDirectory,
    FakeMailgun,
    FakeMessenger,
    FakeScanner,
    Posted,
    Stopping,
    words,
)

FIRST_KEY = "the-key-in-the-environment"
REQUESTER, APPROVER, STRANGER = "U-REQ", "U-APP", "U-STRANGER"
POSTMASTER = "us/mg.acme.example/postmaster@mg.acme.example"
"""The login that `with_logins` makes before all others."""
DRAWING = (POST_BOARD, POST_STEP, POST_AUDIT, REDRAW)
ROUNDS = 150
MANY = 3_000
"""More jobs than any specification needs: something goes round in circles."""

_CLAIMABLE = (
    select(TaskRow.id)
    .where(
        TaskRow.finished_at.is_(None),
        or_(TaskRow.status == TaskStatus.RUNNING, TaskRow.not_before <= bindparam("now")),
    )
    .limit(1)
)


class DefectLog(logging.Handler):
    """Defects that the worker met and logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.met: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.met.append(f"{record.getMessage()}: {record.exc_info[1]!r}" if record.exc_info else record.getMessage())


@dataclass
class World:
    """One bot, one database, one Mailgun account, one workspace."""

    database: Database
    clock: FakeClock
    mailgun: FakeMailgun
    slack: FakeMessenger
    directory: FakeDirectory
    vault: DatabaseVault
    stopping: Stopping
    policy: Policy
    leaks: FakeScanner
    requests: int = 0

    @classmethod
    def on(cls, database: Database, **policy: Any) -> "World":
        clock = FakeClock()
        vault = DatabaseVault(database, [Fernet.generate_key().decode()], Secret(FIRST_KEY), clock)
        mailgun = FakeMailgun(clock)
        mailgun.calling = vault.current
        mailgun.has_key(a_key("env-key", description="the bot's first key"), FIRST_KEY)
        directory = FakeDirectory(clock)
        directory.has(a_member(REQUESTER, is_admin=True))
        directory.has(a_member(APPROVER, is_admin=True))
        directory.has(a_member(STRANGER))
        world = cls(
            database,
            clock,
            mailgun,
            FakeMessenger(clock),
            directory,
            vault,
            Stopping(clock),
            Policy(**policy),
            FakeScanner(),
        )
        world.start()
        return world

    def start(self, **policy: Any) -> None:
        """Start the bot, or start it again with other settings: nothing is kept but the database."""
        self.policy = replace(self.policy, **policy)
        self.tools = Tools(
            store=self.database,
            mailgun=self.mailgun,
            messenger=self.slack,
            directory=self.directory,
            vault=self.vault,
            clock=self.clock,
            policy=self.policy,
            leaks=self.leaks,
            calls=ThreadPoolExecutor(2, thread_name_prefix="calls"),
            wake=lambda: None,
            stopping=self.stopping,
        )
        self.kinds = all_task_kinds(STEPS)
        self._settle = settle_after(self.tools, STEPS)
        self._workers: dict[tuple[str, ...], Worker] = {}

    def _worker_for(self, *names: str) -> Worker:
        """A worker for these kinds, or for all."""
        if names not in self._workers:
            kinds = [kind for kind in self.kinds if not names or kind.name in names]
            self._workers[names] = Worker("test", self.tools, kinds, self.database.owner, 1, self._settle)
        return self._workers[names]

    # --- letting the work be done

    def claim(self, *kinds: str) -> Job | None:
        """Claim the next job, of these kinds if any are named, as a worker does."""
        return next(iter(self._worker_for(*kinds)._claim(1)), None)

    def run(self, job: Job) -> None:
        self._worker_for()._run(job)

    def drain(self, *kinds: str) -> int:
        """Run what can be claimed at this moment until nothing is left; how many jobs."""
        done = 0
        while self._something_is_due(kinds) and (job := self.claim(*kinds)):
            self.run(job)
            done += 1
            assert done < MANY, f"{job.kind.name} goes round in circles"
        return done

    def _something_is_due(self, kinds: Sequence[str]) -> bool:
        """Whether a claim could find anything: a cheaper question than the claim itself."""
        query = _CLAIMABLE.where(TaskRow.kind.in_(kinds)) if kinds else _CLAIMABLE
        with self.database._reading.begin() as connection:
            return connection.execute(query, {"now": self.clock.now()}).first() is not None

    def work(self, patience: timedelta = timedelta(minutes=2), *, drawing: bool = False) -> None:
        """Let the bot do all that it has to, and wait for what it put off no longer than that.

        The thread is drawn only when somebody looks at it (`draw`): most specifications never do.
        """
        names = [kind.name for kind in self.kinds if drawing or kind.name not in DRAWING]
        until = self.clock.now() + patience
        for _ in range(ROUNDS):
            plan_due(self.tools, STEPS)
            if self.drain(*names):
                continue
            at = self._next_due(names)
            if at is None or at > until:
                return
            self.clock.go_to(at)
        raise AssertionError("the bot never comes to rest")

    def draw(self) -> None:
        """Post and redraw everything in the thread as it stands now."""
        self.work(timedelta(0), drawing=True)

    def _next_due(self, names: Sequence[str]) -> datetime | None:
        """When the next of what was put off is due. What is due already waits for another in its lane."""
        with self.database._reading.begin() as connection:
            query = select(func.min(TaskRow.not_before)).where(
                TaskRow.status == TaskStatus.READY, TaskRow.kind.in_(names), TaskRow.not_before > self.clock.now()
            )
            return cast(datetime | None, connection.scalar(query))

    def later(self, time: timedelta, patience: timedelta = timedelta(minutes=2)) -> None:
        """That time passes; then the bot works."""
        self.clock.pass_by(time)
        self.work(patience)

    # --- asking

    def ask(
        self,
        ask: Ask,
        by: str = APPROVER,
        text: str = "",
        about: Mapping[str, str] | None = None,
        channel: str = "C-OPS",
        **fields: Any,
    ) -> None:
        """Store a request, as a listener does."""
        self.requests += 1
        source = Source.COMMAND if ask is Ask.TYPED else Source.BUTTON
        request = NewRequest(
            dedupe=f"d{self.requests}",
            source=source,
            action=ask,
            user_id=by,
            team_id="T-HOME",
            channel_id=channel,
            received_at=self.clock.now(),
            text=text,
            about=about or {},
            **fields,
        )
        with self.database.write() as tx:
            keep_request(tx, request)

    def judged(self) -> str:
        """Let the desk judge what was asked; its last private answer."""
        before = len(self.slack.answers)
        desk = [kind.name for kind in self.kinds if kind.quick]
        for _ in range(30):
            self.drain(*desk)
            if len(self.slack.answers) > before:
                break
            at = self._next_due(desk)
            if at is None or at > self.clock.now() + timedelta(minutes=2):
                break
            self.clock.go_to(at)
        return self.answer if len(self.slack.answers) > before else ""

    def type(self, text: str, by: str = APPROVER, **fields: Any) -> str:
        """Type `/mailgun-compromised <text>`; the private answer."""
        self.ask(Ask.TYPED, by, text, **fields)
        return self.judged()

    def press(self, ask: Ask, step: str | None = None, by: str = APPROVER, text: str = "", **about: str) -> str:
        """Press a button, one of the step's as it is drawn now if a step is named; the private answer."""
        carried = {**self.step(step).about(self.state(step)), **about} if step else about
        self.ask(ask, by, text, carried)
        return self.judged()

    @property
    def answer(self) -> str:
        return words(self.slack.answers[-1][1])

    @property
    def answer_card(self) -> Card:
        return self.slack.answers[-1][1]

    # --- looking

    @property
    def incident(self) -> Incident:
        with self.database.read() as tx:
            incident = tx.incidents.current()
        assert incident is not None
        return incident

    def step(self, name: str) -> Step:
        step = step_called(name)
        assert step is not None
        return step

    def state(self, name: str) -> StepState:
        kind = self.step(name).kind
        with self.database.read() as tx:
            return next(state for state in tx.steps.of(self.incident.id) if state.kind == kind)

    def status(self, name: str) -> StepStatus:
        return self.state(name).status

    def failures(self, name: str) -> list[Task]:
        with self.database.read() as tx:
            return tx.tasks.of_step(self.state(name).id, TaskStatus.FAILED)

    def tasks(self, name: str, *statuses: TaskStatus, kind: str | None = None) -> list[Task]:
        with self.database.read() as tx:
            return tx.tasks.of_step(self.state(name).id, *statuses, kind=kind)

    def handovers(self) -> list[Handover]:
        with self.database.read() as tx:
            return tx.handovers.of(self.incident.id)

    @property
    def handed_over(self) -> list[str]:
        """Every secret that was posted in a handover, in that order."""
        return [secret for posted in self.slack.handovers for secret in posted.secrets.values()]

    @property
    def handed_keys(self) -> list[str]:
        """Every API key that was posted in a handover, in that order: not what is the whole account's."""
        account_wide = {*self.mailgun.outlets.signing_keys, *self.mailgun.outlets.public_keys}
        return [secret for secret in self.handed_over if secret not in account_wide]

    @property
    def key_handovers(self) -> list[Posted]:
        """The messages that carried API keys."""
        account_wide = {*self.mailgun.outlets.signing_keys, *self.mailgun.outlets.public_keys}
        return [posted for posted in self.slack.handovers if not account_wide & set(posted.secrets.values())]

    def trail(self, *actions: Action) -> list[AuditEntry]:
        with self.database.read() as tx:
            return [e for e in tx.audit.entries(self.incident.id) if not actions or e.facts.action in actions]

    def person(self, name: str) -> Person:
        with self.database.read() as tx:
            return next(p for p in tx.people.of(self.incident.id) if p.email == f"{name}@acme.example")

    def obligation(self, name: str, step: str = "4") -> Obligation:
        person, state = self.person(name), self.state(step)
        with self.database.read() as tx:
            return next(o for o in tx.people.obligations(self.incident.id, state.id) if o.person_id == person.id)

    def messages_to(self, user_id: str, kind: MarkerKind) -> list[str]:
        return [message.words for message in self.slack.of_kind(kind, f"D-{user_id}")]

    @property
    def board(self) -> str:
        self.draw()
        return self.slack.of_kind(MarkerKind.BOARD)[-1].words

    def card(self, name: str) -> str:
        self.draw()
        ts = self.state(name).message_ts
        return next(message.words for message in self.slack.of_kind(MarkerKind.STEP) if message.ts == ts)

    # --- the usual beginnings

    def opened(self, by: str = REQUESTER) -> "World":
        """An incident is open, and its account is counted."""
        self.type("", by=by)
        self.work()
        return self

    def approved(self, *steps: str, by: str = APPROVER) -> "World":
        """These steps are approved and done as far as they get."""
        for step in steps:
            self.press(Ask.APPROVE, step, by=by)
            self.work()
        return self

    def with_logins(self, *logins: str, domain: str = "mg.acme.example", region: str = "us") -> "World":
        self.mailgun.has_domain(
            a_domain(domain, region), f"postmaster@{domain}", *(f"{login}@{domain}" for login in logins)
        )
        return self

    def with_subaccount(self, name: str, domain: str, *logins: str, region: str = "us") -> Subaccount:
        """A subaccount with a domain and its logins, the postmaster among them."""
        subaccount = next((one for one in self.mailgun.outlets.subaccounts if one.name == name), None)
        if subaccount is None:
            subaccount = Subaccount(f"id-of-{name.lower()}", name, is_open=True)
            self.mailgun.outlets.subaccounts.append(subaccount)
        names = ("postmaster", *logins)
        self.mailgun.has_domain(a_domain(domain, region, owner=subaccount), *(f"{login}@{domain}" for login in names))
        return subaccount

    def vacated(self, *but: str) -> "World":
        """Every step but these is skipped."""
        for step in STEPS:
            if step.opens_last or str(step.number) in but:
                continue
            if self.status(str(step.number)) in (StepStatus.WAITING, StepStatus.NEEDS_ATTENTION):
                self.press(Ask.SKIP, str(step.number), text="not needed here")
        self.work()
        return self

    def all_expected(self, by: str = APPROVER) -> "World":
        """Each finding that is open counts as expected."""
        with self.database.read() as tx:
            found = [one for one in tx.findings.of(self.incident.id) if one.status is FindingStatus.OPEN]
        for finding in found:
            self.type(f"expected {finding.number}", by=by)
        self.work()
        return self

    def recovered_but_for_two_factor(self) -> "World":
        """Step 4 is approved already: every other step is skipped, Support was told, and its reminders go on."""
        self.vacated("4")
        self.type("keep-reminding")
        self.work()
        self.all_expected()
        self.type("sent 4711")
        self.work()
        assert self.incident.status is IncidentStatus.RECOVERED
        return self
