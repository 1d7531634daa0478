"""A world in which the bot can die, be held up or be refused at any point, and what must hold whatever happens there.

`MortalWorld` is `World` with every outside call and every commit made into such a point. The functions below it are
the promises: `always` holds after anything at all, `at_rest` once the bot has nothing left to do.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from recovery.account import ApiKey, KeyKind, Login
from recovery.audit import FIRST_HASH, Action, chained
from recovery.content import MarkerKind, SecretsMessage, Trail
from recovery.errors import Refused
from recovery.handovers import identity_of, in_nobodys_hands
from recovery.jobs import Job
from recovery.keyring import mark_of, unmarked
from recovery.polling import WAITING
from recovery.progress import settle_after
from recovery.state import HandoverStatus, IncidentStatus, StepStatus, Task, TaskStatus
from recovery.step import left_by_decision
from recovery.steps import STEPS
from recovery.steps.smtp_credentials import SET
from recovery.steps.tell_support import WATCH
from recovery.store import Transaction
from recovery.troubles import LOOK
from storage.database import Database
from storage.rows import Rows
from storage.schema import RequestRow, TaskRow, VaultKeyRow
from tests.recovery.fakes import Posted
from tests.recovery.fakes.faults import Faults
from tests.recovery.world import DRAWING, World

T = TypeVar("T")
TASKS = Rows(TaskRow, Task)
PERIODIC = (WATCH, LOOK)
"""What looks at Mailgun for as long as it takes."""
MOST_ROUNDS = 60
NO_CALLS = frozenset({"measure", "digest"})
"""What a port answers without asking anybody."""


class Killed(BaseException):
    """The process is gone, as after `kill -9`: nothing that it would have done next happens."""


class Fuse:
    """Burns at each point that the process passes; at its end it does what it was lit for, once."""

    def __init__(self) -> None:
        self.left = 0
        self.at_the_end: Callable[[], None] | None = None
        self.in_transactions = False
        self.is_dead = False
        self.burned = 0
        """How many points were passed in all."""

    def light(self, points: int, at_the_end: Callable[[], None], *, in_transactions: bool = True) -> None:
        """`in_transactions`: whether it may end inside one, where nobody else can work meanwhile."""
        self.left, self.at_the_end, self.in_transactions = points, at_the_end, in_transactions

    def put_out(self) -> None:
        self.at_the_end, self.is_dead = None, False

    def burn(self, *, in_transaction: bool = False) -> None:
        if self.is_dead:
            raise Killed
        self.burned += 1
        if self.at_the_end is None:
            return
        self.left -= 1
        if self.left > 0 or (in_transaction and not self.in_transactions):
            return
        do, self.at_the_end = self.at_the_end, None
        do()

    def die(self) -> None:
        self.is_dead = True
        raise Killed


class Port:
    """A port to the outside as the process calls it: it can die before and after each call, and calls can fail."""

    def __init__(self, port: object, world: "MortalWorld") -> None:
        self._port = port
        self._world = world

    def __getattr__(self, name: str) -> Any:
        there = getattr(self._port, name)
        if not callable(there) or name in NO_CALLS:
            return there

        def call(*arguments: Any) -> Any:
            self._world.fuse.burn()
            fault = self._world.faults.take(name, f"{arguments[2].kind} " if name == "post" else "")
            if fault and not fault.after:
                if name == "answer" and isinstance(fault.error, Refused):
                    self._world.unanswerable.add(arguments[0].id)
                raise fault.error
            result = there(*arguments)
            self._world.fuse.burn()
            if fault:
                raise fault.error
            return result

        return call


class MortalStore:
    """The database as the process uses it: it can die before a transaction, before its commit, and after it."""

    def __init__(self, database: Database, fuse: Fuse) -> None:
        self._database = database
        self._fuse = fuse

    @contextmanager
    def write(self, within: float | None = None) -> Iterator[Transaction]:
        self._fuse.burn()
        with self._database.write(within) as tx:
            yield tx
            self._fuse.burn(in_transaction=True)
        self._fuse.burn()

    def read(self) -> Any:
        return self._database.read()

    def identity(self) -> str:
        return self._database.identity()


class OneByOne:
    """Does at once what a pool would do in its threads, so that an example can be repeated."""

    def submit(self, do: Callable[..., T], *arguments: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(do(*arguments))
        except BaseException as error:  # noqa: BLE001 - as a pool does
            future.set_exception(error)
        return future


@dataclass
class MortalWorld(World):
    """A world whose process dies, is held up or is refused where that was ordered."""

    fuse: Fuse = field(default_factory=Fuse)
    faults: Faults = field(default_factory=Faults)
    unanswerable: set[int] = field(default_factory=set)
    """Requests whose answer Slack refused."""
    originals: dict[str, ApiKey] = field(default_factory=dict)
    """Every key that people made, by its description."""
    deleted_by_people: set[str] = field(default_factory=set)
    came_at: dict[str, datetime] = field(default_factory=dict)
    """When a login came or went."""
    broken: list[str] = field(default_factory=list)
    """Promises that were seen broken while the bot was at work."""
    was_held_up: bool = False
    has_ended: bool = False
    """Whether the process ended in what it was let do last."""

    def start(self, **policy: Any) -> None:
        super().start(**policy)
        self.fuse.put_out()
        self.tools = replace(
            self.tools,
            store=MortalStore(self.database, self.fuse),
            mailgun=Port(self.mailgun, self),
            messenger=Port(self.slack, self),
            directory=Port(self.directory, self),
            calls=OneByOne(),
        )
        self._settle = settle_after(self.tools, STEPS)
        self.slack.while_posting = lambda marker: (
            self._watch_recipient() if marker.kind is MarkerKind.HANDOVER else None
        )

    # --- ends and delays of the process

    def kill_at(self, points: int) -> None:
        self.fuse.light(points, self.fuse.die)

    def stop_at(self, points: int) -> None:
        """SIGTERM: what runs may end, nothing more is claimed, the leases are released."""
        self.fuse.light(points, self.stopping.set)

    def hold_up_at(self, points: int, *, drawing: bool) -> None:
        """SIGSTOP, and SIGCONT once another process has taken everything over and ended it."""
        self.fuse.light(points, lambda: self._another_takes_over(drawing=drawing), in_transactions=False)

    def _another_takes_over(self, *, drawing: bool) -> None:
        self.was_held_up = True
        self.clock.pass_by(self.policy.lease)
        self.start()
        self.work(drawing=drawing)

    def claim(self, *kinds: str) -> Job | None:
        if self.stopping.is_set():
            raise Killed
        return super().claim(*kinds)

    def live(self, do: Callable[[], T]) -> T | None:
        """Let the process do that; when it ends on the way, start it again."""
        self.was_held_up = self.has_ended = False
        try:
            return do()
        except Killed:
            self.has_ended = True
            if self.stopping.is_set():
                self.stopping.clear()
                with self.database.write() as tx:
                    tx.tasks.release(self.database.owner)
            self.start()
            return None

    def rest(self, *, drawing: bool) -> None:
        """Let the bot work until nothing is left to do; leases of the dead end, and what was put off comes due."""
        for _ in range(MOST_ROUNDS):
            self.live(lambda: self.work(drawing=drawing))
            left = [t for t in self.unfinished() if (drawing or t.kind not in DRAWING) and t.kind not in PERIODIC]
            running = any(task.status is TaskStatus.RUNNING for task in left)
            due = min((task.not_before for task in left if task.not_before > self.clock.now()), default=None)
            if due is not None and not running:
                self.clock.go_to(due)
            elif running:
                self.clock.pass_by(self.policy.lease)
            elif not self.has_ended:
                return
        raise AssertionError("the bot never comes to rest")

    # --- looking

    def unfinished(self) -> list[Task]:
        with self.database._reading.begin() as connection:
            return TASKS.all(connection, TASKS.select().where(TaskRow.finished_at.is_(None)).order_by(TaskRow.id))

    def all_tasks(self, *kinds: str) -> list[Task]:
        """Tasks of every incident, oldest first."""
        with self.database._reading.begin() as connection:
            query = TASKS.select().where(TaskRow.kind.in_(kinds)) if kinds else TASKS.select()
            return TASKS.all(connection, query.order_by(TaskRow.id))

    @property
    def accepted(self) -> list[Posted]:
        """Every message with secrets that Slack ever took."""
        return [posted for posted in self.slack.messages if isinstance(posted.said[0], SecretsMessage)]

    def live_keys(self) -> list[ApiKey]:
        return [key for key in self.mailgun.api_keys.values() if key.kind is not KeyKind.WEB]

    def handed_over_keys(self) -> set[str]:
        """The ids of the keys whose secret is in a handover that counts."""
        counting = (HandoverStatus.SENT, HandoverStatus.SAVED, HandoverStatus.EXPIRED, HandoverStatus.REISSUED)
        secrets = {
            secret
            for posted in self.accepted
            if self.handover_in(posted) in counting
            for secret in posted.secrets.values()
        }
        return {key_id for key_id, secret in self.mailgun.key_secrets.items() if secret in secrets}

    def handover_in(self, posted: Posted) -> HandoverStatus:
        with self.database.read() as tx:
            return tx.handovers.get(int(posted.marker.key.rpartition(":")[2])).status

    def _watch_recipient(self) -> None:
        """Secrets go to the requester as they are at this moment, and only to a member who may receive."""
        if self.was_held_up:
            return
        with self.database.read() as tx:
            sending = [
                h
                for i in tx.incidents.in_status(*IncidentStatus)
                for h in tx.handovers.of(i.id, HandoverStatus.SENDING)
            ]
            requesters = {h.recipient_id: tx.incidents.get(h.incident_id).requester_id for h in sending}
        for recipient, requester in requesters.items():
            member = self.directory.members[recipient]
            if recipient != requester or not member.is_active or not member.is_full:
                self.broken.append(f"secrets are sent to {recipient}, requester is {requester}: {member}")


# --- The record of every move -----------------------------------------------------------------------------

WATCHED = {"steps": "version", "obligations": "version", "incidents": "0", "handovers": "0"}


@contextmanager
def recording(database: Database) -> Iterator[None]:
    """Let the database itself write down every change of a status or a version."""
    with database._writing.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE moves (id INTEGER PRIMARY KEY, of TEXT, row INTEGER, was TEXT, became TEXT, was_version "
            "INTEGER, version INTEGER, decided TEXT, last_task INTEGER)"
        )
        for table, version in WATCHED.items():
            old, new = ("0", "0") if version == "0" else (f"OLD.{version}", f"NEW.{version}")
            decided = "NULL"
            if table == "steps":
                decided = (
                    "CASE WHEN NEW.decided_at IS NOT OLD.decided_at AND NEW.decision IS NOT NULL "
                    "THEN json_array(NEW.decision, NEW.decided_by) END"
                )
            connection.exec_driver_sql(
                f"CREATE TRIGGER moves_of_{table} AFTER UPDATE ON {table} "
                f"WHEN OLD.status IS NOT NEW.status OR {old} IS NOT {new} BEGIN "
                "INSERT INTO moves (of, row, was, became, was_version, version, decided, last_task) VALUES "
                f"('{table}', NEW.id, OLD.status, NEW.status, {old}, {new}, {decided}, "
                "(SELECT coalesce(max(id), 0) FROM tasks)); END"
            )
    try:
        yield
    finally:
        with database._writing.begin() as connection:
            for table in WATCHED:
                connection.exec_driver_sql(f"DROP TRIGGER moves_of_{table}")
            connection.exec_driver_sql("DROP TABLE moves")


@dataclass(frozen=True)
class Move:
    of: str
    row: int
    was: str
    became: str
    was_version: int
    version: int
    decided: tuple[str, str] | None
    last_task: int
    """The newest task at that moment."""


def moves(world: World, of: str) -> list[Move]:
    with world.database._reading.begin() as connection:
        rows = connection.exec_driver_sql(
            "SELECT of, row, was, became, was_version, version, decided, last_task FROM moves WHERE of = ? ORDER BY id",
            (of,),
        ).all()
    return [Move(*row[:6], tuple(json.loads(row[6])) if row[6] else None, row[7]) for row in rows]


# --- The promises -----------------------------------------------------------------------------------------


def always(world: MortalWorld) -> None:
    """What holds after anything at all."""
    assert not world.broken, world.broken
    with world.database.read() as tx:
        assert len(tx.incidents.in_status(IncidentStatus.OPEN)) <= 1
    each_version_is_one_move(world)
    no_secret_was_posted_twice(world)
    nobody_is_locked_out(world)


def at_rest(world: MortalWorld, *, drawn: bool) -> None:
    """What holds once the bot has nothing left to do at this moment."""
    always(world)
    each_decision_is_one_version(world)
    trails_are_whole(world)
    everyone_was_answered(world)
    passwords_are_in_the_last_handover(world)
    keys_are_accounted_for(world)
    secrets_do_not_stay_in_slack(world)
    nothing_new_began_after_the_end(world)
    steps_stand_where_their_tasks_are(world)
    files_stand_once(world)
    if drawn:
        nothing_waits_forever(world)
        the_thread_has_the_trail_once(world)


ALLOWED = {
    "incidents": {"open": {"recovered", "cancelled"}, "recovered": {"closed"}},
    "handovers": {
        "planned": {"sending", "abandoned"},
        "sending": {"sent", "doubtful", "abandoned"},
        "sent": {"saved", "expired", "reissued"},
        "expired": {"reissued"},
    },
}


def each_version_is_one_move(world: MortalWorld) -> None:
    """Each change of a status is one version more, and nothing else is."""
    for table in ("steps", "obligations"):
        for move in moves(world, table):
            assert move.version == move.was_version + 1, move
            assert move.was != move.became, move
    for table, allowed in ALLOWED.items():
        for move in moves(world, table):
            assert move.became in allowed.get(move.was, ()), move


DECISIONS = {
    Action.APPROVED: "approved",
    Action.SKIPPED: "skipped",
    Action.RETRIED: "retried",
    Action.SUPPORT_TOLD: "sent",
}


def each_decision_is_one_version(world: MortalWorld) -> None:
    """Each decision in the trail made exactly one version of its step, and each such version is in the trail."""
    made: dict[tuple[int, str], list[tuple[str, str]]] = {}
    with world.database.read() as tx:
        incidents = tx.incidents.in_status(*IncidentStatus)
        states = {state.id: state for incident in incidents for state in tx.steps.of(incident.id)}
        told: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for incident in incidents:
            for entry in tx.audit.entries(incident.id):
                if decision := DECISIONS.get(entry.facts.action):
                    label = entry.facts.subject or next(step.label for step in STEPS if step.opens_last)
                    told.setdefault((incident.id, label), []).append((decision, entry.facts.actor))
    for move in moves(world, "steps"):
        if move.decided:
            state = states[move.row]
            label = next(step.label for step in STEPS if step.kind == state.kind)
            made.setdefault((state.incident_id, label), []).append(move.decided)
    assert made == told


def no_secret_was_posted_twice(world: MortalWorld) -> None:
    posted = Counter(secret for message in world.accepted for secret in message.secrets.values())
    twice = [secret for secret, times in posted.items() if times > 1]
    assert not twice, "a secret was posted twice"
    assert not [m for m in world.slack.messages if any(isinstance(said, SecretsMessage) for said in m.said[1:])]


def nobody_is_locked_out(world: MortalWorld) -> None:
    """The bot's own key works, and each key that people had either lives or has a replacement that was handed over."""
    assert world.vault.current().reveal() in world.mailgun.key_secrets.values(), "the bot is locked out"
    there = world.mailgun.api_keys
    gone = {d for d, key in world.originals.items() if key.id not in there and key.id not in world.deleted_by_people}
    if gone:
        handed_over = world.handed_over_keys()
        replaced = {unmarked(there[key_id].description) for key_id in handed_over}
        assert gone <= replaced, f"deleted without a replacement that was handed over: {gone - replaced}"


