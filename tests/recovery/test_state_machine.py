"""Every order of decisions, retries, skips and cancels, on a bot that dies and an outside that fails, at random.

`make test` runs a few examples, the same each time. To look further:

    STATE_MACHINE_EXAMPLES=2000 STATE_MACHINE_STEPS=60 STATE_MACHINE_SEED=7 \\
        .venv/bin/python -m pytest -n0 -o timeout=0 tests/recovery/test_state_machine.py

A failure prints the shortest list of rules that leads to it. `machine.py` says what must hold.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from recovery.account import KeyKind, Login, SignIn
from recovery.actions import Ask
from recovery.content import MarkerKind
from recovery.errors import KeyRefused, Later, Refused, Uncertain, Unreachable
from recovery.people import needs_voucher
from recovery.state import IncidentStatus, ObligationStatus, StepStatus
from recovery.step import Step
from recovery.steps import STEPS
from storage.database import Database
from storage.schema import Base, IdentityRow
from tests.recovery.builders import a_domain, a_key, a_member, a_user
from tests.recovery.machine import MortalWorld, always, at_rest, everything_was_done, recording
from tests.recovery.world import APPROVER, REQUESTER, STRANGER

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "40"))
STEPS_EACH = int(os.environ.get("STATE_MACHINE_STEPS", "30"))
SEED = int(os.environ.get("STATE_MACHINE_SEED", "1"))

BOSS = "U-BOSS"
"""Another approver."""
PEOPLE = ("ann", "bob", "cyd", "dee")
"""Of them, cyd signs in elsewhere and dee is not in Slack."""

NUMBERS = [str(step.number) for step in STEPS]
DECISIONS = [Ask.APPROVE, Ask.SKIP, Ask.RETRY]
APPROVERS = st.sampled_from([APPROVER, BOSS, REQUESTER])
ANYBODY = st.sampled_from([APPROVER, BOSS, REQUESTER, REQUESTER, STRANGER])
JUDGED = st.sampled_from([True, True, True, False])
"""Whether the desk judges a request at once, or only when the bot works next."""

ERRORS: Mapping[str, Callable[[], Exception]] = {
    "refused": lambda: Refused("refused", code="restricted_action"),
    "key refused": lambda: KeyRefused("Forbidden", status=401),
    "unreachable": lambda: Unreachable("deactivated", code="user_disabled"),
    "lost": lambda: Uncertain("timed out"),
    "arrived": lambda: Uncertain("timed out"),
    "later": lambda: Later("slow down", seconds=7),
    "much later": lambda: Later("slow down", seconds=90),
}
AT_MAILGUN = ["set_password", "create_key", "delete_key", "prove_key", "keys", "domains", "logins", "users", "outage"]
IN_SLACK = ["post", "redraw", "find", "delete", "permalink", "open_direct", "answer", "bring", "share"]
WHO_IS_WHO = ["member", "by_email", "channel"]
CALLS = [
    ("post", "handover "),
    ("post", "greeting "),
    *((call, "") for calls in (AT_MAILGUN, IN_SLACK, WHO_IS_WHO) for call in calls),
]
"""What may fail, and of posts, which."""
TYPED = [
    "keep-reminding",
    "note hosting none",
    "note repositories none",
    "note garden none",
    "sent 77",
    "status",
    "help",
    "people",
    "export csv",
    "confirm cyd@acme.example 3",
    "confirm cyd@acme.example 4",
    "confirm dee@acme.example 4",
    "confirm nobody@acme.example 3",
    "aprove 1",
    "skip 2",
]
CAN_BE_MISSED = {
    MarkerKind.BOARD,
    MarkerKind.STEP,
    MarkerKind.HANDOVER,
    MarkerKind.HANDOVER_CONTROLS,
    MarkerKind.OBLIGATION,
}
MOST_DECISIONS = 20
MINUTES = [1, 5, 60, 4 * 60, 9 * 60, 24 * 60, 3 * 24 * 60]


class Recovery(RuleBasedStateMachine):
    """People who decide in any order, and a bot and an outside that let them down."""

    def __init__(self, database: Database, defects: list[str]) -> None:
        super().__init__()
        empty(database)
        self.defects = defects
        self.world = MortalWorld.on(database)
        self.added = 0
        self.is_broken = False
        self.looked_at = 0
        """How far the process was when its promises were looked at last."""

    @initialize(
        two_person=st.sampled_from([False, False, False, True]),
        batch=st.sampled_from([200, 200, 1, 2]),
        logins=st.integers(0, 2),
        keys=st.lists(st.sampled_from([*KeyKind]), max_size=3),
        people=st.sets(st.sampled_from(PEOPLE), max_size=3),
        disabled=st.booleans(),
    )
    def an_account(
        self, two_person: bool, batch: int, logins: int, keys: list[KeyKind], people: set[str], disabled: bool
    ) -> None:
        world = self.world
        world.start(two_person=two_person, batch=batch)
        world.directory.has(a_member(BOSS, is_admin=True))
        for name in PEOPLE:
            if name != "dee":
                world.directory.has(a_member(f"U-{name.upper()}", email=f"{name}@acme.example"))
        world.originals["the bot's first key"] = world.mailgun.api_keys["env-key"]
        names = [f"login-{number}@mg.acme.example" for number in range(logins)]
        world.mailgun.has_domain(a_domain(), "postmaster@mg.acme.example", *names)
        world.mailgun.has_domain(a_domain("eu.acme.example", "eu"), "postmaster@eu.acme.example")
        for kind in keys:
            self.add_key(kind)
        for name in sorted(people):
            self.joins(name)
        if disabled:
            self.disabled(True)

    # --- requests

    def ask(self, ask: Ask, by: str, text: str = "", *, judged: bool = True, **about: str) -> None:
        self.world.ask(ask, by, text, about)
        if judged:
            self.world.live(self.world.judged)

    def type(self, text: str, by: str, *, judged: bool = True) -> None:
        self.ask(Ask.TYPED, by, text, judged=judged)

    @property
    def has_incident(self) -> bool:
        with self.world.database.read() as tx:
            return tx.incidents.latest() is not None

    @property
    def incidents(self) -> list[int]:
        with self.world.database.read() as tx:
            return [incident.id for incident in tx.incidents.in_status(*IncidentStatus)]

    @rule(
        by=st.sampled_from([REQUESTER, REQUESTER, BOSS, STRANGER]),
        text=st.sampled_from(["", "open spam", "spam from us"]),
        judged=JUDGED,
    )
    def opens(self, by: str, text: str, judged: bool) -> None:
        self.type(text, by, judged=judged)

    @rule(
        ask=st.sampled_from(DECISIONS), step=st.sampled_from(NUMBERS), by=ANYBODY, judged=JUDGED, reason=st.booleans()
    )
    def types_a_decision(self, ask: Ask, step: str, by: str, judged: bool, reason: bool) -> None:
        self.type(f"{ask} {step}{' because' if reason else ''}", by, judged=judged)

    @precondition(lambda self: self.has_incident)
    @rule(
        ask=st.sampled_from(DECISIONS),
        step=st.sampled_from(STEPS),
        by=APPROVERS,
        judged=JUDGED,
        older=st.sampled_from([0, 0, 0, 1, 2]),
        ended=st.sampled_from([0, 0, 0, 1]),
    )
    def presses_a_decision(self, ask: Ask, step: Step, by: str, judged: bool, older: int, ended: int) -> None:
        self.ask(ask, by, "because", judged=judged, **self.button(step, older, ended))

    def button(self, step: Step, older: int = 0, ended: int = 0) -> dict[str, str]:
        """What a button of the step carries that was drawn so many versions, and incidents, ago."""
        incident_id = self.incidents[-1 - min(ended, len(self.incidents) - 1)]
        with self.world.database.read() as tx:
            state = next(state for state in tx.steps.of(incident_id) if state.kind == step.kind)
        return {**step.about(state), "version": str(max(1, state.version - older))}

    @precondition(lambda self: self.has_incident)
    @rule(
        what=st.sampled_from(["all", "all", "login-0@mg.acme.example", "mg.acme.example", "nobody"]),
        by=st.sampled_from([REQUESTER, APPROVER, BOSS, STRANGER]),
        judged=JUDGED,
    )
    def reissues(self, what: str, by: str, judged: bool) -> None:
        self.type(f"reissue {what}", by, judged=judged)

    @precondition(lambda self: self.handovers)
    @rule(
        which=st.integers(0, 3),
        by=st.sampled_from([REQUESTER, APPROVER]),
        ask=st.sampled_from([Ask.REISSUE, Ask.SAVED]),
        judged=JUDGED,
    )
    def presses_beside_a_handover(self, which: int, by: str, ask: Ask, judged: bool) -> None:
        handovers = self.handovers
        self.ask(ask, by, judged=judged, handover=str(handovers[-1 - which % len(handovers)]))

    @property
    def handovers(self) -> list[int]:
        with self.world.database.read() as tx:
            return [h.id for incident_id in self.incidents for h in tx.handovers.of(incident_id)]

    @precondition(lambda self: self.has_incident)
    @rule(by=st.sampled_from([APPROVER, BOSS, REQUESTER, STRANGER]), reason=st.booleans(), judged=JUDGED)
    def takes_over(self, by: str, reason: bool, judged: bool) -> None:
        self.type(f"take-over{' they left' if reason else ''}", by, judged=judged)

    @precondition(lambda self: self.has_incident)
    @rule(
        number=st.sampled_from(["all", "1", "2", "9"]),
        by=st.sampled_from([REQUESTER, REQUESTER, APPROVER]),
        judged=JUDGED,
    )
    def saves(self, number: str, by: str, judged: bool) -> None:
        self.type(f"saved {number}", by, judged=judged)

    @rule(text=st.sampled_from(TYPED), by=ANYBODY, judged=JUDGED)
    def types(self, text: str, by: str, judged: bool) -> None:
        self.type(text, by, judged=judged)

    @precondition(lambda self: self.has_incident)
    @rule(by=APPROVERS)
    def cancels(self, by: str) -> None:
        self.type("cancel false alarm", by)

    @rule(name=st.sampled_from(PEOPLE), judged=JUDGED)
    def checks(self, name: str, judged: bool) -> None:
        self.type("check", f"U-{name.upper()}", judged=judged)

    @rule(name=st.sampled_from(PEOPLE), answer=st.sampled_from(["yes", "no"]), judged=JUDGED)
    def owns_a_change(self, name: str, answer: str, judged: bool) -> None:
        self.type(f"mine {answer}", f"U-{name.upper()}", judged=judged)

    @precondition(lambda self: self.obligations)
    @rule(
        which=st.integers(0, 7),
        ask=st.sampled_from([Ask.CHECK, Ask.MINE, Ask.CONFIRM]),
        answer=st.sampled_from(["yes", "no"]),
        older=st.sampled_from([0, 0, 1]),
        judged=JUDGED,
    )
    def presses_about_a_person(self, which: int, ask: Ask, answer: str, older: int, judged: bool) -> None:
        obligations = self.obligations
        number, version, slack_id = obligations[which % len(obligations)]
        by = APPROVER if ask is Ask.CONFIRM else slack_id or STRANGER
        about = {"obligation": str(number), "version": str(max(1, version - older)), "answer": answer}
        self.ask(ask, by, judged=judged, **about)

    @property
    def obligations(self) -> list[tuple[int, int, str | None]]:
        with self.world.database.read() as tx:
            people = {person.id: person for each in self.incidents for person in tx.people.of(each)}
            return [
                (o.id, o.version, people[o.person_id].slack_id)
                for each in self.incidents
                for o in tx.people.obligations(each)
            ]

    # --- what happens at Mailgun and in Slack

    @rule(name=st.sampled_from(PEOPLE))
    def joins(self, name: str) -> None:
        sign_in = SignIn.SINCH if name == "cyd" else SignIn.PASSWORD
        if f"mailgun-{name}" not in self.world.mailgun.people:
            self.world.mailgun.has_user(a_user(name, sign_in=sign_in))

    @rule(name=st.sampled_from(PEOPLE), disabled=st.booleans())
    def leaves(self, name: str, disabled: bool) -> None:
        if f"mailgun-{name}" in self.world.mailgun.people:
            if disabled:
                self.world.mailgun.change_user(f"mailgun-{name}", is_disabled=True)
            else:
                del self.world.mailgun.people[f"mailgun-{name}"]

    @rule(
        name=st.sampled_from(PEOPLE),
        on=st.sampled_from([True, True, False]),
        earlier=st.sampled_from([0, 0, 10, 10_000]),
    )
    def turns_two_factor(self, name: str, on: bool, earlier: int) -> None:
        if f"mailgun-{name}" in self.world.mailgun.people:
            at = self.world.clock.now() - timedelta(minutes=earlier) if on else None
            self.world.mailgun.change_user(f"mailgun-{name}", tfa_active=on, tfa_created_at=at)

    @rule(name=st.sampled_from(PEOPLE), earlier=st.sampled_from([0, 0, 10]))
    def resets_their_password(self, name: str, earlier: int) -> None:
        if f"mailgun-{name}" in self.world.mailgun.people:
            at = self.world.clock.now() - timedelta(minutes=earlier)
            self.world.mailgun.change_user(f"mailgun-{name}", password_updated_at=at)

    @rule(disabled=st.booleans())
    def disabled(self, disabled: bool) -> None:
        mailgun = self.world.mailgun
        mailgun.all_domains = [
            a_domain(domain.name, domain.region, is_disabled=disabled, disabled_for="abuse" if disabled else None)
            for domain in mailgun.all_domains
        ]

    @rule(kind=st.sampled_from([*KeyKind]))
    def add_key(self, kind: KeyKind) -> None:
        self.added += 1
        key = a_key(f"key-{self.added}", kind, created_at=self.world.clock.now())
        self.world.mailgun.has_key(key, f"the secret of {key.id}")
        if kind is not KeyKind.WEB:
            self.world.originals[key.description] = key

    @precondition(lambda self: self.deletable)
    @rule(which=st.integers(0, 3))
    def somebody_deletes_a_key(self, which: int) -> None:
        key_id = self.deletable[which % len(self.deletable)]
        del self.world.mailgun.api_keys[key_id], self.world.mailgun.key_secrets[key_id]
        self.world.deleted_by_people.add(key_id)

    @property
    def deletable(self) -> list[str]:
        """Keys that people made, but for the one that the bot works with at first."""
        keys = [key.id for key in self.world.originals.values() if key.id in self.world.mailgun.api_keys]
        return [key_id for key_id in keys if key_id != "env-key"]

    @rule(number=st.integers(0, 3), there=st.booleans())
    def a_login_comes_or_goes(self, number: int, there: bool) -> None:
        login = Login("us", "mg.acme.example", f"login-{number}@mg.acme.example")
        self.world.came_at[login.subject] = self.world.clock.now()
        logins = [each for each in self.world.mailgun.all_logins if each != login]
        self.world.mailgun.all_logins = [*logins, login] if there else logins

    @rule(full=st.booleans())
    def the_plan_allows_no_more_keys(self, full: bool) -> None:
        self.world.mailgun.key_limit = len(self.world.mailgun.api_keys) if full else None

    @rule(
        user_id=st.sampled_from([REQUESTER, APPROVER, "U-ANN"]),
        fields=st.sampled_from([{"is_active": False}, {"is_full": False}, {}]),
    )
    def membership_changes(self, user_id: str, fields: dict[str, bool]) -> None:
        self.world.directory.change(user_id, **{"is_active": True, "is_full": True, **fields})

    # --- what goes wrong

    @rule(
        call=st.sampled_from(CALLS),
        how=st.sampled_from([*ERRORS, "lost", "arrived"]),
        times=st.sampled_from([1, 1, 2, 3, 6]),
    )
    def will_fail(self, call: tuple[str, str], how: str, times: int) -> None:
        name, about = call
        if how == ("unreachable" if name in AT_MAILGUN else "key refused"):
            how = "refused"
        self.world.faults.order(name, ERRORS[how](), about, after=how == "arrived", times=times)

    @rule(which=st.integers(0, 30))
    def somebody_deletes_a_message(self, which: int) -> None:
        posted = [m for m in self.world.slack.messages if m.marker.kind in CAN_BE_MISSED and not m.is_deleted]
        if posted:
            posted[-1 - which % len(posted)].is_deleted = True

    @rule()
    def slack_shows_messages_late(self) -> None:
        self.world.slack.hidden_looks = 1

    @rule(points=st.integers(1, 60), rests=st.booleans())
    def will_be_killed(self, points: int, rests: bool) -> None:
        self.world.kill_at(points)
        if rests:
            self.world.live(self.world.work)

    @rule(points=st.integers(1, 40), rests=st.booleans())
    def will_be_stopped(self, points: int, rests: bool) -> None:
        self.world.stop_at(points)
        if rests:
            self.world.live(self.world.work)

    @rule(points=st.integers(1, 40), drawing=st.booleans())
    def will_be_held_up(self, points: int, drawing: bool) -> None:
        self.world.hold_up_at(points, drawing=drawing)
        self.world.live(lambda: self.world.work(drawing=drawing))

    # --- time and work

    @rule(minutes=st.sampled_from(MINUTES))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.pass_by(timedelta(minutes=minutes))

    @rule(jobs=st.integers(1, 6))
    def works_a_little(self, jobs: int) -> None:
        for _ in range(jobs):
            if job := self.world.live(self.world.claim):
                self.world.live(lambda: self.world.run(job))

    @rule(drawing=st.booleans())
    def rests(self, drawing: bool) -> None:
        self.rest(drawing=drawing)

    def rest(self, *, drawing: bool) -> None:
        with self.promising():
            self.world.rest(drawing=drawing)
            at_rest(self.world, drawn=drawing)

    @rule(decisions=st.integers(1, 6))
    def go_on(self, decisions: int) -> None:
        """The sensible next decisions, each carried out."""
        for _ in range(decisions):
            self.decide_sensibly()
            self.rest(drawing=False)

    @rule(
        call=st.sampled_from(CALLS),
        how=st.sampled_from([*ERRORS]),
        times=st.sampled_from([1, 1, 2, 3, 6]),
        killed=st.sampled_from([0, 0, 5, 15, 25, 40, 60]),
        held_up=st.sampled_from([0, 0, 5, 15, 25, 40]),
        works=st.sampled_from([0, 3, 8, 100]),
    )
    def goes_wrong(self, call: tuple[str, str], how: str, times: int, killed: int, held_up: int, works: int) -> None:
        """The sensible next decision, and the worst weather while it is carried out."""
        self.decide_sensibly()
        self.will_fail(call, how, times)
        if killed:
            self.world.kill_at(killed)
        elif held_up:
            self.world.hold_up_at(held_up, drawing=False)
        if works < 100:
            self.works_a_little(works)
        else:
            self.world.live(self.world.work)

    @precondition(lambda self: self.has_incident)
    @rule(drawing=st.booleans(), skips=st.booleans())
    def gives_up(self, drawing: bool, skips: bool) -> None:
        """What is stuck is skipped, or all is cancelled."""
        if skips:
            for step in STEPS:
                state = self.world.state(str(step.number))
                if state.status in (StepStatus.NEEDS_ATTENTION, StepStatus.WAITING):
                    self.ask(Ask.SKIP, BOSS, "no time", **step.about(state))
        else:
            self.type("cancel no time", BOSS)
        self.rest(drawing=drawing)

    def decide_sensibly(self) -> None:
        by = BOSS if self.has_incident and self.world.incident.requester_id == APPROVER else APPROVER
        if not self.has_incident or self.world.incident.status not in (IncidentStatus.OPEN, IncidentStatus.RECOVERED):
            self.type("", BOSS)
            return
        for step in STEPS:
            state = self.world.state(str(step.number))
            if state.status is StepStatus.NEEDS_ATTENTION:
                return self.ask(Ask.RETRY, by, **step.about(state))
            if state.status is StepStatus.WAITING and step.opens_last:
                return self.type("sent 4711", by)
            if state.status is StepStatus.WAITING and step.topics:
                self.type("note hosting nothing", by)
                return self.type("note repositories nothing", by)
            if state.status is StepStatus.WAITING:
                return self.ask(Ask.APPROVE, by, **step.about(state))
            if state.status is StepStatus.RUNNING and step.may_keep_reminding and not state.keep_reminding:
                return self.type("keep-reminding", by)
        return None

    @precondition(lambda self: self.has_incident and self.world.incident.status is IncidentStatus.OPEN)
    @rule()
    def recovers(self) -> None:
        """With nothing in the way any more, the sensible decisions end in a recovered account."""
        world = self.world
        self.let_nothing_be_in_the_way()
        for _ in range(MOST_DECISIONS):
            if world.incident.status is not IncidentStatus.OPEN:
                break
            self.decide_sensibly()
            self.rest(drawing=False)
            self.do_their_parts()
        with self.promising():
            assert world.incident.status is not IncidentStatus.OPEN, "nothing leads out of this"
            everything_was_done(world)

    def let_nothing_be_in_the_way(self) -> None:
        world = self.world
        world.faults.clear()
        world.fuse.put_out()
        world.mailgun.key_limit = None
        for user_id in world.directory.members:
            world.directory.change(user_id, is_active=True, is_full=True)
        self.disabled(False)

    def do_their_parts(self) -> None:
        """Everyone does what the bot asks of them, or an approver confirms it."""
        world = self.world
        with world.database.read() as tx:
            people = {person.id: person for person in tx.people.of(world.incident.id)}
            left = [(o, people[o.person_id]) for o in tx.people.obligations(world.incident.id) if o.is_open]
        for obligation, person in left:
            about = {"obligation": str(obligation.id), "version": str(obligation.version)}
            if obligation.status is ObligationStatus.QUESTIONED:
                self.ask(Ask.MINE, person.slack_id or "", **about, answer="yes")
            elif needs_voucher(person):
                self.ask(Ask.CONFIRM, BOSS, **about)
            elif person.mailgun_id in world.mailgun.people:
                now = world.clock.now()
                done = {"password_updated_at": now, "tfa_active": True, "tfa_created_at": now}
                world.mailgun.change_user(person.mailgun_id, **done)
                self.ask(Ask.CHECK, person.slack_id or "", **about)

    # --- what must hold

    @invariant()
    def holds(self) -> None:
        if self.looked_at != self.world.fuse.burned:
            self.looked_at = self.world.fuse.burned
            with self.promising():
                always(self.world)

    @contextmanager
    def promising(self) -> Iterator[None]:
        """What breaks in here is what the example is about: nothing is looked at after it."""
        self.is_broken = True
        yield
        assert not self.defects, self.defects
        self.is_broken = False

    def teardown(self) -> None:
        """In the end all is well outside, and whoever waits is served."""
        if not self.is_broken:
            self.world.faults.clear()
            self.rest(drawing=True)


def empty(database: Database) -> None:
    with database._writing.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table is not IdentityRow.__table__:
                connection.execute(table.delete())
        connection.exec_driver_sql("DELETE FROM moves")


@pytest.fixture
def recorded(shared_database: Database) -> Iterator[Database]:
    with recording(shared_database):
        yield shared_database


def test_whatever_the_order_all_promises_hold(recorded: Database, defects: list[str]) -> None:
    @seed(SEED)
    def machine() -> Recovery:
        defects.clear()
        return Recovery(recorded, defects)

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type] - whatever makes one will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
