"""What each ask about people comes to: what they say of themselves, and what is said of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from recovery import people_decisions as decisions
from recovery.access import Right, reachable
from recovery.actions import Ask
from recovery.answers import plain_card
from recovery.checking import WAITING, obligations_of
from recovery.content import Card
from recovery.hand import is_by_hand
from recovery.polling import poll_task
from recovery.reminders import WISHES
from recovery.sheet import Sheet, close, decide, decides, incident_of, refuse
from recovery.state import Incident, Obligation, ObligationStatus, Person
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.text import Line, line, plain
from recovery.whos_left import people_card

NOBODY = line("Nobody of that name is a user of the account in this incident. Nothing was changed.")
NOT_YOU = line("Nothing is asked of you at Mailgun in a running incident.")

# --- What people ask for themselves ---------------------------------------------------------------------


def theirs(sheet: Sheet, tx: Transaction) -> list[tuple[Obligation, Person]]:
    """What the sender has to do, as far as the ask is about it."""
    return obligations_of(tx, replace(sheet.request, about=sheet.about))


def themselves(sheet: Sheet, tx: Transaction) -> list[Person]:
    """The sender as the people of the incident who have something left."""
    return list({person.id: person for obligation, person in theirs(sheet, tx) if obligation.is_open}.values())


def check(sheet: Sheet) -> Card | None:
    """Somebody wants Mailgun asked about themself: one poll answers everyone who waits."""
    with sheet.job.record() as tx:
        running = tx.incidents.current()
        if running is not None:
            # A cancel or a poll that ends at this moment answers it, or this finds nothing to ask for: never neither.
            tx.incidents.get(running.id, lock=True)
        asked = theirs(sheet, tx)
        if any(obligation.is_open for obligation, _ in asked):
            tx.requests.close(sheet.request.id, WAITING)
            tx.tasks.add([poll_task(tx.incidents.get(asked[0][0].incident_id))])
            card = None
        else:
            card = plain_card(line("There is nothing left for you to do at Mailgun.") if asked else NOT_YOU)
            tx.requests.close(sheet.request.id, plain(card.lines[0]))
    sheet.job.tools.wake()
    return card


def mine(sheet: Sheet) -> Card | None:
    """Only the person themself can say."""

    def act(tx: Transaction, incident: Incident) -> Line:
        questions = [pair for pair in theirs(sheet, tx) if pair[0].status is ObligationStatus.QUESTIONED]
        if not questions:
            return line("There is no question open for you. Nothing was changed.")
        # Typed, it is the answer to all that this person was asked; a button names its own question.
        answer = sheet.about.get("answer", "")
        return [decisions.mine(tx, incident, sheet.by, pair, answer) for pair in questions][-1]

    return decide(sheet, act)


def done(sheet: Sheet) -> Card | None:
    """Only the person themself can say; an approver confirms it."""

    def act(tx: Transaction, incident: Incident) -> Line:
        kind = sheet.about.get("step")
        pairs = [pair for pair in theirs(sheet, tx) if kind in (None, pair[0].kind)]
        version = sheet.about.get("version")
        if any(version not in (None, str(one.version)) for one, _ in pairs):
            return line("That was settled meanwhile; nothing was changed.")
        return decisions.done(tx, incident, sheet.by, pairs) if pairs else NOT_YOU

    return decide(sheet, act)


def later(sheet: Sheet) -> Card | None:
    """Only the person themself can ask for it; it is for all their Mailgun users, who are reminded together."""

    def act(tx: Transaction, incident: Incident) -> Line:
        wish, people = sheet.about.get("chosen", ""), themselves(replace(sheet, about={}), tx)
        if wish not in WISHES:
            return line("That is not one of the times to choose from. Nothing was changed.")
        hours = sheet.job.tools.policy.reminders
        return decisions.later(tx, incident, sheet.by, people, wish, hours) if people else NOT_YOU

    return decide(sheet, act)


def cannot(sheet: Sheet) -> Card | None:
    """Only the person themself can say."""

    def act(tx: Transaction, incident: Incident) -> Line:
        return decisions.cannot(tx, incident, sheet.by, themselves(sheet, tx), sheet.text)

    return decide(sheet, act)


# --- What is said of them -------------------------------------------------------------------------------


def everyone(tx: Transaction, incident: Incident) -> Sequence[tuple[Obligation, Person]]:
    """Every obligation of the incident with its person."""
    people = {person.id: person for person in tx.people.of(incident.id)}
    return [(o, people[o.person_id]) for o in tx.people.obligations(incident.id)]


def called(person: Person, name: str) -> bool:
    """Whether a typed word means this person: their address, or Mailgun's id."""
    return name.lower() in (person.email.lower(), person.mailgun_id.lower()) and name != ""


