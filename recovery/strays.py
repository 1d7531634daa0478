"""Those whom the bot cannot write to: the requester is asked, in one message, who each of them is."""

from collections.abc import Sequence

from recovery.actions import Ask
from recovery.content import Button, Card, Control, Marker, MarkerKind, Menu, Row
from recovery.errors import Refused
from recovery.jobs import Job, TaskKind
from recovery.people import about_person, by_person, lane_of
from recovery.posting import begun_before, post_once, redraw_unless_gone, requester_place
from recovery.state import STRAYS, Incident, NewTask, Obligation, Person, Standing
from recovery.text import Bold, Code, Line, Link, count, line

STRAYS_LIST = "people.strays"

A_PAGE = 18
"""As many people as fit into one message with their buttons."""

USERS_PAGE = Link("https://app.mailgun.com/settings/users", "Mailgun's list of users")
"""Where users are removed and disabled at Mailgun."""

WHY = {
    Standing.NOT_FOUND: "nobody in Slack has this address",
    Standing.NO_EMAIL: "Mailgun has no address for this user",
    Standing.DEACTIVATED: "their Slack user is deactivated",
    Standing.BOT: "the Slack user with this address is a bot",
    Standing.CLOSED: "Slack does not deliver the bot's direct messages to them",
}


def strays_task(incident: Incident) -> NewTask:
    """Posts or redraws the list; there is never more than one unfinished."""
    key = f"{STRAYS_LIST}:{incident.id}"
    return NewTask(STRAYS_LIST, key, incident.id, lane=lane_of(incident.requester_id), priority=3)


def listed_as_stray(person: Person) -> bool:
    """Whether the list speaks of this person, while they have something left."""
    return person.standing in STRAYS or person.standing in (Standing.LEAVING, Standing.BY_HAND)


def unsettled(people: Sequence[Person], obligations: Sequence[Obligation]) -> list[Person]:
    """The people who have something left, without those whom Mailgun no longer lists."""
    theirs = by_person(obligations)
    return [p for p in people if p.left_at is None and any(o.is_open for o in theirs.get(p.id, []))]


def strays_card(people: Sequence[Person]) -> Card:
    """Who they are, of these people; with what can be said of each."""
    strays = [person for person in people if person.standing in STRAYS]
    shown = strays[:A_PAGE]
    leaving = [person for person in people if person.standing is Standing.LEAVING]
    by_hand = [person for person in people if person.standing is Standing.BY_HAND]
    lines: list[Line] = []
    if strays:
        lines.append(line("They have access to the Mailgun account, and the bot cannot write to them in Slack."))
        lines.append(line("Please say who each of them is, or tell them yourself. Nobody else sees this list."))
        lines += rest_elsewhere(len(strays) - len(shown))
    if leaving:
        lines.append(line("Left the company; please remove them at ", USERS_PAGE, ":"))
        lines += [line("• ", Code(person.called)) for person in leaving]
        lines.append(line("The bot looks there, and drops each of them once they are gone."))
    if by_hand:
        told = ", ".join(person.called for person in by_hand)
        lines.append(line(f"Told by one of you: {told}. What Mailgun cannot show of them, an approver confirms."))
    if not lines:
        lines.append(line("Nobody is left here: everyone is known by now, or done."))
    title = (
        f"{count(len(strays), 'person', 'people')} the bot cannot reach" if strays else "People the bot cannot reach"
    )
    return Card(notification=title, title=title, lines=tuple(lines), rows=tuple(stray_row(p) for p in shown))


def rest_elsewhere(more: int) -> list[Line]:
    """Where so many more are listed than one message has room for."""
    if more <= 0:
        return []
    others = count(more, "more is", "more are")
    return [line(f"{others} not shown here: ", Code("/mailgun-compromised people"), " lists everybody.")]


def stray_row(person: Person) -> Row:
    """One of them."""
    owner = ", the account's owner" if person.is_master else f", {person.role}" if person.role else ""
    return Row(
        line(Bold(person.name or person.called), " (", Code(person.called), f"{owner}): {WHY[person.standing]}."),
        stray_controls(person),
    )


def stray_controls(person: Person) -> tuple[Control, ...]:
    """What can be said of one of them."""
    about = about_person(person)
    return (
        Menu(Ask.IDENTIFY, "Who is it in Slack?", about),
        Button(Ask.BY_HAND, "I tell them myself", about),
        Button(Ask.HAS_LEFT, "Has left", about),
    )


def post_strays(job: Job) -> None:
    """Post the list to the requester, or draw it anew."""
    tools = job.tools
    with tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        people = unsettled(tx.people.of(incident.id), tx.people.obligations(incident.id))
        card = strays_card(people)
        is_empty = not any(p.standing in STRAYS or p.standing is Standing.LEAVING for p in people)
    if incident.strays_ts is None and is_empty and not begun_before(job):
        return
    marker = Marker(MarkerKind.STRAYS, f"{tools.store.identity()}:{incident.id}:{incident.requester_id}")
    try:
        place = requester_place(job, incident)
        if incident.strays_ts is None:
            ts = post_once(job, place, card, marker)
        else:
            ts = incident.strays_ts
            redraw_unless_gone(job, place.channel_id, ts, card, marker)
    except Refused:
        # Approvers have the same list by `/mailgun-compromised people`.
        return
    with job.record() as tx:
        now = tx.incidents.get(incident.id)
        if now.requester_id == incident.requester_id:
            tx.incidents.mark_drawn(incident.id, strays_ts=ts)
        job.done(tx, job.task)
        after = strays_card(unsettled(tx.people.of(incident.id), tx.people.obligations(incident.id)))
        if after != card or now.requester_id != incident.requester_id:
            tx.tasks.add([strays_task(now)])


STRAYS_KIND = TaskKind(STRAYS_LIST, post_strays, "listing those who cannot be reached", most_attempts=20)
