"""What a list of Mailgun's users changes: who is new, who is gone, what is met, what is undone, what is questioned.

Everything is worked out from what was read, and written by as many statements for five thousand people as for five.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from recovery.account import AccountUser
from recovery.audit import Action, Actor, AuditFacts
from recovery.people import (
    Evidence,
    PeopleStep,
    awaited,
    by_person,
    cannot_be_asked,
    dropped,
    is_doubtful,
    judge,
    plan_redraw,
    signs_in_elsewhere,
)
from recovery.state import (
    Incident,
    NewTask,
    Obligation,
    ObligationStatus,
    Person,
    Standing,
    StepState,
    StepStatus,
)
from recovery.store import Transaction
from recovery.strangers import settle_strangers
from recovery.strays import listed_as_stray, strays_task

Users = Mapping[str, AccountUser]
"""The account's users who are not disabled, by Mailgun's id."""

FIND = "people.find"


@dataclass
class Weighing:
    """One list of users, and what it changes in one incident. `at` is when Mailgun was asked for the list."""

    incident: Incident
    at: datetime
    now: datetime
    people: dict[int, Person]
    obligations: list[Obligation]
    changed: dict[int, Obligation] = field(default_factory=dict)
    new: list[Obligation] = field(default_factory=list)
    moved: dict[int, Person] = field(default_factory=dict)
    facts: list[AuditFacts] = field(default_factory=list)
    looks_new: list[int] = field(default_factory=list)
    """The ids of the people whom Mailgun lists by another address, or who sign in otherwise than before."""

    def weigh(self, steps: Sequence[tuple[PeopleStep, StepState]], users: Users) -> None:
        """Work out what the list changes, for these steps."""
        theirs = by_person(self.obligations)
        for person in list(self.people.values()):
            user = users.get(person.mailgun_id)
            if user is None:
                self._gone(person, theirs.get(person.id, []))
                continue
            person = self._as_listed(person, user)
            for step, state in steps:
                known = next((o for o in theirs.get(person.id, []) if o.kind == step.kind), None)
                if known is None:
                    self._oblige(step, state, person, user)
                else:
                    if known.status is ObligationStatus.DROPPED:
                        known = self._reopen(step, known, person, "is asked again")
                    self._compare(step, known, person, user)

    def write(self, tx: Transaction) -> None:
        """Write it down, with its audit entries and what follows from it."""
        self._schedule()
        tx.people.save(list(self.moved.values()))
        if self.moved:
            settle_strangers(tx, self.incident.id, list(self.moved.values()), self.now)
        tx.people.save_obligations(list(self.changed.values()))
        tx.people.oblige(self.new)
        tx.audit.append_all(self.incident.id, self.now, self.facts)
        drawn = {person.id: person for person in (*self._touched(), *(self.people[id_] for id_ in self.looks_new))}
        plan_redraw(tx, *drawn.values())
        if any(map(listed_as_stray, drawn.values())):
            tx.tasks.add([strays_task(self.incident)])
        left = {one.step_id for one in (*self.changed.values(), *self.new) if one.is_open}
        for state in tx.steps.of(self.incident.id):
            if state.id in left:
                # Somebody who joins, or undoes it, after the step was done opens it again.
                tx.steps.move(state, [StepStatus.DONE], StepStatus.RUNNING)

    @property
    def found_something(self) -> bool:
        """Whether the thread may look different now."""
        return bool(self.changed or self.new or self.moved)

    @property
    def somebody_is_left(self) -> bool:
        """Whether anybody has something left to do."""
        return any(one.is_open for one in self._current())

    # --- One person

    def _gone(self, person: Person, obligations: Sequence[Obligation]) -> None:
        """Mailgun no longer lists this user, or lists them as disabled: nothing is asked of them any more."""
        if person.left_at is None:
            self._move(replace(person, left_at=self.now))
        for obligation in obligations:
            if obligation.is_open:
                self._change(dropped(obligation, self.now))
                self._tell(Action.OBLIGATION_DROPPED, person.called)

    def _as_listed(self, person: Person, user: AccountUser) -> Person:
        """The person as Mailgun lists them now."""
        # Looked at first: of thousands nothing has changed in most polls.
        known = (person.email, person.name, person.role, person.is_master, person.sign_in, person.left_at)
        if known == (user.email, user.name, user.role, user.is_master, user.sign_in, None):
            return person
        listed = replace(
            person,
            email=user.email,
            name=user.name,
            role=user.role,
            is_master=user.is_master,
            sign_in=str(user.sign_in),
            left_at=None,
        )
        self._move(listed)
        self.looks_new.append(person.id)
        return listed

    # --- One obligation

    def _oblige(self, step: PeopleStep, state: StepState, person: Person, user: AccountUser) -> None:
        """A new obligation, met at once where Mailgun shows that without doubt."""
        evidence = judge(step, person, user, self.incident)
        doubtful = is_doubtful(evidence, self.incident, person)
        met = evidence.met and not doubtful
        status = ObligationStatus.QUESTIONED if doubtful else ObligationStatus.DONE if met else ObligationStatus.OPEN
        self.new.append(
            Obligation(
                id=0,
                incident_id=self.incident.id,
                step_id=state.id,
                person_id=person.id,
                kind=step.kind,
                status=status,
                evidence=evidence.at if evidence.met else None,
                settled_at=self.now if met else None,
            )
        )
        if met:
            self._tell(Action.OBLIGATION_MET, f"{step.title}: {person.called}")
        if doubtful:
            self.facts.append(AuditFacts(Actor.BOT, Action.QUESTIONED, f"{step.title}: {person.called}", private=True))

    def _compare(self, step: PeopleStep, obligation: Obligation, person: Person, user: AccountUser) -> None:
        """Move one obligation to where Mailgun's answer puts it."""
        evidence = judge(step, person, user, self.incident)
        doubtful = is_doubtful(evidence, self.incident, person)
        if obligation.said_at is not None and not signs_in_elsewhere(person):
            # They sign in with a Mailgun password by now: what Mailgun shows counts, not what they said.
            obligation = replace(obligation, said_at=None)
            self._change(obligation)
        match obligation.status:
            case ObligationStatus.DONE if not evidence.met and not signs_in_elsewhere(person):
                self._reopen(step, obligation, person)
            case ObligationStatus.QUESTIONED if not evidence.met:
                self._reopen(step, obligation, person)
            case ObligationStatus.OPEN if evidence.met and doubtful:
                self._question(step, obligation, person, evidence)
            case ObligationStatus.OPEN | ObligationStatus.QUESTIONED | ObligationStatus.EXCUSED if (
                evidence.met and not doubtful
            ):
                self._settle(obligation, ObligationStatus.DONE, evidence)
                self._tell(Action.OBLIGATION_MET, f"{step.title}: {person.called}")

    def _question(self, step: PeopleStep, obligation: Obligation, person: Person, evidence: Evidence) -> None:
        """Mailgun shows a change that may be the attacker's: its owner is asked, or an approver confirms it for them.

        Somebody whose first message is under way may be answering it by this. Who answered "no" to this very change
        before is not asked again.
        """
        is_being_told = person.reached_at is None and not cannot_be_asked(person)
        if is_being_told or obligation.evidence == evidence.at:
            return
        self._change(
            replace(
                obligation,
                status=ObligationStatus.QUESTIONED,
                version=obligation.version + 1,
                evidence=evidence.at,
                # Asked at once, as everything is that they have not been told of.
                told_at=None,
            )
        )
        self.facts.append(AuditFacts(Actor.BOT, Action.QUESTIONED, f"{step.title}: {person.called}", private=True))

    def _reopen(self, step: PeopleStep, obligation: Obligation, person: Person, why: str = "") -> Obligation:
        """What was done is undone: the person is back in, reminders included."""
        opened = replace(
            obligation,
            status=ObligationStatus.OPEN,
            version=obligation.version + 1,
            settled_at=None,
            settled_by=None,
            said_at=None,
            # What somebody said of a change stands, though nothing was asked of them for some time.
            evidence=obligation.evidence if obligation.status is ObligationStatus.DROPPED else None,
        )
        self._change(opened)
        self._tell(Action.OBLIGATION_REOPENED, f"{step.title}: {person.called}", why)
        return opened

    def _settle(self, obligation: Obligation, to: ObligationStatus, evidence: Evidence | None = None) -> None:
        at = evidence.at if evidence else obligation.evidence
        settled = replace(obligation, status=to, version=obligation.version + 1, evidence=at, settled_at=self.now)
        self._change(settled)

    # --- What follows

    def _current(self) -> list[Obligation]:
        """All obligations as they are by now."""
        return [self.changed.get(one.id, one) for one in self.obligations] + self.new

    def _touched(self) -> list[Person]:
        """The people of whom an obligation has changed or is new, as they are by now."""
        return [
            self.people[person_id] for person_id in sorted({o.person_id for o in (*self.changed.values(), *self.new)})
        ]

    def _schedule(self) -> None:
        """Whoever has something new to do is due; whoever has nothing left is written to no more."""
        theirs = by_person(self._current())
        for person in self._touched():
            moved = scheduled(person, theirs[person.id], self.at)
            if moved != person:
                self._move(moved)

    def _move(self, person: Person) -> None:
        self.people[person.id] = self.moved[person.id] = person

    def _change(self, obligation: Obligation) -> None:
        self.changed[obligation.id] = obligation

    def _tell(self, action: Action, subject: str, result: str = "") -> None:
        self.facts.append(AuditFacts(Actor.MAILGUN, action, subject, result, private=True))