def person_named(sheet: Sheet, tx: Transaction, incident: Incident) -> Person | None:
    """Whom the ask is about: by their button's number, or by the word that was typed."""
    number, name = sheet.about.get("person"), sheet.about.get("email", "")
    for person in tx.people.of(incident.id):
        if number == str(person.id) or (number is None and called(person, name)):
            return person
    return None


def confirm(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    for obligation, person in everyone(tx, incident):
        named = sheet.about.get("obligation")
        if named == str(obligation.id) or (
            named is None
            and called(person, sheet.about.get("email", ""))
            and obligation.kind == sheet.about.get("step")
        ):
            two = sheet.job.tools.policy.two_person
            return decisions.confirm(tx, incident, sheet.by, (obligation, person), two_person=two)
    return line("Nobody with that e-mail address is asked for that in this incident.")


def of_person(act: Callable[[Sheet, Transaction, Incident, Person], Line]) -> Callable[[Sheet], Card | None]:
    """A handler for what the requester or an approver says of one person."""

    def handler(sheet: Sheet) -> Card | None:
        why = may_not(sheet)
        if why:
            return refuse(sheet, why)

        def decision(tx: Transaction, incident: Incident) -> Line:
            person = person_named(sheet, tx, incident)
            return NOBODY if person is None else act(sheet, tx, incident, person)

        return decide(sheet, decision)

    return handler


def may_not(sheet: Sheet) -> str | None:
    """Why the sender may not decide about people; None for approvers, and for the requester."""
    with sheet.job.tools.store.read() as tx:
        incident, _ = incident_of(tx, sheet, ended_too=True)
    why = sheet.refusal(Right.DECIDE)
    if why and incident is not None and incident.requester_id == sheet.request.user_id:
        return sheet.refusal(Right.START)
    return why


def identify(sheet: Sheet) -> Card | None:
    """Who a Mailgun user is in Slack. Whoever is named must be there, and no bot."""
    why = may_not(sheet)
    if why:
        return refuse(sheet, why)
    sheet.job.hold()
    member = sheet.job.tools.directory.member(sheet.about.get("chosen", ""))
    if member is None or not reachable(member) or member.team_id != sheet.job.tools.directory.home_team():
        return refuse(
            sheet, "The bot can write to active people of this workspace only, not to bots or to who has left."
        )

    def decision(tx: Transaction, incident: Incident) -> Line:
        person = person_named(sheet, tx, incident)
        return NOBODY if person is None else decisions.identify(tx, incident, sheet.by, person, member)

    return decide(sheet, decision)


def by_hand(sheet: Sheet, tx: Transaction, incident: Incident, person: Person) -> Line:
    return decisions.by_hand(tx, incident, sheet.by, person)


def has_left(sheet: Sheet, tx: Transaction, incident: Incident, person: Person) -> Line:
    return decisions.has_left(tx, incident, sheet.by, person)


def stop(sheet: Sheet, tx: Transaction, incident: Incident, person: Person) -> Line:
    return decisions.stop(tx, incident, sheet.by, person, sheet.text)


def remind_now(sheet: Sheet, tx: Transaction, incident: Incident, person: Person) -> Line:
    return decisions.remind_now(tx, incident, sheet.by, person)


def people(sheet: Sheet) -> Card | None:
    """Names are for approvers."""
    why = sheet.refusal(Right.DECIDE)
    if why:
        return refuse(sheet, why)
    page = sheet.about.get("page", "")
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=True)
        if incident is None:
            card = plain_card(problem)
        else:
            everybody, obligations = tx.people.of(incident.id), tx.people.obligations(incident.id)
            only, hours = sheet.about.get("step"), sheet.job.tools.policy.reminders
            by_hand = {state.id for state in tx.steps.of(incident.id) if is_by_hand(state)}
            number = int(page) if page.isdigit() else 1
            card = people_card(STEPS, incident, everybody, obligations, hours, only, number, by_hand)
    close(sheet.job, sheet.request, card)
    return card


PEOPLE_ASKS: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.CHECK: check,
    Ask.MINE: mine,
    Ask.DONE: done,
    Ask.LATER: later,
    Ask.CANNOT: cannot,
    Ask.IDENTIFY: identify,
    Ask.BY_HAND: of_person(by_hand),
    Ask.HAS_LEFT: of_person(has_left),
    Ask.STOP: of_person(stop),
    Ask.REMIND_NOW: of_person(remind_now),
    Ask.PEOPLE: people,
    Ask.CONFIRM: decides(confirm),
}
