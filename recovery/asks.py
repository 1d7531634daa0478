"""What each ask comes to: who may, what is decided, what is answered. One short function an ask."""

from collections.abc import Callable, Mapping

from recovery import decisions, exporting, note_decisions
from recovery.access import Right
from recovery.actions import Ask
from recovery.answers import help_card, opened_elsewhere, status_card
from recovery.content import Card
from recovery.finding_asks import FINDING_ASKS
from recovery.fresh_key import give_key
from recovery.hand_asks import HAND_ASKS
from recovery.handovers import identity_of, in_nobodys_hands, last_tasks
from recovery.isolation import check_off
from recovery.opening import open_incident
from recovery.people_asks import PEOPLE_ASKS
from recovery.progress import state_of
from recovery.room_asks import ROOM_ASKS
from recovery.scanning import ask_for_scan
from recovery.sheet import Sheet, close, decide, decides, incident_of, refuse
from recovery.state import UNFINISHED, Handover, HandoverStatus, Incident, TaskStatus
from recovery.step import Step, scope_of_beginning
from recovery.steps import STEPS, step_of_kind
from recovery.store import Transaction
from recovery.text import Line, line, plain


def step_named(sheet: Sheet) -> Step:
    """The step that the request names."""
    return step_of_kind(sheet.about.get("step", ""))