def scheduled(person: Person, obligations: Sequence[Obligation], at: datetime) -> Person:
    """The person with the moment at which they are written to next, once their obligations have changed."""
    waits = awaited(obligations)
    if not waits or person.slack_id is None or person.left_at is not None:
        return replace(person, next_message_at=None, urged_by=None)
    is_untold = person.message_ts is None or any(one.told_at is None for one in waits)
    if is_untold or person.urged_by is not None:
        return replace(person, next_message_at=at)
    if person.next_message_at is None:
        return replace(person, next_message_at=max(at, person.quiet_until or at))
    return person


def reschedule(tx: Transaction, person: Person, at: datetime) -> None:
    """Write down when this person is written to next, by their obligations as they are now."""
    tx.people.save([scheduled(person, tx.people.obligations_of(person.id), at)])


def enrol(tx: Transaction, incident: Incident, users: Users) -> list[Person]:
    """Everyone of the list as the incident's person, added where new; whoever is new is looked for in Slack."""
    people = tx.people.of(incident.id)
    known = {person.mailgun_id for person in people}
    new = [as_person(user, incident) for user in users.values() if user.id not in known]
    tx.people.add(new)
    if new or any(person.standing is Standing.UNKNOWN for person in people):
        tx.tasks.add([find_task(incident)])
    if incident.strays_ts is None and any(person.standing is Standing.LEAVING for person in people):
        # They come from an earlier incident.
        tx.tasks.add([strays_task(incident)])
    return tx.people.of(incident.id) if new else people


def as_person(user: AccountUser, incident: Incident) -> Person:
    """The user as a person of the incident."""
    return Person(
        id=0,
        incident_id=incident.id,
        mailgun_id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        is_master=user.is_master,
        sign_in=str(user.sign_in),
        standing=Standing.UNKNOWN,
    )


def find_task(incident: Incident, *, again: bool = False) -> NewTask:
    """Looks for those in Slack who are not known yet, or `again` for those who were not found; there is never more than
    one unfinished."""
    return NewTask(FIND, f"{FIND}:{incident.id}", incident.id, priority=2, payload={"again": again})