def trails_are_whole(world: MortalWorld) -> None:
    """Numbers without gaps, each entry holding the hash of the one before."""
    with world.database.read() as tx:
        for incident in tx.incidents.in_status(*IncidentStatus):
            previous = FIRST_HASH
            entries = tx.audit.entries(incident.id)
            assert [entry.number for entry in entries] == list(range(1, incident.audit_count + 1))
            for entry in entries:
                assert entry == chained(incident.id, entry.number, entry.at, entry.facts, previous)
                previous = entry.hash


def everyone_was_answered(world: MortalWorld) -> None:
    answered = {request.id for request, _ in world.slack.answers} | world.unanswerable
    with world.database._reading.begin() as connection:
        for number, action, outcome in connection.execute(select(RequestRow.id, RequestRow.action, RequestRow.outcome)):
            assert outcome, f"request {number} ({action}) was never judged"
            assert outcome != WAITING, f"request {number} ({action}) waits still"
            assert number in answered, f"request {number} ({action}: {outcome}) was never answered"


def passwords_are_in_the_last_handover(world: MortalWorld) -> None:
    """The password that works is the one in the last message that names its login, or the bot knows that it is not."""
    told = last_told(world)
    last = {task.subject: task for task in world.all_tasks(SET)}
    for login in world.mailgun.all_logins:
        works = world.mailgun.password_of(login.subject)
        task = last.get(login.subject)
        if (
            works is None
            or task is None
            or told.get(f"{login.domain} ({login.region.upper()}): {login.login}") == works
        ):
            continue
        is_known = in_nobodys_hands(task) or (task.status is TaskStatus.FAILED and needs_attention(world, task))
        assert is_known, f"nobody has the password of {login.subject}: {task}"


