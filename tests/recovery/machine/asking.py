"""People who ask for anything, in any order: by typing, and by pressing buttons that may be old."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from recovery.actions import Ask
from recovery.state import IncidentStatus
from recovery.step import Step
from recovery.steps import STEPS
from recovery.steps.api_keys import PARTS
from tests.recovery.machine.mortal import MortalWorld
from tests.recovery.world import APPROVER, REQUESTER, STRANGER

BOSS = "U-BOSS"
"""Another approver."""
PEOPLE = ("ann", "bob", "cyd", "dee")
"""Of them, cyd signs in elsewhere and dee is not in Slack."""

KEYS = next(step for step in STEPS if step.kind == "api_keys")
NUMBERS = [str(step.number) for step in STEPS]
DECISIONS = [Ask.APPROVE, Ask.SKIP, Ask.RETRY]
APPROVERS = st.sampled_from([APPROVER, BOSS, REQUESTER])
ANYBODY = st.sampled_from([APPROVER, BOSS, REQUESTER, REQUESTER, STRANGER])
JUDGED = st.sampled_from([True, True, True, False])
"""Whether the desk judges a request at once, or only when the bot works next."""

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
    "stop ann@acme.example on leave",
    "remind bob@acme.example",
    "by-hand dee@acme.example",
    "has-left dee@acme.example",
    "people 2",
    "leave-out 7 mg.acme.example",
    "leave-out 7 nowhere.example",
    "include 7 mg.acme.example",
    "aprove 1",
    "skip 2",
]


class Asking(RuleBasedStateMachine):
    """The people of a company with a `MortalWorld`."""

    def __init__(self, world: MortalWorld) -> None:
        super().__init__()
        self.world = world

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

    @precondition(lambda self: self.has_incident)
    @rule(
        ask=st.sampled_from([Ask.LEAVE_OUT, Ask.INCLUDE]),
        step=st.sampled_from(STEPS),
        which=st.integers(0, 3),
        by=APPROVERS,
        judged=JUDGED,
        older=st.sampled_from([0, 0, 1]),
    )
    def chooses_a_part(self, ask: Ask, step: Step, which: int, by: str, judged: bool, older: int) -> None:
        with self.world.database.read() as tx:
            state = next(state for state in tx.steps.of(self.incidents[-1]) if state.kind == step.kind)
        parts = [*step.parts(state), "what it never had"]
        self.ask(ask, by, judged=judged, **self.button(step, older), part=parts[which % len(parts)])

    def button(self, step: Step, older: int = 0, ended: int = 0) -> dict[str, str]:
        """What a button of the step carries that was drawn so many versions, and incidents, ago."""
        incident_id = self.incidents[-1 - min(ended, len(self.incidents) - 1)]
        with self.world.database.read() as tx:
            state = next(state for state in tx.steps.of(incident_id) if state.kind == step.kind)
        return {**step.about(state), "version": str(max(1, state.version - older))}

    @precondition(lambda self: self.has_incident)
    @rule(
        ask=st.sampled_from([Ask.LEAVE_OUT, Ask.LEAVE_OUT, Ask.INCLUDE]),
        part=st.sampled_from([*PARTS]),
        by=ANYBODY,
        judged=JUDGED,
        older=st.sampled_from([0, 0, 1]),
    )
    def changes_the_checklist(self, ask: Ask, part: str, by: str, judged: bool, older: int) -> None:
        self.ask(ask, by, judged=judged, part=part, **self.button(KEYS, older))

    @precondition(lambda self: self.has_incident)
    @rule(which=st.integers(0, 3), by=APPROVERS, judged=JUDGED)
    def makes_room(self, which: int, by: str, judged: bool) -> None:
        """Whichever key is named; and the bot's own is named rightly, for nobody could see that it is not."""
        world = self.world
        works_with = world.vault.current().reveal()
        own = next((key_id for key_id, secret in world.mailgun.key_secrets.items() if secret == works_with), "")
        there = [*world.mailgun.api_keys]
        self.ask(Ask.OWN_KEY, by, judged=judged, chosen=own, **self.button(KEYS))
        if judged:
            world.rest(drawing=False)
        self.ask(Ask.MAKE_ROOM, by, judged=judged, chosen=there[which % len(there)], **self.button(KEYS))

    @precondition(lambda self: self.has_incident)
    @rule(
        what=st.sampled_from(["all", "all", "signing-key", "login-0@mg.acme.example", "mg.acme.example", "nobody"]),
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

    @rule(
        name=st.sampled_from(PEOPLE),
        text=st.sampled_from(["done", "done 4", "later hour", "later tomorrow", "cannot lost my phone"]),
        judged=JUDGED,
    )
    def says_of_themselves(self, name: str, text: str, judged: bool) -> None:
        self.type(text, f"U-{name.upper()}", judged=judged)

    @precondition(lambda self: self.people)
    @rule(
        which=st.integers(0, 7),
        ask=st.sampled_from([Ask.IDENTIFY, Ask.BY_HAND, Ask.HAS_LEFT, Ask.STOP, Ask.REMIND_NOW, Ask.LATER]),
        chosen=st.sampled_from(["U-BOSS", "U-ANN", "U-NOBODY", "hour"]),
        by=ANYBODY,
        older=st.sampled_from([0, 0, 1]),
        judged=JUDGED,
    )
    def presses_beside_a_person(self, which: int, ask: Ask, chosen: str, by: str, older: int, judged: bool) -> None:
        number, version = self.people[which % len(self.people)]
        about = {"person": str(number), "version": str(max(1, version - older)), "chosen": chosen}
        self.ask(ask, by, "for a reason", judged=judged, **about)

    @property
    def people(self) -> list[tuple[int, int]]:
        with self.world.database.read() as tx:
            return [(person.id, person.version) for each in self.incidents for person in tx.people.of(each)]

    @property
    def obligations(self) -> list[tuple[int, int, str | None]]:
        with self.world.database.read() as tx:
            people = {person.id: person for each in self.incidents for person in tx.people.of(each)}
            return [
                (o.id, o.version, people[o.person_id].slack_id)
                for each in self.incidents
                for o in tx.people.obligations(each)
            ]
