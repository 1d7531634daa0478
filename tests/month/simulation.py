"""The clock and the loop: from each thing that somebody does to the next, or to what is next due in the database."""

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import func, select

from recovery.actions import Ask
from recovery.content import MarkerKind
from recovery.due import plan_due
from recovery.errors import Unreachable
from recovery.findings import FindingStatus
from recovery.jobs import Job
from recovery.people import people_steps
from recovery.state import IncidentStatus, StepStatus, TaskStatus
from recovery.steps import STEPS
from recovery.worker import Worker
from storage.schema import IncidentRow, PersonRow, TaskRow
from tests.month.people import ASKED, BEGIN, END, SUPPORT_TOLD, Actor, Deed, What
from tests.recovery.builders import DAY, HOUR, a_member
from tests.recovery.fakes import Posted, words
from tests.recovery.world import APPROVER, DRAWING, ROUNDS, World

TICK = timedelta(minutes=1)
"""The bot asks the database what is due each minute here, rather than each second."""
POLL_EVERY = 4 * HOUR
AT_ONCE = 20
"""How many jobs a worker claims together."""

AT_MAILGUN_OR_IN_SLACK = frozenset(
    {
        What.JOINS,
        What.RESETS,
        What.TURNS_ON,
        What.TURNS_OFF,
        What.IS_REMOVED,
        What.IS_DISABLED,
        What.IS_ENABLED,
        What.IS_DEACTIVATED,
        What.TRAVELS,
    }
)
"""What the bot does not hear of before it asks."""