def last_told(world: MortalWorld) -> dict[str, str]:
    """Each login with the password in the last message that names it."""
    return {name: secret for posted in world.accepted for name, secret in posted.secrets.items()}


def shown_as(login: Login) -> str:
    return f"{login.domain} ({login.region.upper()}): {login.login}"


def needs_attention(world: MortalWorld, task: Task) -> bool:
    if task.step_id is None:
        return False
    with world.database.read() as tx:
        return tx.steps.get(task.step_id).status is StepStatus.NEEDS_ATTENTION


def keys_are_accounted_for(world: MortalWorld) -> None:
    """Each live key is one that people made, one that was handed over, the bot's own, or noted as unfinished."""
    tasks = [task for task in world.all_tasks() if task.kind.startswith("api_keys.")]
    noted = {mark for t in tasks if t.status is not TaskStatus.DONE for mark in marks_in(t.payload)}
    with world.database._reading.begin() as connection:
        own = set(connection.scalars(select(VaultKeyRow.mailgun_key_id)))
    handed_over = world.handed_over_keys()
    originals = {key.id for key in world.originals.values()}
    for key in world.live_keys():
        assert key.id in originals | handed_over | own or mark_of(key) in noted, f"an orphan: {key}"
    made: dict[tuple[int | None, str], set[str]] = {}
    for task in tasks:
        if new_id := task.payload.get("new_id"):
            made.setdefault((task.step_id, task.subject), set()).add(str(new_id))
    twice = {subject: ids for (_, subject), ids in made.items() if len(ids & handed_over) > 1}
    assert not twice, f"replaced more than once: {twice}"


