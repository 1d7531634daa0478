"""Decisions: approve, skip, retry, cancel and their kin. Each happens once, in one transaction.

Every function here runs inside a transaction and answers with a sentence for whoever asked. Whoever comes
second is told who decided and when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.doubts import count_anew
from recovery.hand import left_by_hand
from recovery.handover_messages import handover_name
from recovery.handover_upkeep import plan_wipe
from recovery.handovers import CHANGED, in_nobodys_hands, last_tasks
from recovery.jobs import TaskKind
from recovery.leaving_out import (
    CHOOSABLE,
    everything_is_left_out,
    facts_with_left_out,
    nothing_is_left,
    parts_meant,
)
from recovery.letting_go import ask_again, ask_nothing_more
from recovery.polling import answer_or_pass_on
from recovery.progress import state_of
from recovery.state import (
    HandoverStatus,
    Incident,
    IncidentStatus,
    StepState,
    StepStatus,
    TaskStatus,
)
from recovery.step import (
    Step,
    begin_anew,
    facts_with_left,
    left_by_decision,
    left_out,
    scope_of,
    scope_of_beginning,
    steps_of,
)
from recovery.steps import STEPS, step_of_kind
from recovery.store import Transaction
from recovery.strays import strays_task
from recovery.text import Code, Line, When, Who, count, line, listing, sentence

GLASS = "breaking the glass"
NOT_ALONE = line(
    "Two people are needed here: whoever may approve may not receive the secrets as well. To break the glass, so "
    "that everyone sees it, type ",
    Code("/mailgun-compromised take-over <reason>"),
    ".",
)


@dataclass(frozen=True)
class By:
    """Who decides, when, and the version that their button was drawn with (None when it was typed)."""

    user_id: str
    at: datetime
    version: int | None = None

    def is_late(self, version: int) -> bool:
        """Whether what they decide about, of that version now, has moved since their button was drawn."""
        return self.version not in (None, version)


def approve(tx: Transaction, incident: Incident, step: Step, by: By, reason: str, *, two_person: bool) -> Line:
    """Approve a waiting or skipped step: its first task is planned with it."""
    state = state_of(tx, incident, step)
    if not step.decided_by_approval:
        return line(f"{sentence(step.label)} is not approved: it has buttons of its own.")
    glass = two_person and step.hands_over and by.user_id == incident.requester_id
    if glass and not reason:
        return line(
            f"Whoever requested the recovery may not approve {step.label} alone. Ask another approver; or break the "
            f"glass, so that everyone sees it: /mailgun-compromised approve {step.number} <reason>."
        )
    if nothing_is_left(step, state) and not by.is_late(state.version):
        return everything_is_left_out(step)
    scope = scope_of(state)
    left = facts_with_left(state, left_by_decision(state) - set(scope) if scope is not None else set())
    sources = (StepStatus.WAITING, StepStatus.SKIPPED)
    moved = decided(tx, state, by, sources, StepStatus.RUNNING, "approved", reason, facts=left)
    if moved is None:
        return too_late(tx, incident, step)
    result = "" if not reason else f"{GLASS}: {reason}" if glass else reason
    _record(tx, incident, by, Action.APPROVED, step.label, result)
    step.plan_begin(tx, incident, moved)
    return line(f"{sentence(step.label)} is approved.")


def skip(tx: Transaction, incident: Incident, step: Step, by: By, reason: str) -> Line:
    """Skip a step that waits, is stuck or is done by hand, with a reason. What was offered in a further round stays as
    it is."""
    state = state_of(tx, incident, step)
    failed = tx.tasks.of_step(state.id, TaskStatus.FAILED)
    failures = [task for task in failed if task.kind != step.begin_kind]
    unbegun = [subject for task in failed if task.kind == step.begin_kind for subject in scope_of_beginning(task) or ()]
    items = left_by_hand(tx, state)
    scope = {*(scope_of(state) or []), *unbegun, *(task.subject for task in (*failures, *(items or [])))}
    facts = facts_with_left(state, left_by_decision(state) | scope)
    at_hand = (StepStatus.RUNNING,) if items is not None else ()
    sources = (StepStatus.WAITING, StepStatus.NEEDS_ATTENTION, *at_hand)
    moved = decided(tx, state, by, sources, StepStatus.SKIPPED, "skipped", reason, facts=facts)
    if moved is None:
        return too_late(tx, incident, step)
    _record(tx, incident, by, Action.SKIPPED, step.label, reason)
    for task in (*failed, *(items or [])):
        tx.tasks.end(task, TaskStatus.DROPPED, by.at, task.failure)
    step.on_skipped(tx, incident, moved)
    changed = sum(bool(task.payload.get(CHANGED)) for task in (*failures, *(items or [])))
    if not changed:
        return line(f"{sentence(step.label)} is skipped.")
    return line(
        f"{sentence(step.label)} is skipped. Of what it left, {count(changed, 'item')} may be changed at Mailgun while "
        "nobody was handed the new secret: ",
        Code("/mailgun-compromised reissue all"),
        " sets and hands that over.",
    )


def retry(tx: Transaction, incident: Incident, step: Step, by: By) -> Line:
    """Repeat what failed in a step, and only that."""
    state = state_of(tx, incident, step)
    moved = decided(tx, state, by, (StepStatus.NEEDS_ATTENTION,), StepStatus.RUNNING, "retried")
    if moved is None:
        return too_late(tx, incident, step)
    again = tx.tasks.retry_failed(state.id, by.at)
    count_anew(tx, state)
    _record(tx, incident, by, Action.RETRIED, step.label, count(again, "task"))
    return line(f"{count(again, 'task')} of {step.label} will be tried again.")


def leave_out(tx: Transaction, incident: Incident, step: Step, by: By, part: str) -> Line:
    """Leave a part of a step out, while it may be approved. An Approve that was drawn before comes too late then."""
    return _choose(tx, incident, step, by, part, Action.LEFT_OUT)


def include(tx: Transaction, incident: Incident, step: Step, by: By, part: str) -> Line:
    """Take a part in again that was left out."""
    return _choose(tx, incident, step, by, part, Action.INCLUDED)


def _choose(tx: Transaction, incident: Incident, step: Step, by: By, part: str, action: Action) -> Line:
    state = state_of(tx, incident, step)
    meant, before = set(parts_meant(step, state, part)), left_out(state)
    if not meant:
        has = listing(step.parts(state))
        known = f"It has: {has}." if has else "It has no parts."
        return line(f"{sentence(step.label)} has no part that is called “{part}”. {known} Nothing was changed.")
    if state.status not in CHOOSABLE or by.is_late(state.version):
        return too_late(tx, incident, step)
    words = listing(step.parts(state)[key] for key in sorted(meant))
    says = "left out" if action is Action.LEFT_OUT else "included"
    after = before | meant if action is Action.LEFT_OUT else before - meant
    if after == before:
        return line(f"{words}: {says} already. Nothing was changed.")
    if tx.steps.move(state, [state.status], state.status, facts=facts_with_left_out(state, after)) is None:
        return too_late(tx, incident, step)
    _record(tx, incident, by, action, step.label, words)
    return line(f"{words}: {says}.")


def decided(
    tx: Transaction,
    state: StepState,
    by: By,
    sources: Sequence[StepStatus],
    to: StepStatus,
    decision: str,
    reason: str | None = None,
    **fields: object,
) -> StepState | None:
    """Compare and set: the step as that decision leaves it; None where it is not as the button was drawn any more."""
    if by.is_late(state.version):
        return None
    return tx.steps.move(
        state,
        sources,
        to,
        decision=decision,
        decided_by=by.user_id,
        decided_at=by.at,
        reason=reason or None,
        **fields,
    )


def _record(tx: Transaction, incident: Incident, by: By, action: Action, subject: str = "", result: str = "") -> None:
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, action, subject, result))


def too_late(tx: Transaction, incident: Incident, step: Step) -> Line:
    """The step has moved on: where it stands, who decided and when."""
    state = state_of(tx, incident, step)
    stands = f"{sentence(step.label)} is {state.status}; nothing was changed."
    if state.decided_by and state.decided_at and state.decision:
        return line(
            stands,
            f" It was {state.decision} by ",
            Who(state.decided_by),
            " at ",
            When(state.decided_at),
            ".",
        )
    if state.status is StepStatus.WAITING:
        return line(stands, " Its message has changed since that button was drawn: look at it once more.")
    return line(stands)


def cancel(tx: Transaction, incident: Incident, by: By, reason: str, kinds: Mapping[str, TaskKind]) -> Line:
    """Cancel the incident: nothing new begins; what was begun is finished and handed over."""
    if incident.status is not IncidentStatus.OPEN:
        return line("There is no open incident to cancel.")
    tx.incidents.set(incident.id, status=IncidentStatus.CANCELLED, ended_at=by.at, troubles={})
    effects = [kind.name for kind in kinds.values() if kind.effect] + [step.hand_kind for step in STEPS]
    dropped = tx.tasks.drop_unstarted(incident.id, effects, by.at)
    for state in tx.steps.of(incident.id):
        hand_over_what_was_changed(tx, incident, state)
        tx.steps.move(
            state,
            [StepStatus.LOCKED, StepStatus.WAITING, StepStatus.RUNNING, StepStatus.NEEDS_ATTENTION],
            StepStatus.CANCELLED,
        )
    for step, state in steps_of(tx, STEPS, incident):
        step.on_cancelled(tx, incident, state, by.user_id, by.at)
    ask_nothing_more(tx, incident, by.at)
    give_back_people(tx, incident, by.at)
    answer_or_pass_on(tx, STEPS, incident)
    _record(tx, incident, by, Action.CANCELLED, "", reason)
    rest = f" {count(dropped, 'task')} not begun yet will not be run." if dropped else ""
    return line(f"The incident is cancelled. What was begun is finished and handed over.{rest}")


def give_back_people(tx: Transaction, incident: Incident, at: datetime) -> None:
    """A recovered incident whose people this one has taken over looks after them again."""
    for earlier in tx.incidents.in_status(IncidentStatus.CLOSED):
        if earlier.ended_at is None or earlier.recovered_at is None or earlier.ended_at < incident.opened_at:
            continue
        tx.incidents.set(earlier.id, status=IncidentStatus.RECOVERED, ended_at=None)
        ask_again(tx, tx.incidents.get(earlier.id), earlier.ended_at, tx.people.of(incident.id))
        facts = AuditFacts(Actor.BOT, Action.TAKEN_UP, "", f"incident {incident.id} was cancelled")
        tx.audit.append(earlier.id, at, facts)


def hand_over_what_was_changed(tx: Transaction, incident: Incident, state: StepState) -> None:
    """What has a new secret at Mailgun that nobody was handed: it is set and handed over anew."""
    changed = [task.subject for task in last_tasks(tx, state.id) if in_nobodys_hands(task)]
    if changed:
        step = step_of_kind(state.kind)
        tx.tasks.add([step.beginning(incident, state, "cancel", changed, anew=True)])


# --- Support ---------------------------------------------------------------------------------


def sent(tx: Transaction, incident: Incident, by: By, ticket: str) -> Line:
    """Support was told: from here on the bot watches the domains."""
    step = next(step for step in STEPS if step.opens_last)
    state = state_of(tx, incident, step)
    if any(not other.settled for other in tx.steps.of(incident.id) if other.kind != step.kind):
        return line("Another step is not settled yet; see the board. Tell Support once all of it is done.")
    moved = decided(
        tx,
        state,
        by,
        (StepStatus.WAITING, StepStatus.SKIPPED),
        StepStatus.RUNNING,
        "sent",
        f"ticket {ticket}",
    )
    if moved is None:
        return too_late(tx, incident, step)
    tx.incidents.set(incident.id, ticket=ticket)
    _record(tx, incident, by, Action.SUPPORT_TOLD, "", f"ticket {ticket}")
    step.on_sent(tx, incident, moved)
    return line("Noted. The bot watches the domains and says when the account works again.")


# --- People -----------------------------------------------------------------------------------------------


def keep_reminding(tx: Transaction, incident: Incident, step: Step, by: By) -> Line:
    """Let the last step open while this one's reminders go on."""
    state = state_of(tx, incident, step)
    if state.status is not StepStatus.RUNNING or state.keep_reminding:
        return line(f"{sentence(step.label)} is {state.status}; nothing was changed.")
    tx.steps.set(state.id, keep_reminding=True)
    _record(tx, incident, by, Action.KEPT_REMINDING, step.label, "reminders go on")
    return line("The last step opens once the others are settled. Reminders go on until everybody has it.")


