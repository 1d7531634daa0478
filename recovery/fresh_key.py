"""A fresh key for the bot: given in a form, proven, put into the vault; and what goes on once its key is taken again.

Whoever gives a key has made it for the bot alone: step 1 makes the bot another of its own, and deletes that one, where
the plan allows one more.
"""

from collections.abc import Sequence
from datetime import datetime

from recovery import troubles
from recovery.access import Right
from recovery.account import ApiKey
from recovery.actions import SEALED, Ask
from recovery.answers import plain_card
from recovery.audit import Action, AuditFacts
from recovery.checking import MOST_PATIENCE
from recovery.content import Button, Card, Style
from recovery.errors import KeyRefused, OutsideError, Refused, Why
from recovery.hand import as_ended
from recovery.jobs import Job, TaskKind
from recovery.key_room import ASKS, Question
from recovery.ports import Mailgun
from recovery.refusals import GIVE_KEY_LABEL, MEANS, REFUSED, helps
from recovery.secret import Secret, told_key_id
from recovery.sheet import NO_INCIDENT, Sheet, close, incident_of, refuse
from recovery.state import Incident, IncidentStatus, StepStatus
from recovery.store import Store, Transaction
from recovery.strangers import INVESTIGATE, investigation
from recovery.text import Line, count, line, plain
from recovery.thread import survey_task

ALIVE = (IncidentStatus.OPEN, IncidentStatus.RECOVERED)


def give_key(sheet: Sheet) -> Card | None:
    """Prove the key that came with the form, and put it into the vault; typed, offer the form. Approvers only.

    The sealed key leaves the stored request with whatever comes of it (`Requests.close`).
    """
    why = sheet.refusal(Right.DECIDE)
    if why:
        return refuse(sheet, why)
    sealed = sheet.about.get(SEALED)
    if sealed is None:
        return offer_form(sheet)
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=False)
    if incident is None:
        return refuse(sheet, plain(problem))
    try:
        secret = sheet.job.tools.vault.unseal(sealed)
        sheet.job.hold()
        key_id = admin_key_id(secret, sheet.job.tools.mailgun.keys_listed_by(secret))
        sheet.job.hold()
        must_be_of_the_account(secret, sheet.job.tools.mailgun, sheet.job.tools.store)
    except OutsideError as error:
        if not isinstance(error, Refused) and not is_old(sheet):
            raise
        return refuse(sheet, f"That key was not taken. {error}")
    return take(sheet, secret, key_id)


def admin_key_id(secret: Secret, listed: Sequence[ApiKey]) -> str | None:
    """The id of the key with that secret, where the secret tells it and Mailgun lists it.

    Raises `Refused` where the list shows that it is no admin's: others may list the keys, too, and not replace them.
    """
    told = told_key_id(secret)
    found = next((key for key in listed if key.id == told), None)
    if found is not None and found.role != "admin":
        raise Refused(f"Its role is {found.role}, and the bot needs one with the role admin.")
    return found.id if found else None


def must_be_of_the_account(secret: Secret, mailgun: Mailgun, store: Store) -> None:
    """Raise `Refused` where the key is one of another Mailgun account: it lists domains, and none of those that were
    there when an incident was counted that is not over. Step 1 would replace every key of that account."""
    with store.read() as tx:
        incidents = tx.incidents.in_status(*ALIVE)
    known = {subject for incident in incidents for subject in incident.watched}
    try:
        listed = {each.subject for region in mailgun.regions for each in mailgun.domains_listed_by(secret, region)}
    except KeyRefused:
        # It does list the keys, so this says no more than that the account is disabled.
        return
    if known and listed and known.isdisjoint(listed):
        raise Refused("It belongs to another Mailgun account: with it, none of this account's domains is listed.")


def is_old(sheet: Sheet) -> bool:
    """Whether the sender has waited long enough for Mailgun to answer."""
    return sheet.job.tools.clock.now() - sheet.request.received_at > MOST_PATIENCE