def marks_in(payload: Mapping[str, Any]) -> list[str]:
    return [*payload.get("marks", ()), *payload.get("own_marks", ())]


def secrets_do_not_stay_in_slack(world: MortalWorld) -> None:
    """A message that still shows secrets belongs to a handover that waits to be saved, or to work that is stuck."""
    stuck = {t.handover_id for t in world.all_tasks() if t.status is TaskStatus.FAILED and needs_attention(world, t)}
    for posted in world.accepted:
        if isinstance(posted.content, SecretsMessage) and not posted.is_deleted:
            number = int(posted.marker.key.rpartition(":")[2])
            status = world.handover_in(posted)
            assert status is HandoverStatus.SENT or number in stuck, f"handover {number} is {status} and not wiped"


def nothing_new_began_after_the_end(world: MortalWorld) -> None:
    """After a cancelled or closed incident's end, only what sets right what was begun before is planned."""
    effects = {kind.name for kind in world.kinds if kind.effect}
    begins = {step.begin_kind for step in STEPS}
    for end in moves(world, "incidents"):
        if end.became not in ("cancelled", "closed"):
            continue
        later = [t for t in world.all_tasks(*effects) if t.incident_id == end.row and t.id > end.last_task]
        anew = [t for t in world.all_tasks(*begins) if t.incident_id == end.row and t.payload.get("anew")]
        again = {identity_of(str(subject)) for task in anew for subject in task.payload["scope"]}
        for task in later:
            is_right = task in anew or (task.kind not in begins and identity_of(task.subject) in again)
            assert is_right, f"planned after incident {end.row} was {end.became}: {task}"


