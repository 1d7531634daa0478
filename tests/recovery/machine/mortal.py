"""A world in which the bot can die, be held up or be refused at any point.

`MortalWorld` is `World` with every outside call and every commit made into such a point.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from recovery.account import ApiKey, KeyKind
from recovery.content import MarkerKind, SecretsMessage
from recovery.errors import Refused
from recovery.jobs import Job
from recovery.looking import LOOK as LOOK_AT_FINDINGS
from recovery.progress import settle_after
from recovery.state import HandoverStatus, IncidentStatus, Task, TaskStatus
from recovery.steps import STEPS
from recovery.steps.tell_support import WATCH
from recovery.store import Transaction
from recovery.troubles import LOOK, LOOK_AT_KEY
from storage.database import Database
from storage.rows import Rows
from storage.schema import TaskRow
from tests.recovery.fakes import Posted
from tests.recovery.fakes.faults import Faults
from tests.recovery.world import DRAWING, World

T = TypeVar("T")
TASKS = Rows(TaskRow, Task)
PERIODIC = (WATCH, LOOK, LOOK_AT_KEY, LOOK_AT_FINDINGS)
"""What looks at Mailgun for as long as it takes."""
COUNTING = (HandoverStatus.SENT, HandoverStatus.SAVED, HandoverStatus.EXPIRED, HandoverStatus.REISSUED)
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
        if name == "for_subaccount":
            return lambda subaccount_id: Port(there(subaccount_id), self._world)
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
        except BaseException as error:  # noqa: BLE001  # as a pool does
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
    _is_slow_to_send: bool = False
    broken: list[str] = field(default_factory=list)
    """Promises that were seen broken while the bot was at work."""
    was_held_up: bool = False
    has_ended: bool = False
    """Whether the process ended in what it was let do last."""

    def start(self, **policy: Any) -> None:
        super().start(**policy)
        self.fuse.put_out()
        self._is_slow_to_send = False
        self.tools = replace(
            self.tools,
            store=MortalStore(self.database, self.fuse),
            mailgun=Port(self.mailgun, self),
            messenger=Port(self.slack, self),
            directory=Port(self.directory, self),
            calls=OneByOne(),
        )
        self._settle = settle_after(self.tools, STEPS)
        self.slack.while_posting = lambda marker: self._while_sending() if marker.kind is MarkerKind.HANDOVER else None

    # --- ends and delays of the process

    def kill_at(self, points: int) -> None:
        self.fuse.light(points, self.fuse.die)

    def stop_at(self, points: int) -> None:
        """SIGTERM: what runs may end, nothing more is claimed, the leases are released."""
        self.fuse.light(points, self.stopping.set)

    def hold_up_at(self, points: int, *, drawing: bool) -> None:
        """SIGSTOP, and SIGCONT once another process has taken everything over and ended it."""
        self.fuse.light(points, lambda: self._another_takes_over(drawing=drawing), in_transactions=False)

    def others_work_at(self, points: int, *, drawing: bool) -> None:
        """A thread is slow for a moment, in which the process's other threads do all that is due by then."""
        self.fuse.light(points, lambda: self._others_work(drawing=drawing), in_transactions=False)

    def others_work_while_sending(self) -> None:
        """The same, in the middle of the next send of secrets."""
        self._is_slow_to_send = True

    def _while_sending(self) -> None:
        self._watch_recipient()
        if self._is_slow_to_send:
            self._is_slow_to_send = False
            self._others_work(drawing=False)

    def _others_work(self, *, drawing: bool) -> None:
        # They may wait themselves, and longer than a lease.
        self.was_held_up = True
        self.clock.pass_by(timedelta(seconds=2))
        self.work(timedelta(0), drawing=drawing)

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
            unfinished = [task for task in self.unfinished() if drawing or task.kind not in DRAWING]
            running = any(task.status is TaskStatus.RUNNING for task in unfinished)
            left = [task for task in unfinished if task.kind not in PERIODIC]
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
        secrets = {secret for posted in self.counting for secret in posted.secrets.values()}
        return {key_id for key_id, secret in self.mailgun.key_secrets.items() if secret in secrets}

    @property
    def counting(self) -> list[Posted]:
        """Those of the accepted messages whose handover counts: nobody has doubted it or given it up."""
        return [posted for posted in self.accepted if self.handover_in(posted) in COUNTING]

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
