"""The desk: takes each stored request, asks whether this person may, decides, and answers.

No click is dropped: each ends in an effect or in a private answer. Who may is asked outside any
transaction; the decision is one transaction, with the request's outcome in it; the answer follows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from recovery import decisions
from recovery.access import Access, Right
from recovery.actions import Ask
from recovery.answers import help_card, opened_elsewhere, plain_card, status_card
from recovery.commands import Typed, Unclear, parse
from recovery.content import Card
from recovery.decisions import By
from recovery.errors import OutsideError, Refused
from recovery.jobs import Job, TaskKind
from recovery.opening import open_incident
from recovery.people import people_card
from recovery.polling import WAITING, obligations_of, poll_task
from recovery.ports import Transaction
from recovery.state import (
    HandoverStatus,
    Incident,
    IncidentStatus,
    NewRequest,
    NewTask,
    Obligation,
    Person,
    Request,
    Source,
)
from recovery.step import Step
from recovery.steps import STEPS, step_of_kind
from recovery.text import Code, Line, line, plain

JUDGE = "judge"

NO_INCIDENT = line("There is no incident. ", Code("/mailgun-compromised"), " opens one.")
OLD_BUTTON = line("That button belongs to an incident that has ended. Nothing was changed.")
CUT = line("A key or password in your message was cut out before anything was stored. Please change it: "
           "it was sent to Slack.")  # fmt: skip


def keep_request(tx: Transaction, request: NewRequest) -> bool:
    """Store a request together with the task that judges it; whether it is new."""
    request_id = tx.requests.add(request)
    if request_id is None:
        return False
    tx.tasks.add([NewTask(JUDGE, f"{JUDGE}:{request_id}", priority=0, payload={"request": request_id})])
    return True


@dataclass(frozen=True)
class Sheet:
    """What a request comes to, once its text was parsed: the ask, what it is about, the words with it."""

    job: Job
    request: Request
    ask: Ask
    about: Mapping[str, str]
    text: str
    access: Access
    kinds: Mapping[str, TaskKind]

    @property
    def by(self) -> By:
        """Who asks, when, with the version of their button."""
        version = self.about.get("version", "")
        return By(
            self.request.user_id, self.job.tools.clock.now(), int(version) if version.isdigit() else None
        )

    def refusal(self, right: Right) -> str | None:
        """Why the sender may not; None when they may. Raises `OutsideError` when Slack cannot be asked."""
        self.job.hold()
        return self.access.refusal(self.request.user_id, right)


def judge(job: Job, kinds: Mapping[str, TaskKind]) -> None:
    """Judge one request and answer it."""
    tools = job.tools
    with tools.store.read() as tx:
        request = tx.requests.get(int(str(job.task.payload["request"])))
    if request.outcome is not None and request.outcome != WAITING:
        # Decided before a crash; what is left is the answer.
        answer(job, request, plain_card(line(request.outcome)))
        return
    sheet = read(job, request, kinds)
    try:
        card = sheet if isinstance(sheet, Card) else DESK[sheet.ask](sheet)
    except OutsideError as error:
        if isinstance(error, Refused) or request_is_old(job, request):
            card = plain_card(line(f"Slack could not be asked who you are, so nothing was changed: {error} "
                                   "Please try again."))  # fmt: skip
            close(job, request, card)
        else:
            raise
    if card is None:
        return
    if request.secrets_cut:
        card = replace(card, lines=(*card.lines, CUT))
    answer(job, request, card)


MOST_PATIENCE = 20.0
"""Seconds for which a request is tried while Slack cannot be asked; then its sender is told."""


def request_is_old(job: Job, request: Request) -> bool:
    """Whether the sender has waited long enough."""
    return (job.tools.clock.now() - request.received_at).total_seconds() > MOST_PATIENCE


def read(job: Job, request: Request, kinds: Mapping[str, TaskKind]) -> Sheet | Card:
    """What the request asks for; a card when it is not clear."""
    access = Access(job.tools.directory, job.tools.policy)
    try:
        ask = Ask(request.action)
    except ValueError:
        ask = Ask.UNKNOWN
    if ask is not Ask.TYPED:
        return Sheet(job, request, ask, request.about, request.text.strip(), access, kinds)
    typed = parse(request.text)
    if isinstance(typed, Unclear):
        card = plain_card(line(typed.question))
        close(job, request, card)
        return card
    assert isinstance(typed, Typed)
    return Sheet(job, request, typed.ask, typed.about, typed.text, access, kinds)


def answer(job: Job, request: Request, card: Card) -> None:
    """Answer the sender privately. An answer that Slack refuses for good is given up: what was decided stands."""
    job.hold()
    try:
        job.tools.messenger.answer(request, card)
    except Refused:
        return


def close(job: Job, request: Request, card: Card) -> None:
    """Write down what came of a request that changed nothing."""
    with job.record() as tx:
        tx.requests.close(request.id, plain(card.lines[0]) if card.lines else card.notification)


# --- Deciding -----------------------------------------------------------------------------------------------

Decide = Callable[[Transaction, Incident], Line]


def decide(sheet: Sheet, act: Decide, *, ended_too: bool = False) -> Card | None:
    """Run a decision in one transaction, with the request's outcome in it.

    A button of an incident that has ended, and an ask when there is none, change nothing and say so.
    """
    tools = sheet.job.tools
    with sheet.job.record() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=ended_too)
        said = problem if incident is None else act(tx, tx.incidents.get(incident.id, lock=True))
        tx.requests.close(sheet.request.id, plain(said))
    tools.wake()
    return plain_card(said)


def incident_of(tx: Transaction, sheet: Sheet, *, ended_too: bool) -> tuple[Incident | None, Line]:
    """The incident that the request is about; or None, and why."""
    named = sheet.about.get("incident")
    incident = tx.incidents.latest()
    if incident is None:
        return None, NO_INCIDENT
    if named is not None and named != str(incident.id):
        return None, OLD_BUTTON
    alive = incident.status in (IncidentStatus.OPEN, IncidentStatus.RECOVERED)
    if not alive and not ended_too:
        return None, OLD_BUTTON if named else NO_INCIDENT
    return incident, ()


def refuse(sheet: Sheet, why: str) -> Card:
    """A polite, private no."""
    card = plain_card(line(why, " Nothing was changed."))
    close(sheet.job, sheet.request, card)
    return card


def decides(act: Callable[[Sheet, Transaction, Incident], Line]) -> Callable[[Sheet], Card | None]:
    """A handler for what only an approver may decide."""

    def handler(sheet: Sheet) -> Card | None:
        why = sheet.refusal(Right.DECIDE)
        if why:
            return refuse(sheet, why)
        return decide(sheet, lambda tx, incident: act(sheet, tx, incident))

    return handler


def step_named(sheet: Sheet) -> Step:
    """The step that the request names."""
    return step_of_kind(sheet.about["step"])


def approve(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    two = sheet.job.tools.policy.two_person
    return decisions.approve(tx, incident, step_named(sheet), sheet.by, sheet.text, two_person=two)


def skip(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.skip(tx, incident, step_named(sheet), sheet.by, sheet.text)


def retry(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.retry(tx, incident, step_named(sheet), sheet.by)


def cancel(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.cancel(tx, incident, sheet.by, sheet.text, sheet.kinds)


def note(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.note(tx, incident, sheet.by, sheet.about.get("topic", ""), sheet.text)


def sent(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.sent(tx, incident, sheet.by, sheet.text)


def keep(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    step = next(step for step in STEPS if step.may_keep_reminding)
    return decisions.keep_reminding(tx, incident, step, sheet.by)


def confirm(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    for obligation, person in everyone(tx, incident):
        named = sheet.about.get("obligation")
        if named == str(obligation.id) or (
            named is None
            and person.email.lower() == sheet.about["email"].lower()
            and obligation.kind == sheet.about["step"]
        ):
            return decisions.confirm(tx, incident, sheet.by, obligation, person)
    return line("Nobody with that e-mail address is asked for that in this incident.")


def everyone(tx: Transaction, incident: Incident) -> Sequence[tuple[Obligation, Person]]:
    """Every obligation of the incident with its person."""
    people = {person.id: person for person in tx.people.of(incident.id)}
    return [(o, people[o.person_id]) for o in tx.people.obligations(incident.id)]


# --- Asks with rules of their own --------------------------------------------------------------------------


def open_(sheet: Sheet) -> Card | None:
    """Open an incident, or say where the open one is, or why not."""
    with sheet.job.tools.store.read() as tx:
        existing = tx.incidents.open_one()
    if existing is not None:
        card = opened_elsewhere(existing)
        close(sheet.job, sheet.request, card)
        return card
    return open_incident(sheet.job, sheet.request, sheet.access, sheet.about, sheet.text)


def status(sheet: Sheet) -> Card | None:
    with sheet.job.tools.store.read() as tx:
        card = status_card(tx, STEPS)
    close(sheet.job, sheet.request, card)
    return card


def help_(sheet: Sheet) -> Card | None:
    card = help_card()
    close(sheet.job, sheet.request, card)
    return card


def people(sheet: Sheet) -> Card | None:
    """Names are for approvers."""
    why = sheet.refusal(Right.DECIDE)
    if why:
        return refuse(sheet, why)
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=False)
        if incident is None:
            card = plain_card(problem)
        else:
            card = people_card(STEPS, incident, everyone(tx, incident), sheet.about.get("step"))
    close(sheet.job, sheet.request, card)
    return card


def check(sheet: Sheet) -> Card | None:
    """Somebody wants Mailgun asked about themself: one poll answers everyone who waits."""
    with sheet.job.record() as tx:
        asked = obligations_of(tx, replace(sheet.request, about=sheet.about))
        if any(obligation.is_open for obligation, _ in asked):
            tx.requests.close(sheet.request.id, WAITING)
            incident = tx.incidents.get(asked[0][0].incident_id)
            tx.tasks.add([poll_task(incident)])
            card = None
        else:
            card = plain_card(line("There is nothing left for you to do at Mailgun." if asked else
                                   "Nothing is asked of you at Mailgun in a running incident."))  # fmt: skip
            tx.requests.close(sheet.request.id, plain(card.lines[0]))
    sheet.job.tools.wake()
    return card


def mine(sheet: Sheet) -> Card | None:
    """Only the person themself can say."""

    def act(tx: Transaction, incident: Incident) -> Line:
        questions = [
            (o, p)
            for o, p in obligations_of(tx, replace(sheet.request, about=sheet.about))
            if o.status == "questioned"
        ]
        if not questions:
            return line("There is no question open for you. Nothing was changed.")
        return decisions.mine(tx, incident, sheet.by, *questions[0], sheet.about.get("answer", ""))

    return decide(sheet, act)


def saved(sheet: Sheet) -> Card | None:
    """Only the recipient can say; decisions check it for each."""

    def act(tx: Transaction, incident: Incident) -> Line:
        named, wanted = sheet.about.get("handover"), sheet.about.get("number")
        if named is not None:
            if not named.isdigit():
                return line("That button is not known. Nothing was changed.")
            return decisions.saved(tx, incident.id, sheet.by, [int(named)])
        theirs = [h for h in tx.handovers.of(incident.id) if wanted in ("all", str(h.number))]
        if wanted == "all":
            theirs = [
                h
                for h in theirs
                if h.recipient_id == sheet.request.user_id and h.status is HandoverStatus.SENT
            ]
        if not theirs:
            return line("There is no such handover to wipe.")
        return decisions.saved(tx, incident.id, sheet.by, [h.id for h in theirs])

    return decide(sheet, act, ended_too=True)


def reissue(sheet: Sheet) -> Card | None:
    """The requester, or an approver who takes the role over; whoever it is must be fit to receive."""
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=True)
    if incident is None:
        return refuse(sheet, plain(problem))
    if incident.requester_id == sheet.request.user_id:
        why = sheet.access.recipient_refusal(sheet.request.user_id)
    else:
        why = sheet.refusal(Right.DECIDE)
    if why:
        return refuse(sheet, why)

    def act(tx: Transaction, incident: Incident) -> Line:
        if incident.status is IncidentStatus.CANCELLED:
            return line("The incident was cancelled; nothing new begins. Open a new one.")
        subjects = reissue_subjects(tx, incident, sheet.about)
        if not any(subjects.values()):
            return line("Nothing that was handed over goes by that name.")
        return decisions.begin_again(tx, incident, sheet.by, subjects, sheet.request.id)

    return decide(sheet, act, ended_too=True)


def reissue_subjects(tx: Transaction, incident: Incident, about: Mapping[str, str]) -> dict[int, list[str]]:
    """What to issue anew, by step: a handover's subjects, a login, a domain's logins, or all that nobody saved.

    A subject that a later handover carries again belongs to that one alone.
    """
    carried = (HandoverStatus.SENT, HandoverStatus.SAVED, HandoverStatus.EXPIRED)
    latest = {
        (h.step_id, subject): h for h in tx.handovers.of(incident.id, *carried) for subject in h.subjects
    }
    steps = {state.id: step_of_kind(state.kind) for state in tx.steps.of(incident.id)}
    named, target = about.get("handover"), about.get("target", "")
    chosen: dict[int, list[str]] = {}
    for (step_id, subject), handover in latest.items():
        if named is not None:
            wanted = str(handover.id) == named
        elif target.lower() == "all":
            wanted = handover.status is not HandoverStatus.SAVED
        else:
            wanted = steps[step_id].subject_matches(subject, target)
        if wanted:
            chosen.setdefault(step_id, []).append(subject)
    return chosen


def unknown(sheet: Sheet) -> Card | None:
    return refuse(sheet, "This version of the bot does not know that button.")


def form_failed(sheet: Sheet) -> Card | None:
    ask = sheet.about.get("action", "")
    return refuse(sheet, f"Slack did not open the form for “{ask}”. Press the button again, or type it: "
                  "`/mailgun-compromised help` says how.")  # fmt: skip


DESK: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.OPEN: open_,
    Ask.APPROVE: decides(approve),
    Ask.SKIP: decides(skip),
    Ask.RETRY: decides(retry),
    Ask.CANCEL: decides(cancel),
    Ask.STATUS: status,
    Ask.HELP: help_,
    Ask.REISSUE: reissue,
    Ask.SAVED: saved,
    Ask.CHECK: check,
    Ask.MINE: mine,
    Ask.PEOPLE: people,
    Ask.CONFIRM: decides(confirm),
    Ask.KEEP_REMINDING: decides(keep),
    Ask.NOTE: decides(note),
    Ask.SENT: decides(sent),
    Ask.UNKNOWN: unknown,
    Ask.FORM_FAILED: form_failed,
}


def desk_kinds(kinds: Callable[[], Mapping[str, TaskKind]]) -> tuple[TaskKind, ...]:
    """The kind that judges requests. `kinds` are all kinds, for cancelling."""
    return (TaskKind(JUDGE, lambda job: judge(job, kinds()), most_attempts=None, quick=True),)


__all__ = ["JUDGE", "Source", "desk_kinds", "keep_request"]