def steps_stand_where_their_tasks_are(world: MortalWorld) -> None:
    """What failed is shown as needing attention; what runs has something that it waits for."""
    with world.database.read() as tx:
        for incident in tx.incidents.in_status(IncidentStatus.OPEN, IncidentStatus.RECOVERED):
            for state in tx.steps.of(incident.id):
                failed = tx.tasks.of_step(state.id, TaskStatus.FAILED)
                assert bool(failed) == (state.status is StepStatus.NEEDS_ATTENTION), (state, failed)
                if state.status is StepStatus.RUNNING:
                    waits = any(o.is_open for o in tx.people.obligations(incident.id, state.id)) or bool(
                        [t for t in tx.tasks.of_step(state.id, TaskStatus.READY) if t.kind == WATCH]
                    )
                    assert waits, state


def nothing_waits_forever(world: MortalWorld) -> None:
    """Nothing is unfinished but what looks again and again, each time after a while."""
    for task in world.unfinished():
        assert task.kind in PERIODIC, f"due, and nobody takes it: {task}"
        assert world.clock.now() < task.not_before <= world.clock.now() + world.policy.poll_every, task


def the_thread_has_the_trail_once(world: MortalWorld) -> None:
    """Each audit entry is in the thread exactly once, in order."""
    with world.database.read() as tx:
        incidents = tx.incidents.in_status(*IncidentStatus)
    for incident in incidents:
        shown = [
            entry
            for posted in world.slack.of_kind(MarkerKind.AUDIT)
            if posted.place.thread_ts == incident.thread_ts
            for entry in (posted.said[0].entries if isinstance(posted.said[0], Trail) else ())
        ]
        with world.database.read() as tx:
            assert shown == tx.audit.entries(incident.id), f"incident {incident.id}"


