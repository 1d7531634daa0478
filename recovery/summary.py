"""Once a day, after several reminders: the requester hears who is left, and decides about each."""

from collections.abc import Sequence
from datetime import datetime

from recovery.actions import Ask
from recovery.audit import Action, Actor, AuditFacts
from recovery.checklist import items_left
from recovery.content import Button, Card, Marker, MarkerKind, Row
from recovery.errors import Refused
from recovery.jobs import Job, TaskKind
from recovery.people import about_person, awaited, by_person, lane_of
from recovery.posting import begun_before, post_once, requester_place
from recovery.reminders import first_allowed, next_morning
from recovery.state import Incident, NewTask, Obligation, Person
from recovery.step import Step
from recovery.strays import A_PAGE, WHY, rest_elsewhere, unsettled
from recovery.text import Bold, Code, Line, Who, count, line
from recovery.weighing import find_task

SUMMARY = "people.summary"


def summary_task(incident: Incident) -> NewTask:
    """Posts the summary of the day that is due."""
    due = incident.next_summary_at
    key = f"{SUMMARY}:{incident.id}:{due.isoformat() if due else ''}"
    return NewTask(SUMMARY, key, incident.id, lane=lane_of(incident.requester_id), priority=4)


def in_order_of_harm(people: Sequence[Person]) -> list[Person]:
    """The account's owner first, who can do the most harm; then whoever was reminded most."""
    return sorted(people, key=lambda person: (not person.is_master, -person.reminders, person.called))


def summary_card(
    steps: Sequence[Step], people: Sequence[Person], obligations: Sequence[Obligation], total: int
) -> Card:
    """Who is left of so many."""
    theirs = by_person(obligations)
    shown = in_order_of_harm(people)[:A_PAGE]
    rows = tuple(_row(steps, person, theirs[person.id]) for person in shown)
    title = f"Still left: {len(people):,} of {count(total, 'person', 'people')}"
    return Card(
        notification=title,
        title=title,
        lines=(
            line(
                "What they were asked for is not done yet, or not confirmed. This list comes once a day; ",
                Code("/mailgun-compromised people"),
                " shows everybody.",
            ),
            *rest_elsewhere(len(people) - len(shown)),
        ),
        rows=rows,
    )


def _row(steps: Sequence[Step], person: Person, obligations: Sequence[Obligation]) -> Row:
    who: Line = (Who(person.slack_id), " ") if person.slack_id else (Bold(person.name or person.called), " ")
    owner = "the account's owner, " if person.is_master else ""
    why = WHY.get(person.standing)
    reached = f"; {why}" if why else f"; {count(person.reminders, 'reminder')}"
    said = "" if awaited(obligations) else "; says that it is done, to be confirmed"
    text = line(*who, "(", Code(person.called), f"): {owner}{items_left(steps, obligations)}{reached}{said}")
    return Row(text, follow_up_controls(person))


def follow_up_controls(person: Person) -> tuple[Button, ...]:
    """What the requester can do about somebody who has something left."""
    about = about_person(person)
    stop = Button(Ask.STOP, "Stop reminding, with a reason", about)
    return (Button(Ask.REMIND_NOW, "Remind now", about), stop) if person.slack_id and person.message_ts else (stop,)


def is_late(person: Person, obligations: Sequence[Obligation], after: int) -> bool:
    """Whether this person was reminded so often, or cannot be reminded at all."""
    return person.reminders >= after or person.slack_id is None or not awaited(obligations)


def post_summary(job: Job, steps: Sequence[Step]) -> None:
    """Post the day's summary to the requester in their own hours, and say when the next is due."""
    tools = job.tools
    with tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        people, obligations = tx.people.of(incident.id), tx.people.obligations(incident.id)
    job.hold()
    member = tools.directory.member(incident.requester_id)
    tz, now = member.tz if member else None, tools.clock.now()
    left = unsettled(people, obligations)
    theirs, after = by_person(obligations), tools.policy.escalate_after
    is_news = any(is_late(person, theirs[person.id], after) for person in left)
    allowed = first_allowed(now, tz, tools.policy.reminders)
    if not begun_before(job) and (not is_news or allowed > now):
        soon = now + tools.policy.reminders.every
        _next(job, incident, allowed if is_news else soon if left else None, None)
        return
    if left:
        card = summary_card(steps, left, obligations, sum(person.left_at is None for person in people))
        marker = Marker(MarkerKind.SUMMARY, f"{tools.store.identity()}:{job.task.id}")
        try:
            post_once(job, requester_place(job, incident), card, marker)
        except Refused as error:
            left_unsaid = AuditFacts(Actor.BOT, Action.NOT_REACHED, f"the requester: {error}", private=True)
            _next(job, incident, next_morning(now, tz, tools.policy.reminders), left_unsaid)
            return
    told = AuditFacts(Actor.BOT, Action.REQUESTER_TOLD, "", count(len(left), "person", "people"))
    again = next_morning(now, tz, tools.policy.reminders)
    _next(job, incident, again if left else None, told if left else None)


def _next(job: Job, incident: Incident, at: datetime | None, told: AuditFacts | None) -> None:
    with job.record() as tx:
        tx.incidents.mark_drawn(incident.id, next_summary_at=at)
        if told is not None:
            # Some may have come to Slack, or back to it, since the bot has looked for them.
            tx.tasks.add([find_task(incident, again=True)])
            tx.audit.append(incident.id, job.tools.clock.now(), told)
        job.done(tx, job.task)


def summary_kind(steps: Sequence[Step]) -> TaskKind:
    """The kind of this file, bound to the steps."""
    return TaskKind(
        SUMMARY, lambda job: post_summary(job, steps), "telling the requester who is left", most_attempts=None
    )
