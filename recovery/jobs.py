"""A job: claimed tasks, their lease, and how their end is recorded."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from recovery import troubles
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import KeyRefused, Later, LeaseLost, NotYet, OutsideError, Paced, Refused, Uncertain
from recovery.policy import LEASE_MARGIN
from recovery.refusals import REFUSED
from recovery.state import Facts, NewTask, Task, TaskStatus
from recovery.store import Transaction
from recovery.tools import Tools

log = logging.getLogger(__name__)

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
LONGEST_QUICK_BACKOFF = 3.0

TROUBLE_AFTER = 3
"""Failures in a row after which a task that is tried until it works is worth a word on the board."""

PATIENCE = timedelta(seconds=20)
"""How long a task may be put off by the other side before that is worth a word."""

LOOKS = 2
"""How often something is looked for before it counts as not there."""

LOOKED = "looked"
"""In a task's payload: how often it has looked."""

_PUT_OFF_SINCE = "put_off_since"
_TROUBLED = "troubled"
"""In a task's payload: since when the other side asks to wait; and that the board speaks of the task's trouble."""

_OF_TROUBLE = (_TROUBLED, _PUT_OFF_SINCE, REFUSED, "failures")
"""All that a task's payload says of its troubles."""

LOOK_AT_OUTAGES_AFTER = 2
"""Failures in a row after which Mailgun's status page is looked at."""


@dataclass(frozen=True)
class TaskKind:
    """One kind of task: what runs it, what that is in words for people ("asking Mailgun"), and how patient to be.

    `batch` is how many tasks one job may take together, and `fits` how many of those that it could. After
    `most_attempts` failed attempts the task fails for a person to see; None means that it is tried until it works,
    and that the board says what keeps it from that. `effect` marks kinds that change something at Mailgun or tell
    people: cancelling an incident drops those that never began. `quick` kinds answer people and have workers of
    their own. `draws` marks kinds that post or redraw what is known already: no step moves by them. `fills_calls`
    marks kinds of which one job calls Mailgun as often at once as it may: it says `calls_made` when it does so no
    longer.
    """

    name: str
    run: "Callable[[Job], None]"
    words: str
    batch: int = 1
    fits: Callable[[Sequence[Task]], int] = len
    most_attempts: int | None = 6
    effect: bool = False
    quick: bool = False
    draws: bool = False
    fills_calls: bool = False


class Stopping(Exception):
    """The process is leaving; the job's tasks go back to be claimed."""