def files_stand_once(world: MortalWorld) -> None:
    """Each export that was recorded is in the thread once, and none that was not."""
    with world.database.read() as tx:
        recorded = [
            entry
            for incident in tx.incidents.in_status(*IncidentStatus)
            for entry in tx.audit.entries(incident.id)
            if entry.facts.action is Action.EXPORTED
        ]
    done = [task for task in world.all_tasks("export") if task.status is TaskStatus.DONE]
    doubtful = [task for task in world.all_tasks("export") if task.status is TaskStatus.FAILED]
    assert len(recorded) == len(done)
    assert len(done) <= len(world.slack.shared) <= len(done) + len(doubtful)


def everything_was_done(world: MortalWorld) -> None:
    """What is done is done: each password and each old key is a new one that was handed over, if not left on purpose.

    What came after the last look at the account is not the bot's to know.
    """
    with world.database.read() as tx:
        states = {state.kind: state for state in tx.steps.of(world.incident.id)}
        opened = [e.at for e in tx.audit.entries(world.incident.id) if e.facts.action is Action.STEP_OPENED]
    if not opened:
        return
    assert not [state for state in states.values() if state.status is StepStatus.NEEDS_ATTENTION]
    smtp, api = states["smtp_credentials"], states["api_keys"]
    if smtp.status is StepStatus.DONE:
        told = last_told(world)
        for login in world.mailgun.all_logins:
            if (
                login.subject not in left_by_decision(smtp)
                and world.came_at.get(login.subject, opened[-1]) <= opened[-1]
            ):
                works = world.mailgun.password_of(login.subject)
                assert works is not None and told.get(shown_as(login)) == works, f"left out: {login.subject}"
    if api.status is StepStatus.DONE:
        for key in world.originals.values():
            is_left = key.id in left_by_decision(api) or key.created_at > opened[-1]
            assert is_left or key.id not in world.mailgun.api_keys, f"an old key lives: {key}"
