"""The whole machine: an account, people, weather and time, and every promise looked at on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from recovery.account import KeyKind
from recovery.actions import Ask
from recovery.findings import FindingStatus
from recovery.leaving_out import nothing_is_left
from recovery.people import may_be_confirmed
from recovery.state import IncidentStatus, ObligationStatus, StepStatus
from recovery.steps import STEPS
from storage.database import Database
from storage.schema import Base, IdentityRow
from tests.recovery.builders import a_domain, a_member
from tests.recovery.machine.asking import BOSS, PEOPLE
from tests.recovery.machine.mortal import MortalWorld
from tests.recovery.machine.outside import CALLS, ERRORS, Outside
from tests.recovery.machine.promises import always, at_rest, everything_was_done
from tests.recovery.world import APPROVER

MOST_DECISIONS = 20
MINUTES = [1, 5, 60, 4 * 60, 9 * 60, 24 * 60, 3 * 24 * 60]


class Recovery(Outside):
    """People who decide in any order, and a bot and an outside that let them down."""

    def __init__(self, database: Database, defects: list[str]) -> None:
        empty(database)
        super().__init__(MortalWorld.on(database))
        self.defects = defects
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
        disturbed=st.sampled_from(["", "killed", "held up", "others work", "others work while secrets are sent"]),
        points=st.integers(1, 120),
        works=st.sampled_from([0, 3, 8, 100]),
    )
    def goes_wrong(self, call: tuple[str, str], how: str, times: int, disturbed: str, points: int, works: int) -> None:
        """The sensible next decision, and the worst weather while it is carried out."""
        self.decide_sensibly()
        self.will_fail(call, how, times)
        match disturbed:
            case "killed":
                self.world.kill_at(points)
            case "held up":
                self.world.hold_up_at(points, drawing=False)
            case "others work":
                self.world.others_work_at(points, drawing=False)
            case "others work while secrets are sent":
                self.world.others_work_while_sending()
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
        if numbers := self.open_findings():
            for number in numbers:
                self.type(f"expected {number}", by)
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
            if state.status is StepStatus.WAITING and nothing_is_left(step, state):
                return self.ask(Ask.SKIP, by, "all of it is left out", **step.about(state))
            if state.status is StepStatus.WAITING and step.decided_by_approval:
                return self.ask(Ask.APPROVE, by, **step.about(state))
            if state.status is StepStatus.RUNNING and step.may_keep_reminding and not state.keep_reminding:
                return self.type("keep-reminding", by)
        return None

    def open_findings(self) -> list[int]:
        """The numbers of the findings that nobody has decided on."""
        with self.world.database.read() as tx:
            found = tx.findings.of(self.world.incident.id)
        return [finding.number for finding in found if finding.status is FindingStatus.OPEN]

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
            # Until the bot looks again whether Mailgun has enabled the account.
            world.clock.pass_by(world.policy.poll_every)
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
            if may_be_confirmed(obligation, person):
                self.ask(Ask.CONFIRM, BOSS, **about)
            elif obligation.status is ObligationStatus.QUESTIONED:
                self.ask(Ask.MINE, person.slack_id or "", **about, answer="yes")
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