class Job:
    """Claimed tasks of one kind. The first one stands for all where they share a step."""

    def __init__(self, tools: Tools, kind: TaskKind, tasks: Sequence[Task], until: datetime) -> None:
        self.tools = tools
        self.kind = kind
        self.tasks = list(tasks)
        self.incident_id = tasks[0].incident_id
        self.is_calling = kind.fills_calls
        self.taken_at: datetime | None = None
        """When the other side last took one of the calls that it may ask to wait with (`recovery.patience`)."""
        self._until = until
        self._lock = Lock()
        self._if_lost: dict[str, NewTask] = {}
        self._unwritten = False
        self.back_in: float | None = None
        """In how many seconds the bot's own pace has room for what it put off; None where it put off nothing."""

    @property
    def task(self) -> Task:
        """The only task of a kind without batches, or the first of a batch."""
        return self.tasks[0]

    def hold(self) -> None:
        """Make sure that the lease outlasts one outside call by five seconds; call it before each.

        Raises `LeaseLost` when another process has the tasks by now.
        """
        with self._lock:
            policy = self.tools.policy
            now = self.tools.clock.now()
            if self._until - now > policy.http_timeout + LEASE_MARGIN:
                return
            until = now + policy.lease
            with self.tools.store.write() as tx:
                if not tx.tasks.renew(self.tasks, until):
                    raise LeaseLost(f"another process took over {self.kind.name}")
            self._until = until

    def wait(self, seconds: float) -> None:
        """Wait in memory, under the lease. Only for a job that holds secrets that nobody has yet (`recovery.patience`
        among them), or that is in the middle of a look through the account (`recovery.listing`).

        Any other waiting is a task's `not_before`. Raises `Stopping` as soon as the process shall leave.
        """
        policy = self.tools.policy
        longest = max((policy.lease - policy.http_timeout - LEASE_MARGIN).total_seconds(), 0.1)
        left = seconds
        while left > 0:
            self.hold()
            part = min(left, longest)
            if self.tools.stopping.wait(part):
                raise Stopping
            left -= part
        self.hold()

    @contextmanager
    def record(self) -> Iterator[Transaction]:
        """A transaction for results: only as long as the tasks are still this job's.

        Every transaction that touches an incident locks that first, so that no two wait for each other.
        """
        with self._own(incident_id=self.incident_id) as tx:
            yield tx

    @contextmanager
    def _own(self, incident_id: int | None = None) -> Iterator[Transaction]:
        """A transaction in which the tasks are this job's, and that incident locked; it writes what is remembered."""
        with self.tools.store.write() as tx:
            if incident_id is not None:
                tx.incidents.get(incident_id, lock=True)
            if self.tasks and not tx.tasks.holds(self.tasks):
                raise LeaseLost(f"another process took over {self.kind.name}")
            if self._unwritten and self.tasks:
                tx.tasks.note(self.task, self.task.payload)
            yield tx
        self._unwritten = False
        # Until this commit the tasks were this job's: whoever takes them over begins after all that it did.
        self._if_lost.clear()

    def if_lost(self, follow_up: NewTask) -> None:
        """Say, before an outside call, what must follow if another process turns out to have taken the job over.

        A process that was stopped between looking at its lease and the call may change what the other one has
        made by then. A follow-up with the same key replaces the earlier one; all are forgotten at the next `record`.
        """
        self._if_lost[follow_up.key] = follow_up

    @property
    def follow_ups(self) -> list[NewTask]:
        """What must be planned now that the lease is lost."""
        return list(self._if_lost.values())

    def note(self, **payload: object) -> None:
        """Write into the first task's payload, at once: what a restart must know."""
        self.remember(**payload)
        # It touches nothing but the task's own row, and so locks no incident.
        with self._own():
            pass

    def remember(self, **payload: object) -> None:
        """The same, with whatever is recorded next: what a restart would find out by itself, and is spared that."""
        self.tasks[0] = replace(self.task, payload=merged(self.task.payload, payload))
        self._unwritten = True

    def look_again(self, words: str) -> None:
        """Have the task look once more, `SETTLE` from now, unless it has looked twice by now. Raises `NotYet`.

        What was done a moment ago may not show yet, at Slack and at Mailgun.
        """
        looked = int(str(self.task.payload.get(LOOKED, 0))) + 1
        if looked < LOOKS:
            # With the time of the next look: a process that dies in between must not let that come too soon.
            self.remember(**{LOOKED: looked})
            raise NotYet(words, seconds=self.tools.policy.settle.total_seconds())

    def calls_made(self) -> None:
        """What this job had to call Mailgun for it has: the next one may begin with that."""
        self.is_calling = False
        self.tools.wake()

    def let_go(self, tasks: Sequence[Task]) -> None:
        """Give back some of the claimed tasks with which nothing was begun, to be claimed by another job."""
        if not tasks:
            return
        with self.record() as tx:
            tx.tasks.give_back(tasks)
        self._take_off(tasks)
        self.tools.wake()

    def put_off(self) -> None:
        """The process is leaving: what is left of the job was begun, and a restart goes on with it."""
        with self.record() as tx:
            for task in list(self.tasks):
                self.defer(tx, task, "the bot was stopped; it goes on after its restart")

    def done(self, tx: Transaction, *tasks: Task, at: datetime | None = None) -> None:
        """Record tasks as done, inside `record`; the rest of the job goes on.

        `at` is when they took effect, where that was before now and somebody may compare it.
        """
        moment = at or self.tools.clock.now()
        self.done_at(tx, [(task, moment) for task in tasks])

    def done_at(self, tx: Transaction, done: Sequence[tuple[Task, datetime]]) -> None:
        """The same, each with the moment when it took effect."""
        tx.tasks.end_all(done, TaskStatus.DONE)
        for task, _ in done:
            self._clear_trouble(tx, task)
        self._take_off([task for task, _ in done])

    def drop(self, tx: Transaction, task: Task, reason: str) -> None:
        """Record that there is nothing left to do for a task, inside `record`."""
        tx.tasks.end(task, TaskStatus.DROPPED, self.tools.clock.now(), reason)
        self._clear_trouble(tx, task)
        self._take_off([task])

    def defer(self, tx: Transaction, task: Task, reason: str, seconds: float = 0) -> None:
        """Put a task back to be claimed again, at once or later, inside `record`: no failure, it has to wait."""
        self._no_more_trouble(tx, task)
        tx.tasks.defer(task, self.tools.clock.now() + timedelta(seconds=seconds), reason)
        self._take_off([task])

    def _take_off(self, tasks: Sequence[Task]) -> None:
        gone = {task.id for task in tasks}
        self.tasks = [task for task in self.tasks if task.id not in gone]

    def not_done(self, tx: Transaction, task: Task, error: OutsideError, at: datetime | None = None) -> None:
        """Record what a failed attempt means: later, once more, or a failure for a person to see.

        `at` is when it failed. Tasks that failed together have one, so that they are due together.
        """
        now = at or self.tools.clock.now()
        failures = int(str(task.payload.get("failures", 0))) + 1
        tries_left = self.kind.most_attempts is None or failures < self.kind.most_attempts
        if isinstance(error, NotYet):
            self._no_more_trouble(tx, task)
            tx.tasks.defer(task, now + timedelta(seconds=max(error.seconds, 0.05)), str(error))
        elif isinstance(error, Paced):
            self.back_in = max(error.seconds, 0.05)
            tx.tasks.defer(task, now + timedelta(seconds=self.back_in), str(error))
        elif isinstance(error, Later):
            # A 429, or a server out of reach, is no failure of this task; but it is a trouble when it goes on.
            task = self._put_off(tx, task, error, now)
            tx.tasks.defer(task, now + timedelta(seconds=max(error.seconds, 0.05)), str(error))
        elif self._is_final(tx, task, error, tries_left):
            task = self.fail(tx, task, str(error))
            if isinstance(error, KeyRefused):
                self._key_refused(tx, task, error)
        else:
            task = tx.tasks.note(task, merged(task.payload, {"failures": failures}))
            longest = LONGEST_QUICK_BACKOFF if self.kind.quick else LONGEST_BACKOFF
            backoff = min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), longest)
            tx.tasks.defer(task, now + timedelta(seconds=backoff), str(error))
            if isinstance(error, KeyRefused):
                self._key_refused(tx, task, error)
            elif not tries_left or (
                self.kind.most_attempts is None and (isinstance(error, Refused) or failures >= TROUBLE_AFTER)
            ):
                self._trouble(tx, task, error)
            elif failures >= LOOK_AT_OUTAGES_AFTER and task.incident_id is not None and not self.kind.draws:
                troubles.plan_look(tx, task.incident_id)
        self._take_off([task])

    def _is_final(self, tx: Transaction, task: Task, error: OutsideError, tries_left: bool) -> bool:
        """Whether people must see to it. What Mailgun's own outage is to blame for goes on by itself after that."""
        if isinstance(error, Refused):
            return self.kind.most_attempts is not None
        if tries_left:
            return False
        is_outage = isinstance(error, Uncertain) and task.incident_id is not None
        return not (is_outage and troubles.STATUS_PAGE in tx.incidents.get(task.incident_id or 0).troubles)

    def _key_refused(self, tx: Transaction, task: Task, error: KeyRefused) -> None:
        """Mailgun refused the bot's key: the task knows it, so that a fresh one finds it; and so does the board."""
        tx.tasks.note(task, merged(task.payload, {REFUSED: str(error.why)}))
        if task.incident_id is not None:
            look_at = self.tools.clock.now() + self.tools.policy.poll_every
            troubles.show_key(tx, task.incident_id, error.why, f"{self.kind.words}: {error}", look_at)

    def _put_off(self, tx: Transaction, task: Task, error: Later, now: datetime) -> Task:
        """Remember since when the other side asks to wait, and say so on the board when that is long."""
        since = task.payload.get(_PUT_OFF_SINCE)
        if not isinstance(since, str):
            return tx.tasks.note(task, merged(task.payload, {_PUT_OFF_SINCE: now.isoformat()}))
        if now - datetime.fromisoformat(since) > PATIENCE:
            self._trouble(tx, task, error)
        return task

    def _trouble(self, tx: Transaction, task: Task, error: OutsideError) -> None:
        """Say on the board what keeps tasks of this kind from working."""
        if task.incident_id is None:
            return
        troubles.show(tx, task.incident_id, self.kind.name, f"{self.kind.words}: {error}")
        if not task.payload.get(_TROUBLED):
            tx.tasks.note(task, merged(task.payload, {_TROUBLED: True}))

    def _clear_trouble(self, tx: Transaction, task: Task) -> None:
        if task.payload.get(_TROUBLED) and task.incident_id is not None:
            troubles.clear(tx, task.incident_id, self.kind.name)
        if task.payload.get(REFUSED) and task.incident_id is not None:
            troubles.clear_key(tx, task.incident_id)

    def _no_more_trouble(self, tx: Transaction, task: Task) -> Task:
        """The task got an answer and goes on later: whatever it failed of, or was put off by, is over."""
        self._clear_trouble(tx, task)
        had = {name for name in _OF_TROUBLE if task.payload.get(name)}
        if not had:
            return task
        return tx.tasks.note(task, {name: value for name, value in task.payload.items() if name not in had})

    def fail(self, tx: Transaction, task: Task, reason: str) -> Task:
        """Record a failure for a person to see, with its audit entry; the task as it is noted then."""
        now = self.tools.clock.now()
        task = self._no_more_trouble(tx, task)
        tx.tasks.end(task, TaskStatus.FAILED, now, reason)
        if task.incident_id is not None:
            facts = AuditFacts(Actor.BOT, Action.FAILED, task.subject or self.kind.words, reason)
            tx.audit.append(task.incident_id, now, facts)
        self._take_off([task])
        return task

    def end_with(self, error: OutsideError) -> None:
        """Every task still in the job ends with this error: deferred, or failed."""
        now = self.tools.clock.now()
        with self.record() as tx:
            for task in list(self.tasks):
                self.not_done(tx, task, error, now)

    def finish(self) -> None:
        """Every task still in the job is done."""
        if self.tasks:
            with self.record() as tx:
                self.done(tx, *self.tasks)


def merged(payload: Facts, more: dict[str, object]) -> Facts:
    """The payload with those fields set."""
    return {**payload, **more}  # type: ignore[dict-item]  # callers pass JSON values; mypy cannot see it through **