# --- Handovers --------------------------------------------------------------------------------------------


def saved(tx: Transaction, incident_id: int, by: By, handover_ids: list[int]) -> Line:
    """The recipient has saved handovers: they are wiped."""
    done = 0
    for handover_id in handover_ids:
        handover = tx.handovers.get(handover_id)
        if handover.recipient_id != by.user_id:
            return line("Only ", Who(handover.recipient_id), " can say that: the handover went to them.")
        if tx.handovers.move(
            handover,
            [HandoverStatus.SENT],
            HandoverStatus.SAVED,
            ended_at=by.at,
            ended_by=by.user_id,
            next_reminder_at=None,
            expires_at=None,
        ):
            done += 1
            facts = AuditFacts(by.user_id, Action.HANDOVER_SAVED, handover_name(handover))
            tx.audit.append(handover.incident_id, by.at, facts)
            plan_wipe(tx, tx.handovers.get(handover_id))
    if not done:
        return line("Nothing to wipe: that handover is saved or wiped already.")
    return line(f"{count(done, 'handover')} will be wiped in a moment.")


def take_over(tx: Transaction, incident: Incident, by: By, reason: str, *, two_person: bool) -> Line:
    """An approver becomes the requester, say because that one has left."""
    if incident.requester_id == by.user_id:
        return line("The secrets are handed to you already.")
    if two_person and not reason:
        return NOT_ALONE
    become_requester(tx, incident, by, f"{GLASS}: {reason}" if two_person else reason)
    return line(
        "From now on, new secrets are handed to you. To get those handed over before, type ",
        Code("/mailgun-compromised reissue all"),
        ".",
    )