def offer_form(sheet: Sheet) -> Card:
    """The button that opens the form: nothing typed after a command may hold a key."""
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=False)
    if incident is None:
        return refuse(sheet, plain(problem))
    refused = troubles.key_refused(incident)
    lines = [line("Mailgun takes the key that the bot has. A new one takes its place once it is proven.")]
    if refused is not None:
        lines = [line(f"Mailgun refuses the key that the bot has. {MEANS[refused]}"), *helps(refused)]
    card = Card(
        notification="Give the bot a new key.",
        lines=tuple(lines),
        buttons=(Button(Ask.GIVE_KEY, GIVE_KEY_LABEL, {"incident": str(incident.id)}, Style.PRIMARY),),
    )
    close(sheet.job, sheet.request, card)
    return card


def take(sheet: Sheet, secret: Secret, key_id: str | None) -> Card:
    """Put a proven key into the vault, with its audit entry; what was refused goes on in the same transaction."""
    job = sheet.job
    with job.record() as tx:
        incidents = alive(tx)
        if not incidents:
            said = NO_INCIDENT
        else:
            now = job.tools.clock.now()
            job.tools.vault.keep(tx, secret, key_id, None)
            again = 0
            for incident in incidents:
                facts = AuditFacts(sheet.request.user_id, Action.KEY_GIVEN, "", f"its id is {key_id}" if key_id else "")
                tx.audit.append(incident.id, now, facts)
                again += take_up(tx, incident, now)
            said = taken(again)
        tx.requests.close(sheet.request.id, plain(said))
    job.tools.vault.refresh()
    job.tools.wake()
    return plain_card(said)


def taken(again: int) -> Line:
    """What came of a key that works."""
    goes_on = f" {count(again, 'task')} that waited for that will be tried again now." if again else ""
    return line(f"The key works and is in the vault. The bot uses it from now on.{goes_on}")


def alive(tx: Transaction) -> list[Incident]:
    """The incidents that work with the key, locked in one order for everybody."""
    found = tx.incidents.in_status(*ALIVE)
    return [tx.incidents.get(incident.id, lock=True) for incident in found]


def take_up_everywhere(tx: Transaction, at: datetime) -> None:
    """A key that works was put into the vault: whatever was refused goes on."""
    for incident in alive(tx):
        take_up(tx, incident, at)


def take_up(tx: Transaction, incident: Incident, at: datetime) -> int:
    """Mailgun takes the bot's key: what was refused, or had asked for another, is tried again now, the trouble is over.
    How many tasks."""
    failed = tx.tasks.failed(incident.id)
    waiting = [task for task in failed if task.payload.get(REFUSED) or task.payload.get(ASKS) == Question.NEW_KEY]
    again = tx.tasks.retry(waiting, at)
    steps = {task.step_id for task in waiting}
    for state in tx.steps.of(incident.id):
        if state.id in steps:
            tx.steps.move(state, [StepStatus.NEEDS_ATTENTION], StepStatus.RUNNING, decision=as_ended(state))
    for task in tx.tasks.deferred(incident.id, at):
        if task.payload.get(REFUSED):
            tx.tasks.defer(task, at, task.failure)
            again += 1
    begins = f"{INVESTIGATE}.begin"
    if troubles.COUNT in incident.troubles and not any(task.kind == begins for task in waiting):
        tx.tasks.add([survey_task(incident, investigation(tx, incident.id))])
    troubles.clear_key(tx, incident.id)
    return again


# --- Looking whether the key works again ------------------------------------------------------------------


def look_at_key(job: Job) -> None:
    """Ask Mailgun with the refused key: it may be taken again, say because the allowlist was put right, or because
    another process was given a fresh one."""
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    why = troubles.key_refused(incident)
    if why is None or not incident.is_alive:
        return
    job.hold()
    try:
        job.tools.mailgun.keys()
    except KeyRefused as error:
        with job.record() as tx:
            job.defer(tx, job.task, str(error), job.tools.policy.poll_every.total_seconds())
        return
    with job.record() as tx:
        job.done(tx, job.task)
        if why is Why.NO_RIGHTS:
            # It works, and may not do everything: what it may not would only fail again.
            troubles.clear_key(tx, incident.id)
        else:
            take_up(tx, tx.incidents.get(incident.id), job.tools.clock.now())
    job.tools.wake()


LOOK_AT_KEY_KIND = TaskKind(
    troubles.LOOK_AT_KEY, look_at_key, "looking whether Mailgun takes the key", most_attempts=None
)
