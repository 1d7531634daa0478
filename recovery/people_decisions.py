"""Decisions about people: what they say of themselves, and what an approver or the requester says of them.

Every function runs inside a transaction that has locked the incident, and answers with a sentence for whoever asked.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.checklist import MOST_PUT_OFF
from recovery.decisions import By
from recovery.hand import is_by_hand
from recovery.messages import retract_task
from recovery.people import awaited, may_be_confirmed, plan_redraw, signs_in_elsewhere, step_of
from recovery.policy import ReminderHours
from recovery.ports import Member
from recovery.reminders import put_off_until
from recovery.requester import CANNOT, DISOWNED, LEAVING, notice
from recovery.state import Incident, Obligation, ObligationStatus, Person, Standing, StepStatus
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.strangers import settle_strangers
from recovery.strays import listed_as_stray, strays_task
from recovery.text import Line, When, Who, line, plain
from recovery.weighing import reschedule, scheduled

Pair = tuple[Obligation, Person]


def _record(
    tx: Transaction, incident: Incident, by: By, action: Action, subject: str, *, own: bool = False, whom: str = ""
) -> None:
    """An entry that the thread shows without names. What somebody says of themselves has them as `whom`."""
    actor = Actor.PERSON if own else by.user_id
    facts = AuditFacts(actor, action, subject, private=True, whom=by.user_id if own else whom)
    tx.audit.append(incident.id, by.at, facts)


def _reschedule(tx: Transaction, person: Person, at: datetime) -> None:
    """Once obligations were settled: when the person is written to next, if at all, and their message drawn anew."""
    reschedule(tx, person, at)
    plan_redraw(tx, person)
    if listed_as_stray(person):
        tx.tasks.add([strays_task(tx.incidents.get(person.incident_id))])


# --- What people say of themselves ----------------------------------------------------------------------


def mine(tx: Transaction, incident: Incident, by: By, pair: Pair, answer: str) -> Line:
    """Somebody says whether a change that Mailgun shows was their own doing. The requester hears of a "no" at once."""
    obligation, person = pair
    if obligation.status is not ObligationStatus.QUESTIONED or by.is_late(obligation.version):
        return line("That question is settled already; nothing was changed.")
    step = step_of(STEPS, obligation)
    subject = f"{step.title}: {person.called}"
    if answer == "yes":
        tx.people.settle(obligation, ObligationStatus.DONE, settled_at=by.at, settled_by=by.user_id)
        _record(tx, incident, by, Action.OWNED, subject, own=True)
        _reschedule(tx, person, by.at)
        return line("Thank you. That counts as done.")
    tx.people.settle(obligation, ObligationStatus.OPEN, settled_at=None)
    _record(tx, incident, by, Action.DISOWNED, subject, own=True)
    at = f", at {plain((When(obligation.evidence),))}" if obligation.evidence else ""
    key = f"{obligation.id}-{obligation.version}"
    tx.tasks.add([notice(incident, person, DISOWNED, text=f"{step.item}{at}", advice=step.after_a_no, key=key)])
    _reschedule(tx, person, by.at)
    return line(
        "Thank you for saying so: it counts as not done, and ",
        Who(incident.requester_id),
        " is told now. Please do it yourself, as asked in the message.",
    )


def done(tx: Transaction, incident: Incident, by: By, pairs: Sequence[Pair]) -> Line:
    """Somebody says that they did their part where Mailgun cannot show it; an approver confirms it."""
    shown = [(o, person) for o, person in pairs if o.is_open and not signs_in_elsewhere(person)]
    said = [(o, person) for o, person in pairs if o.is_awaited and signs_in_elsewhere(person)]
    if not said:
        if shown:
            return line("Mailgun shows that by itself: press Check now, or type ", "/mailgun-compromised check.")
        return line("There is nothing left for you to say. Thank you.")
    for obligation, person in said:
        tx.people.save_obligations([replace(obligation, said_at=by.at)])
        subject = f"{step_of(STEPS, obligation).title}: {person.called}"
        _record(tx, incident, by, Action.SAID_DONE, subject, own=True)
        _reschedule(tx, tx.people.get(person.id), by.at)
    return line("Thank you. An approver confirms it; you are not reminded meanwhile.")


def later(
    tx: Transaction, incident: Incident, by: By, people: Sequence[Person], wish: str, hours: ReminderHours
) -> Line:
    """Somebody wants to be reminded later, of whatever is left then: at most three times."""
    stands = {person.id: tx.people.obligations_of(person.id) for person in people}
    due = [person for person in people if person.slack_id is not None and awaited(stands[person.id])]
    if not due:
        return line("There is nothing that you would be reminded of now. Nothing was changed.")
    if any(person.put_off >= MOST_PUT_OFF for person in due):
        return line(
            f"You have put it off {MOST_PUT_OFF} times, which is as often as it goes. If something keeps you from it, "
            "press I cannot do this; somebody will help you."
        )
    until = put_off_until(by.at, wish, due[0].slack_tz, hours)
    # Also what they have done with another of their users and may undo is not reminded of before.
    others = [user for user in tx.people.in_slack(incident.id, by.user_id) if user not in due]
    tx.people.save([replace(user, quiet_until=until, urged_by=None) for user in others])
    for person in due:
        moved = replace(person, next_message_at=until, quiet_until=until, put_off=person.put_off + 1, urged_by=None)
        tx.people.save([scheduled(moved, stands[person.id], by.at)])
        _record(tx, incident, by, Action.PUT_OFF, f"{person.called}: until {plain((When(until),))}", own=True)
        plan_redraw(tx, moved)
    return line("The next reminder comes at ", When(until), ". Until then the account stays at risk.")


def cannot(tx: Transaction, incident: Incident, by: By, people: Sequence[Person], why: str) -> Line:
    """Somebody cannot do their part, and says why; the requester hears of it."""
    if not people:
        return line("Nothing is asked of you at Mailgun in a running incident.")
    for person in people:
        _record(tx, incident, by, Action.CANNOT, f"{person.called}: {why}", own=True)
        tx.tasks.add([notice(incident, person, CANNOT, text=why, key=by.at.isoformat())])
    return line("Thank you for saying so. ", Who(incident.requester_id), " is told now, and nobody else.")


# --- What is said of them -------------------------------------------------------------------------------


def confirm(tx: Transaction, incident: Incident, by: By, pair: Pair, *, two_person: bool) -> Line:
    """An approver vouches for somebody whom Mailgun cannot show, or whom the bot cannot reach. Both are named."""
    obligation, person = pair
    if two_person and person.slack_id == by.user_id:
        return line("Two people are needed here: please ask another approver to confirm your own part.")
    by_hand = is_by_hand(tx.steps.get(obligation.step_id))
    if obligation.is_open and not may_be_confirmed(obligation, person, by_hand=by_hand):
        if obligation.status is ObligationStatus.QUESTIONED:
            asked = "was asked whether the change at Mailgun was theirs: it counts once they say so."
            return line(f"{person.called} {asked}")
        return line(
            f"Mailgun shows this for {person.called}: it counts once Mailgun does. If that cannot be, an approver may "
            "stop the reminders, with a reason."
        )
    if not obligation.is_open or by.is_late(obligation.version):
        return line(f"{person.called}: that is settled already, or was changed meanwhile ({obligation.status}).")
    settled = tx.people.settle(obligation, ObligationStatus.VOUCHED, settled_at=by.at, settled_by=by.user_id)
    if not settled:
        return line(f"{person.called}: somebody else has just settled that.")
    said = ", as they said themselves" if obligation.said_at else ""
    subject = f"{step_of(STEPS, obligation).title}: {person.called}{said}"
    _record(tx, incident, by, Action.VOUCHED, subject, whom=person.slack_id or "")
    _reschedule(tx, tx.people.get(person.id), by.at)
    return line(f"Confirmed for {person.called}, with your name.")


def _outdated(by: By, person: Person) -> Line | None:
    """What to say where the person is not as they were when the button was drawn; None where they are."""
    if not by.is_late(person.version):
        return None
    said = (" ", Who(person.standing_by), " said so.") if person.standing_by else ()
    return line(f"{person.called}: that was settled meanwhile ({person.standing}).", *said, " Nothing was changed.")


def _stand(tx: Transaction, incident: Incident, by: By, person: Person, action: Action, moved: Person) -> None:
    """Write down what was said of where a person stands: `moved` is them, as far as that says."""
    if person.message_ts is not None:
        # It is not this person's own any more, or nobody looks after it.
        tx.tasks.add([retract_task(person)])
    moved = replace(moved, standing_by=by.user_id, version=person.version + 1, channel_id=None, message_ts=None)
    reschedule(tx, moved, by.at)
    _record(tx, incident, by, action, person.called, whom=moved.slack_id or "")
    settle_strangers(tx, incident.id, [moved], by.at)
    tx.tasks.add([strays_task(incident)])


def identify(tx: Transaction, incident: Incident, by: By, person: Person, member: Member) -> Line:
    """Who a Mailgun user is in Slack: from here on the bot writes to them."""
    if (outdated := _outdated(by, person)) is not None:
        return outdated
    if person.slack_id == member.id:
        return line(f"{person.called} is ", Who(member.id), " already. Nothing was changed.")
    for obligation in tx.people.obligations_of(person.id):
        forget_what_another_did(tx, incident, obligation)
    named = replace(person, standing=Standing.NAMED, slack_id=member.id, slack_tz=member.tz)
    anew = replace(named, reached_at=None, reminders=0, quiet_until=None, put_off=0, urged_by=None)
    _stand(tx, incident, by, person, Action.IDENTIFIED, anew)
    same = [p.called for p in tx.people.of(incident.id) if p.slack_id == member.id and p.id != person.id]
    too = f" They have another Mailgun user too: {', '.join(same)}." if same else ""
    return line(f"{person.called} is ", Who(member.id), f". The bot writes to them now.{too}")


def forget_what_another_did(tx: Transaction, incident: Incident, obligation: Obligation) -> None:
    """Somebody else was taken for this person: what they said and did in the incident is not the person's own."""
    unsaid = replace(obligation, told_at=None, said_at=None)
    in_doubt = obligation.evidence is None or obligation.evidence >= incident.since
    if obligation.status is ObligationStatus.DONE and in_doubt:
        unsaid = replace(unsaid, status=ObligationStatus.OPEN, version=obligation.version + 1, settled_at=None)
        unsaid = replace(unsaid, settled_by=None, evidence=None)
        tx.steps.move(tx.steps.get(obligation.step_id), [StepStatus.DONE], StepStatus.RUNNING)
    tx.people.save_obligations([unsaid])


