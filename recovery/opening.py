"""Opening an incident: who may, where its thread goes, and who will be handed the secrets."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from recovery.access import Access, Right
from recovery.answers import opened_elsewhere, plain_card, where
from recovery.audit import Action, Actor, AuditFacts
from recovery.checking import answer_waiting
from recovery.commands import parse
from recovery.content import Card
from recovery.jobs import Job
from recovery.letting_go import ask_nothing_more
from recovery.ports import ChannelFacts
from recovery.state import (
    Incident,
    IncidentStatus,
    NewTask,
    Person,
    Request,
    Standing,
    StepState,
    StepStatus,
)
from recovery.step import Step
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.text import Channel, Code, Line, line, plain
from recovery.thread import REPORT, opening_tasks
from recovery.typed import Typed

MOST_DESCRIPTION = 1_500


def open_incident(job: Job, request: Request, access: Access, about: Mapping[str, str], text: str) -> Card:
    """Open an incident for the sender; or answer why not, and tell the channel if somebody else must."""
    tools = job.tools
    reported = report_answered(job, about)
    since = suspect_since(reported, about)
    if since is not None and since > request.received_at:
        return closed(
            job,
            request,
            line("The account cannot be suspect from a moment on that is still to come. Nothing was opened."),
        )
    later = opened_since(job, reported) if reported else None
    if later:
        again = line(". Type ", Code("/mailgun-compromised"), " to open a new one.")
        return closed(job, request, (*line("An incident was opened after that report: "), *where(later), *again))
    job.hold()
    channel = tools.directory.channel(tools.policy.recovery_channel or request.channel_id)
    description = described(reported, text)[:MOST_DESCRIPTION]
    problem = unfit_channel(channel, bool(tools.policy.recovery_channel))
    if problem:
        return closed(job, request, problem)
    refusal = access.refusal(request.user_id, Right.START)
    if refusal:
        return report(job, request, channel, description, refusal)
    with job.record() as tx:
        incident = tx.incidents.add(
            Incident(
                id=0,
                status=IncidentStatus.OPEN,
                team_id=request.team_id,
                channel_id=channel.id,
                opened_by=request.user_id,
                requester_id=request.user_id,
                description=description,
                opened_at=tools.clock.now(),
                since=since or request.received_at,
                suspect_from=since or request.received_at - tools.policy.lookback,
            )
        )
        if incident is None:
            existing = tx.incidents.open_one()
            said = opened_elsewhere(existing) if existing else plain_card(line("An incident is open already."))
        else:
            begin(tx, job, incident)
            said = plain_card(
                line("The recovery begins in ", Channel(channel.id), ". Everything happens in its thread.")
            )
        tx.requests.close(request.id, plain(said.lines[0]))
    tools.wake()
    return said


def begin(tx: Transaction, job: Job, incident: Incident) -> None:
    """The incident's steps, its first audit entry and its first tasks; people of a recovered one come along."""
    now = job.tools.clock.now()
    for step in STEPS:
        tx.steps.add(incident.id, step.kind, step.number, first_status(step))
    facts = AuditFacts(incident.opened_by, Action.OPENED, "", incident.description)
    tx.audit.append(incident.id, now, facts)
    tx.tasks.add(opening_tasks(incident, first_step(tx, incident)))
    for earlier in tx.incidents.in_status(IncidentStatus.RECOVERED):
        take_over(tx, job, earlier, incident)


def first_status(step: Step) -> StepStatus:
    """Where a step stands in an incident that was just opened."""
    if step.begins_at_once:
        return StepStatus.RUNNING
    return StepStatus.LOCKED if step.opens_last else StepStatus.WAITING


def first_step(tx: Transaction, incident: Incident) -> StepState:
    """The step that begins with the incident."""
    return next(state for state in tx.steps.of(incident.id) if state.status is StepStatus.RUNNING)


def take_over(tx: Transaction, job: Job, earlier: Incident, incident: Incident) -> None:
    """A recovered incident hands its people over: the new one asks everybody itself."""
    earlier = tx.incidents.get(earlier.id, lock=True)
    if earlier.status is not IncidentStatus.RECOVERED:
        return
    now = job.tools.clock.now()
    ask_nothing_more(tx, earlier, now)
    tx.people.add([as_known(person, incident) for person in tx.people.of(earlier.id) if person.left_at is None])
    answer_waiting(tx, earlier.id)
    tx.incidents.set(earlier.id, status=IncidentStatus.CLOSED, ended_at=now, troubles={})
    facts = AuditFacts(Actor.BOT, Action.CLOSED, "", f"its people are looked after by incident {incident.id}")
    tx.audit.append(earlier.id, now, facts)