def become_requester(tx: Transaction, incident: Incident, by: By, reason: str = "") -> Incident:
    """The incident with this person as its requester; their direct message is opened before the next secret."""
    if incident.requester_id == by.user_id:
        return incident
    tx.incidents.set(incident.id, requester_id=by.user_id, direct_channel_id=None, strays_ts=None)
    tx.tasks.add([strays_task(tx.incidents.get(incident.id))])
    facts = AuditFacts(by.user_id, Action.TOOK_OVER, "", reason, whom=incident.requester_id)
    tx.audit.append(incident.id, by.at, facts)
    return tx.incidents.get(incident.id)


def begin_again(
    tx: Transaction,
    incident: Incident,
    by: By,
    subjects_by_step: Mapping[int, list[str]],
    request_id: int,
    *,
    two_person: bool,
) -> Line:
    """Set and hand over these subjects anew, to whoever asks; they take the requester's role over if need be.

    What was handed over before stays as it is until the new secrets are.
    """
    if two_person and incident.requester_id != by.user_id:
        return NOT_ALONE
    incident = become_requester(tx, incident, by)
    total = 0
    for state in tx.steps.of(incident.id):
        subjects = subjects_by_step.get(state.id)
        if not subjects:
            continue
        step = step_of_kind(state.kind)
        total += len(subjects)
        begin_anew(tx, step, state, f"reissue-{request_id}", subjects)
        _record(tx, incident, by, Action.REISSUED, step.label, count(len(subjects), "item"))
    return line(
        f"{count(total, 'new secret')} will be made and handed over to you. The present ones stop working then."
    )