def by_hand(tx: Transaction, incident: Incident, by: By, person: Person) -> Line:
    """Somebody tells a person instead of the bot; from here on what Mailgun shows of them counts."""
    if (outdated := _outdated(by, person)) is not None:
        return outdated
    reached = person.reached_at or by.at
    told = replace(person, standing=Standing.BY_HAND, slack_id=None, reached_at=reached)
    _stand(tx, incident, by, person, Action.BY_HAND, told)
    return line(
        f"Thank you: you tell {person.called}. Mailgun shows when it is done; what it cannot, an approver confirms."
    )


def has_left(tx: Transaction, incident: Incident, by: By, person: Person) -> Line:
    """A user has left the company: they are to be removed at Mailgun, and the bot sees when that is done."""
    if (outdated := _outdated(by, person)) is not None:
        return outdated
    _stand(tx, incident, by, person, Action.LEAVING, replace(person, standing=Standing.LEAVING, slack_id=None))
    if by.user_id != incident.requester_id:
        tx.tasks.add([notice(incident, person, LEAVING, text=by.user_id)])
    return line(
        f"Please remove {person.called} at Mailgun now: until then whoever has that password has access. The bot looks "
        "there, and drops them once they are gone.",
    )


def stop(tx: Transaction, incident: Incident, by: By, person: Person, reason: str) -> Line:
    """Nobody reminds this person any longer, for a reason that is recorded. What Mailgun shows later still counts."""
    left = [obligation for obligation in tx.people.obligations_of(person.id) if obligation.is_open]
    if not left:
        return line(f"{person.called} has nothing left to do. Nothing was changed.")
    for obligation in left:
        tx.people.settle(obligation, ObligationStatus.EXCUSED, settled_at=by.at, settled_by=by.user_id, reason=reason)
    _record(tx, incident, by, Action.EXCUSED, f"{person.called}: {reason}", whom=person.slack_id or "")
    _reschedule(tx, tx.people.get(person.id), by.at)
    return line(f"{person.called} is not reminded any longer; your name and the reason are recorded.")


def remind_now(tx: Transaction, incident: Incident, by: By, person: Person) -> Line:
    """Remind somebody at once, whatever the hour; Mailgun is asked before."""
    waits = [one for one in tx.people.obligations_of(person.id) if one.is_open]
    if not waits or person.slack_id is None or person.message_ts is None:
        return line(f"{person.called} cannot be reminded: nothing is left for them, or the bot cannot write to them.")
    if person.urged_by is not None:
        return line(f"{person.called} is reminded in a moment: ", Who(person.urged_by), " has asked for that.")
    # Where they said that it is done, somebody has found that it is not.
    tx.people.save_obligations([replace(one, said_at=None) for one in waits])
    tx.people.save([replace(person, next_message_at=by.at, urged_by=by.user_id)])
    plan_redraw(tx, person)
    _record(tx, incident, by, Action.URGED, person.called, whom=person.slack_id)
    return line(f"{person.called} is reminded as soon as Mailgun says that it is not done yet.")