def as_known(person: Person, incident: Incident) -> Person:
    """Somebody of an earlier incident in this one: who they are in Slack is known, and what they were promised there;
    they are told anew."""
    # Who was told by hand then has to be told anew; who was not found then may be there by now.
    is_known = person.standing in (Standing.FOUND, Standing.NAMED, Standing.LEAVING)
    standing = person.standing if is_known else Standing.UNKNOWN
    return replace(
        person,
        incident_id=incident.id,
        standing=standing,
        channel_id=person.channel_id if is_known else None,
        reached_at=None,
        message_ts=None,
        reminders=0,
        next_message_at=None,
        put_off=0,
        urged_by=None,
    )


def report_answered(job: Job, about: Mapping[str, str]) -> Request | None:
    """The report whose Start button was pressed; None when it was another way in."""
    number = about.get("request", "")
    if not number.isdigit():
        return None
    with job.tools.store.read() as tx:
        return tx.requests.get(int(number))


def opened_since(job: Job, reported: Request) -> Incident | None:
    """The latest incident, if it was opened after that report: the report is answered then, and its words are old."""
    with job.tools.store.read() as tx:
        latest = tx.incidents.latest()
    return latest if latest is not None and latest.opened_at >= reported.received_at else None


def suspect_since(reported: Request | None, about: Mapping[str, str]) -> datetime | None:
    """The moment from which on the account is suspect: typed now, or in the report that is being answered."""
    if reported is not None:
        typed = parse(reported.text)
        about = typed.about if isinstance(typed, Typed) else {}
    since = about.get("since")
    return datetime.fromisoformat(since) if since else None


def described(reported: Request | None, text: str) -> str:
    """What happened, in the words of whoever reported it: typed now, or in the report that is being answered."""
    return described_in(reported.text) if reported and not text else text


def described_in(typed: str) -> str:
    """The description in a typed command, without a leading `open`, and without the moment it begins with."""
    understood = parse(typed)
    return understood.text if isinstance(understood, Typed) else typed.strip()


def unfit_channel(channel: ChannelFacts, fixed: bool) -> Line | None:
    """Why an incident cannot be held in this channel, and what to do; None when it can.

    `fixed`: it is the one that `RECOVERY_CHANNEL` names, wherever the person has typed.
    """
    fault = channel_fault(channel)
    if fault and fixed:
        return line(
            "Incidents are held in ",
            Channel(channel.id),
            f", which {fault}. Nothing was posted. The administrators of the bot must set ",
            Code("RECOVERY_CHANNEL"),
            " to a channel of their own workspace that is not shared, for example a private one, and invite the bot "
            "there. Then type ",
            Code("/mailgun-compromised"),
            " again.",
        )
    if channel.is_direct:
        return line("Please type this in a channel: the recovery needs a thread that your team can see.")
    if fault:
        return line(
            f"This channel {fault}. Please go to a channel of your own workspace that is not shared, for example a "
            "new private one, invite the bot (",
            Code("/invite"),
            " and its name) and type ",
            Code("/mailgun-compromised"),
            " there.",
        )
    if not channel.known or not channel.is_member:
        where_to = line(Channel(channel.id)) if fixed else line("this channel")
        return line(
            "The bot is not in ",
            *where_to,
            ", so it cannot post there. Type ",
            Code("/invite"),
            " and the bot's name there, then ",
            Code("/mailgun-compromised"),
            " again.",
        )
    return None


def channel_fault(channel: ChannelFacts) -> str | None:
    """What no invitation can mend, as the end of a sentence about the channel."""
    if channel.is_direct:
        return "is a direct message, where your team would not see the thread"
    if channel.is_shared_outside:
        return "is shared with another organisation, who would read everything"
    if channel.is_archived:
        return "is archived"
    return None


def closed(job: Job, request: Request, said: Line) -> Card:
    """Answer, and write it down."""
    with job.record() as tx:
        tx.requests.close(request.id, plain(said))
    return plain_card(said)


def report(job: Job, request: Request, channel: ChannelFacts, description: str, refusal: str) -> Card:
    """Somebody who may not start one reports it: they are told, and the channel gets a Start button."""
    said = line(refusal, " Those who may start a recovery have been told in ", Channel(channel.id), ".")
    with job.record() as tx:
        tx.requests.close(request.id, plain(said))
        tx.tasks.add(
            [
                NewTask(
                    REPORT,
                    f"{REPORT}:{channel.id}:{request.user_id}",
                    None,
                    lane=f"channel:{channel.id}",
                    priority=1,
                    payload={"request": request.id, "channel": channel.id, "description": description},
                )
            ]
        )
    job.tools.wake()
    return plain_card(said)