def approve(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    two = sheet.job.tools.policy.two_person
    return decisions.approve(tx, incident, step_named(sheet), sheet.by, sheet.text, two_person=two)


def skip(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.skip(tx, incident, step_named(sheet), sheet.by, sheet.text)


def retry(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.retry(tx, incident, step_named(sheet), sheet.by)


def leave_out(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.leave_out(tx, incident, step_named(sheet), sheet.by, sheet.about.get("part", ""))


def include(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.include(tx, incident, step_named(sheet), sheet.by, sheet.about.get("part", ""))


def cancel(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.cancel(tx, incident, sheet.by, sheet.text, sheet.kinds)


def note(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return note_decisions.note(tx, incident, sheet.by, sheet.about.get("topic", ""), sheet.text)


def sent(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.sent(tx, incident, sheet.by, sheet.text)


def export(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return exporting.export(tx, incident, sheet.by, sheet.about.get("form", ""), sheet.request.id)


def scan(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    state, policy, by = state_of(tx, incident, step_with_notes()), sheet.job.tools.policy, sheet.by
    return ask_for_scan(tx, incident, state, policy, by.user_id, by.at, sheet.about.get("scan"))


def note_scan(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return note_decisions.note_scan(tx, incident, sheet.by, step_with_notes(), sheet.about.get("scan"))


def checked(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    state, by = state_of(tx, incident, step_with_notes()), sheet.by
    checklist, item = sheet.job.tools.policy.isolation_checklist, sheet.about.get("item", "")
    return check_off(tx, incident, state, checklist, item, sheet.text, by.user_id, by.at)


def step_with_notes() -> Step:
    """The step that wants hosting and repositories written down."""
    return next(step for step in STEPS if "repositories" in step.topics)


def keep(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    step = next(step for step in STEPS if step.may_keep_reminding)
    return decisions.keep_reminding(tx, incident, step, sheet.by)


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
        card = status_card(tx, STEPS, sheet.job.tools.policy)
    close(sheet.job, sheet.request, card)
    return card


def help_(sheet: Sheet) -> Card | None:
    card = help_card()
    close(sheet.job, sheet.request, card)
    return card


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
            theirs = [h for h in theirs if h.recipient_id == sheet.request.user_id and h.status is HandoverStatus.SENT]
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
    as_requester = incident.requester_id == sheet.request.user_id
    why = sheet.refusal(Right.DECIDE)
    if why and as_requester:
        # Whoever may start an incident may receive its secrets without being an approver.
        why = sheet.refusal(Right.START)
    if why:
        return refuse(sheet, why)

    two = sheet.job.tools.policy.two_person

    def act(tx: Transaction, incident: Incident) -> Line:
        if as_requester and incident.requester_id != sheet.request.user_id:
            return line("Somebody else has just taken over receiving the secrets. Nothing was changed.")
        latest = latest_handovers(tx, incident)
        steps = {state.id: step_of_kind(state.kind) for state in tx.steps.of(incident.id)}
        chosen = chosen_subjects(latest, steps, sheet.about) + failed_subjects(tx, steps, sheet.about)
        if not chosen and sheet.about.get("target") == "all" and incident.requester_id != sheet.request.user_id:
            return decisions.take_over(tx, incident, sheet.by, "", two_person=two)
        if not chosen:
            return line("Nothing that was handed over goes by that name.")
        busy = under_way(tx, steps)
        chosen = [(step_id, subject) for step_id, subject in chosen if (step_id, identity_of(subject)) not in busy]
        if not chosen:
            return line("That is being made and handed over anew already. Nothing more was planned.")
        by_step: dict[int, list[str]] = {}
        for step_id, subject in dict.fromkeys(chosen):
            by_step.setdefault(step_id, []).append(subject)
        return decisions.begin_again(tx, incident, sheet.by, by_step, sheet.request.id, two_person=two)

    return decide(sheet, act, ended_too=True)


Carried = Mapping[tuple[int, str], Handover]
"""For each step id and subject, the latest handover that carries it."""


def latest_handovers(tx: Transaction, incident: Incident) -> Carried:
    """What was handed over, each subject with the latest handover that carries it."""
    carried = (HandoverStatus.SENT, HandoverStatus.SAVED, HandoverStatus.EXPIRED)
    return {(h.step_id, subject): h for h in tx.handovers.of(incident.id, *carried) for subject in h.subjects}


def chosen_subjects(latest: Carried, steps: Mapping[int, Step], about: Mapping[str, str]) -> list[tuple[int, str]]:
    """What to issue anew: a handover's subjects, a login, a domain's logins, or all that nobody saved."""
    named, target = about.get("handover"), about.get("target", "")

    def wanted(step_id: int, subject: str, handover: Handover) -> bool:
        if named is not None:
            return str(handover.id) == named
        if target.lower() == "all":
            return handover.status is not HandoverStatus.SAVED
        return steps[step_id].subject_matches(subject, target)

    return [(step_id, subject) for (step_id, subject), h in latest.items() if wanted(step_id, subject, h)]


def failed_subjects(tx: Transaction, steps: Mapping[int, Step], about: Mapping[str, str]) -> list[tuple[int, str]]:
    """What could not be set or handed over, and so is in nobody's hands, as far as the typed target means it."""
    target = about.get("target", "")
    return [
        (step_id, task.subject)
        for step_id, step in steps.items()
        if step.hands_over and target
        for task in last_tasks(tx, step_id)
        if (task.status is TaskStatus.FAILED or in_nobodys_hands(task))
        and task.kind != step.begin_kind
        and (target.lower() == "all" or step.subject_matches(task.subject, target))
    ]


def under_way(tx: Transaction, steps: Mapping[int, Step]) -> set[tuple[int, str]]:
    """What is being set and handed over at the moment: an impatient second click shall not do it twice."""
    busy = set()
    for step_id, step in steps.items():
        if not step.hands_over:
            continue
        for task in tx.tasks.of_step(step_id, *UNFINISHED):
            if task.kind == step.hand_kind:
                continue
            scope = scope_of_beginning(task) if task.kind == step.begin_kind else [task.subject]
            busy |= {(step_id, identity_of(subject)) for subject in scope or ()}
    return busy


def take_over(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return decisions.take_over(tx, incident, sheet.by, sheet.text, two_person=sheet.job.tools.policy.two_person)


def unknown(sheet: Sheet) -> Card | None:
    return refuse(sheet, "This version of the bot does not know that button.")


def form_failed(sheet: Sheet) -> Card | None:
    ask = sheet.about.get("action", "")
    return refuse(
        sheet,
        f"Slack did not open the form for “{ask}”. Press the button again, or type it: "
        "`/mailgun-compromised help` says how.",
    )


ASKS: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.OPEN: open_,
    Ask.APPROVE: decides(approve),
    Ask.SKIP: decides(skip, ended_too=True),
    Ask.RETRY: decides(retry, ended_too=True),
    Ask.LEAVE_OUT: decides(leave_out),
    Ask.INCLUDE: decides(include),
    Ask.CANCEL: decides(cancel),
    Ask.STATUS: status,
    Ask.HELP: help_,
    Ask.REISSUE: reissue,
    Ask.TAKE_OVER: decides(take_over, ended_too=True),
    Ask.SAVED: saved,
    **PEOPLE_ASKS,
    **FINDING_ASKS,
    **ROOM_ASKS,
    **HAND_ASKS,
    Ask.GIVE_KEY: give_key,
    Ask.KEEP_REMINDING: decides(keep),
    Ask.NOTE: decides(note),
    Ask.SCAN: decides(scan),
    Ask.NOTE_SCAN: decides(note_scan),
    Ask.CHECKED: decides(checked),
    Ask.SENT: decides(sent),
    Ask.EXPORT: decides(export, ended_too=True),
    Ask.UNKNOWN: unknown,
    Ask.FORM_FAILED: form_failed,
}
