"""What the requester hears in their direct message beside secrets: what somebody said that they should act on."""

from collections.abc import Sequence

from recovery import troubles
from recovery.actions import Ask
from recovery.content import Button, Card, Marker, MarkerKind
from recovery.errors import Refused
from recovery.jobs import Job, TaskKind
from recovery.people import about_person, lane_of
from recovery.posting import post_once, requester_place
from recovery.state import STRAYS, Incident, Json, NewTask, Person
from recovery.store import Transaction
from recovery.strays import USERS_PAGE, stray_row, strays_task
from recovery.text import Code, Line, Who, line

NOTICE = "requester.notice"

LOOK_FOR_YOURSELF = "Approvers find it in the exported trail and with /mailgun-compromised people."

DISOWNED, CANNOT, LEAVING, STRAY = "disowned", "cannot", "leaving", "stray"
"""What a notice is about."""


def notice(incident: Incident, person: Person, about: str, **words: Json) -> NewTask:
    """Tell the requester what a person said; `about` is the action of the trail that it follows from."""
    payload: dict[str, Json] = {"person": person.id, "about": about, **words}
    key = f"{NOTICE}:{person.id}:{about}:{words.get('key', '')}"
    return NewTask(NOTICE, key, incident.id, lane=lane_of(incident.requester_id), priority=2, payload=payload)


def plan_strays(tx: Transaction, incident: Incident, people: Sequence[Person]) -> None:
    """These cannot be reached: the requester gets the list, or hears of each where they have it already, for an edited
    message notifies nobody."""
    tx.tasks.add([strays_task(incident)])
    if incident.strays_ts is not None:
        tx.tasks.add([notice(incident, person, STRAY, key=person.version) for person in people])


def post_notice(job: Job) -> None:
    """Post it. If the requester cannot be written to, approvers still have the list and the export."""
    payload, tools = job.task.payload, job.tools
    with tools.store.read() as tx:
        person = tx.people.get(int(str(payload["person"])))
        incident = tx.incidents.get(person.incident_id)
    if payload["about"] == STRAY and person.standing not in STRAYS:
        # Somebody has said meanwhile who they are.
        return
    marker = Marker(MarkerKind.NOTICE, f"{tools.store.identity()}:{job.task.id}")
    try:
        card = notice_card(person, str(payload["about"]), str(payload.get("text", "")), str(payload.get("advice", "")))
        post_once(job, requester_place(job, incident), card, marker)
    except Refused as error:
        with job.record() as tx:
            says = f"What a user of the account said did not reach who leads the recovery: {error} {LOOK_FOR_YOURSELF}"
            troubles.show(tx, incident.id, NOTICE, says)
            job.done(tx, job.task)


def notice_card(person: Person, about: str, text: str, advice: str = "") -> Card:
    """What it says, and what can be done about it."""
    who: Line = (Who(person.slack_id),) if person.slack_id else (person.name or person.called,)
    if about == DISOWNED:
        return Card(
            notification="Somebody says that a change at Mailgun was not theirs.",
            title="A change that was not theirs",
            lines=(
                line(*who, " (", Code(person.called), f") says that this change at Mailgun was not theirs: {text}."),
                line("It counts as not done. ", advice),
                line("Users are disabled at ", USERS_PAGE, "."),
            ),
        )
    if about == STRAY:
        row = stray_row(person)
        title = "One more whom the bot cannot reach"
        return Card(notification=title, title=title, rows=(row,))
    if about == LEAVING:
        return Card(
            notification="A user of the Mailgun account has left.",
            title="Somebody has left",
            lines=(
                line(Who(text), " says that ", *who, " (", Code(person.called), ") has left the company."),
                line(
                    "Please remove them at ",
                    USERS_PAGE,
                    ". The bot looks there, and drops them once they are gone.",
                ),
            ),
        )
    return Card(
        notification="Somebody says that they cannot do their part.",
        title="Somebody cannot do their part",
        lines=(
            line(*who, " (", Code(person.called), f") says: {text}"),
            line("Reminders go on until they have done it, or you stop them with a reason."),
        ),
        buttons=(Button(Ask.STOP, "Stop reminding, with a reason", about_person(person)),),
    )


NOTICE_KIND = TaskKind(NOTICE, post_notice, "telling the requester", most_attempts=20)