@dataclass
class Month:
    """One incident of a month, as it went. `crashes` are when the bot is to end at the next message."""

    world: World
    actors: Sequence[Actor]
    crashes: Sequence[datetime] = ()
    polls: list[datetime] = field(default_factory=list)
    """When Mailgun was asked for its users."""
    ended: int = 0
    """How often the bot was started anew."""
    _ids: dict[str, int] = field(default_factory=dict)
    _heard: int = 0
    _due: datetime | None = None
    _lot: Random = field(default_factory=lambda: Random(4))

    @property
    def patience(self) -> timedelta:
        """How late what should happen at once may be: a tick and a few polls; after a crash, a lease and a look too."""
        return timedelta(minutes=6 if self.crashes else 2)

    def play(self) -> "Month":
        """Let it all happen."""
        self.world.clock.go_to(BEGIN)
        self.world.mailgun.while_calling = self._note_poll
        self._fill_the_account_and_the_workspace()
        self._take_workers()
        self._open_the_incident()
        coming = self._planned()
        while coming and (coming[0][0] < END or self.world.incident.is_alive):
            if self._due is not None and self._due < coming[0][0]:
                self.world.clock.go_to(self._due)
                self._let_the_bot_work()
            else:
                at, do = coming.pop(0)
                self.world.clock.go_to(at)
                do()
        return self

    # --- What there is at the beginning

    def _fill_the_account_and_the_workspace(self) -> None:
        world = self.world.with_logins()
        for actor in self.actors:
            if not actor.joins:
                world.mailgun.has_user(actor.user(BEGIN))
            if actor.slack_id not in world.directory.members:
                is_bot, address = actor.is_bot, actor.known_as
                world.directory.has(a_member(actor.slack_id, email=address, tz=actor.zone, is_bot=is_bot))
            for deed in actor.plan:
                if deed.what is What.IS_IDENTIFIED and deed.value != actor.slack_id:
                    world.directory.has(a_member(deed.value, email=None, tz=actor.zone))
            if actor.is_closed:
                closed = Unreachable("The messages of apps are turned off.", code="messages_tab_disabled")
                world.slack.fail("open_direct", closed, actor.slack_id, times=1_000)

    def _open_the_incident(self) -> None:
        self.world.opened()

    def _planned(self) -> list[tuple[datetime, Callable[[], None]]]:
        """All that will happen, in order."""
        planned: list[tuple[datetime, Callable[[], None]]] = [
            (ASKED, self._ask_everybody),
            (SUPPORT_TOLD, self._tell_support),
            *((BEGIN + day * DAY, self.draw) for day in range(1, 34, 4)),
            *((at, self._order_a_crash) for at in self.crashes),
        ]
        for actor in self.actors:
            for deed in actor.plan:
                planned.append((deed.at, self._doing(actor, deed)))
        return sorted(planned, key=lambda each: each[0])

    def _ask_everybody(self) -> None:
        for step in ("3", "4"):
            self.world.press(Ask.APPROVE, step)
        self.world.press(Ask.KEEP_REMINDING, "4")
        self._let_the_bot_work()
        for step in STEPS:
            if not step.opens_last and self.world.status(str(step.number)) is StepStatus.WAITING:
                self.world.press(Ask.SKIP, str(step.number), text="not needed here")

    def _tell_support(self) -> None:
        """Who is not known in Slack is known to an approver, or is said to be: until then Support is not told."""
        with self.world.database.read() as tx:
            findings = tx.findings.of(self.world.incident.id)
        for finding in findings:
            if finding.status is FindingStatus.OPEN:
                self.world.type(f"expected {finding.number}")
        self._let_the_bot_work()
        self.world.press(Ask.SENT, "5", text="4711")
        self._let_the_bot_work()

    # --- The bot

    def _take_workers(self) -> None:
        """Those of a bot that has just been started. What moves by a job is left to the next tick to find."""
        kinds = [kind for kind in self.world.kinds if kind.name not in DRAWING]
        self._worker = Worker("month", self.world.tools, kinds, self.world.database.owner, 1, lambda job: None)

    def _let_the_bot_work(self) -> None:
        """Until it has nothing more to do at this moment; if it crashes on the way, it is started again."""
        for _ in range(ROUNDS):
            looked_at = self.world.clock.now()
            try:
                plan_due(self.world.tools, STEPS)
                jobs: list[Job] = self._worker._claim(AT_ONCE)
                if not jobs:
                    break
                while jobs:
                    for job in jobs:
                        self._worker._run(job)
                    jobs = self._worker._claim(AT_ONCE)
            except SystemExit:
                self._start_again()
        else:
            raise AssertionError("the bot never comes to rest")
        self._hear_answers()
        self._due = self._next_due(looked_at)

    def _start_again(self) -> None:
        self.ended += 1
        self.world.start()
        self._take_workers()

    def _order_a_crash(self) -> None:
        """At the next direct message, whoever gets it: before it is posted, or after."""
        self.world.slack.fail("post", SystemExit(), "D-", after=self._lot.random() < 0.5)

    def draw(self) -> None:
        """Post and redraw everything in the thread as it stands now, once what people are to get has been sent."""
        self._let_the_bot_work()
        try:
            self.world.draw()
        except SystemExit:
            self._start_again()
            self.draw()

    def _next_due(self, looked_at: datetime) -> datetime | None:
        """The tick at which the bot, which has looked then, will find something to do."""
        alive = IncidentRow.status.in_((IncidentStatus.OPEN, IncidentStatus.RECOVERED))
        ready, running = TaskRow.status == TaskStatus.READY, TaskRow.status == TaskStatus.RUNNING
        moments = [
            select(func.min(column)).where(column > looked_at, *conditions).scalar_subquery()
            for column, conditions in (
                (PersonRow.next_message_at, ()),
                (IncidentRow.next_poll_at, (alive,)),
                (IncidentRow.next_summary_at, (alive,)),
                (TaskRow.not_before, (ready,)),
                (TaskRow.lease_until, (running,)),
            )
        ]
        with self.world.database._reading.begin() as connection:
            found = [moment for moment in connection.execute(select(*moments)).one() if moment is not None]
        return following_tick(min(found)) if found else None

    def _note_poll(self, call: str) -> None:
        if call == "users":
            self.polls.append(self.world.clock.now())

    # --- What people do

    def _doing(self, actor: Actor, deed: Deed) -> Callable[[], None]:
        def do() -> None:
            if deed.what in AT_MAILGUN_OR_IN_SLACK:
                if self._at_mailgun_or_in_slack(actor, deed):
                    self._note(actor, deed)
                return
            self._note(actor, deed)
            self._ask_the_bot(actor, deed)
            self._let_the_bot_work()

        return do

    def _note(self, actor: Actor, deed: Deed) -> None:
        now = self.world.clock.now()
        insort(actor.log, Deed(now, deed.what, deed.value))

    def _at_mailgun_or_in_slack(self, actor: Actor, deed: Deed) -> bool:
        """Whether it could be done: somebody who is no user of the account any more does nothing there."""
        mailgun, directory, now = self.world.mailgun, self.world.directory, self.world.clock.now()
        if deed.what is What.JOINS:
            mailgun.has_user(actor.user(now))
            return True
        if deed.what is What.TRAVELS:
            directory.change(actor.slack_id, tz=deed.value)
            for other in self.actors_of(actor.slack_id):
                if other is not actor:
                    self._note(other, deed)
            return True
        if deed.what is What.IS_DEACTIVATED:
            directory.change(actor.slack_id, is_active=False)
            return True
        if actor.mailgun_id not in mailgun.people:
            return False
        match deed.what:
            case What.RESETS:
                mailgun.change_user(actor.mailgun_id, password_updated_at=now)
            case What.TURNS_ON:
                mailgun.change_user(actor.mailgun_id, tfa_active=True, tfa_created_at=now)
            case What.TURNS_OFF:
                mailgun.change_user(actor.mailgun_id, tfa_active=False, tfa_created_at=None)
            case What.IS_DISABLED | What.IS_ENABLED:
                mailgun.change_user(actor.mailgun_id, is_disabled=deed.what is What.IS_DISABLED)
            case What.IS_REMOVED:
                del mailgun.people[actor.mailgun_id]
        return True

    def _ask_the_bot(self, actor: Actor, deed: Deed) -> None:
        of_them = {"email": actor.called}
        themselves = {"person": str(self.person_id(actor))}
        match deed.what:
            case What.CHECKS:
                self._press(Ask.CHECK, actor, themselves)
            case What.PUTS_OFF:
                self._press(Ask.LATER, actor, {**themselves, "chosen": deed.value})
            case What.ANSWERS:
                self._press(Ask.MINE, actor, {**themselves, "answer": deed.value})
            case What.CANNOT:
                self._press(Ask.CANNOT, actor, themselves, deed.value)
            case What.SAYS_DONE:
                for step in people_steps(STEPS):
                    self._press(Ask.DONE, actor, {**themselves, "step": step.kind})
            case What.IS_CONFIRMED:
                for step in people_steps(STEPS):
                    self.world.ask(Ask.CONFIRM, APPROVER, about={**of_them, "step": step.kind})
            case What.IS_STOPPED:
                self.world.ask(Ask.STOP, APPROVER, deed.value, of_them)
            case What.IS_URGED:
                self.world.ask(Ask.REMIND_NOW, APPROVER, about=of_them)
            case What.IS_IDENTIFIED:
                self.world.ask(Ask.IDENTIFY, APPROVER, about={**of_them, "chosen": deed.value})
            case What.IS_TOLD_BY_HAND:
                self.world.ask(Ask.BY_HAND, APPROVER, about=of_them)
            case What.IS_SAID_TO_HAVE_LEFT:
                self.world.ask(Ask.HAS_LEFT, APPROVER, about=of_them)

    def _press(self, ask: Ask, actor: Actor, about: Mapping[str, str], text: str = "") -> None:
        self.world.ask(ask, actor.slack_id, text, about, channel=f"D-{actor.slack_id}")

    def _hear_answers(self) -> None:
        """What the bot has answered since the last time: who was promised not to be reminded for some time."""
        answers, self._heard = self.world.slack.answers[self._heard :], len(self.world.slack.answers)
        for request, card in answers:
            if request.action == Ask.LATER and "next reminder comes" in words(card):
                for actor in self.actors_of(request.user_id):
                    self._note(actor, Deed(self.world.clock.now(), What.IS_PUT_OFF, request.about["chosen"]))

    # --- Looking

    def person_id(self, actor: Actor) -> int:
        """What the bot's database calls them; 0 where it does not know them."""
        if actor.mailgun_id not in self._ids:
            with self.world.database.read() as tx:
                self._ids = {person.mailgun_id: person.id for person in tx.people.of(self.world.incident.id)}
        return self._ids.get(actor.mailgun_id, 0)

    def actors_of(self, slack_id: str) -> list[Actor]:
        """The users of the account that somebody in Slack is."""
        return [actor for actor in self.actors if actor.slack_id == slack_id]

    def messages(self, kind: MarkerKind) -> list[Posted]:
        """Every message of that kind that ever was in Slack."""
        return [message for message in self.world.slack.messages if message.marker.kind is kind]


def following_tick(at: datetime) -> datetime:
    """The first moment at or after that at which the bot looks."""
    since = (at - BEGIN) % TICK
    return at if not since else at + TICK - since
