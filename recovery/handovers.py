"""Handovers: new secrets in one direct message, at most once.

The order is the guarantee (rules 3 and 4): plan the handover, make the secrets in memory, set them at
Mailgun, check the recipient, write down that the send begins, send, write down that it ended. Whatever is
not certain to have arrived is dead: its subjects get new secrets in a new message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from recovery.access import Access
from recovery.actions import Ask
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import (
    Button,
    Card,
    Marker,
    MarkerKind,
    Place,
    SecretGroup,
    SecretItem,
    SecretsMessage,
    Style,
)
from recovery.errors import Later, Refused, Uncertain
from recovery.jobs import Job, Stopping, TaskKind
from recovery.ports import Store, Transaction
from recovery.posting import LOOKS, post_once
from recovery.secret import PASSWORD_LENGTH, Secret
from recovery.state import Handover, HandoverStatus, Incident, NewTask, Task
from recovery.text import Bold, Code, Line, When, Who, count, line

MOST_CHARACTERS = 9_000
MOST_DOUBTFUL_SENDS = 3
REMINDERS = 2
LONGEST_WAIT = 300.0

S = HandoverStatus


@dataclass(frozen=True)
class Packet:
    """One secret on its way: the task that made it, the group it is shown in, and its label."""

    task: Task
    heading: str
    label: str
    secret: Secret


class TooManyDoubts(Refused):
    """Three sends of the same secrets ended uncertain."""


def greet_recipient(job: Job, incident: Incident) -> Incident:
    """Open the requester's direct message and post a first line there, before anything is changed at Mailgun.

    Does nothing when that was done before for this requester. Raises what Slack answers: then nothing at
    Mailgun may be changed. The job must have one task.
    """
    tools = job.tools
    if incident.direct_channel_id is not None:
        return incident
    refusal = Access(tools.directory, tools.policy).recipient_refusal(incident.requester_id)
    if refusal:
        raise Refused(refusal)
    job.hold()
    channel = tools.messenger.open_direct(incident.requester_id)
    marker = Marker(
        MarkerKind.GREETING, f"{tools.store.identity()}:{incident.id}:{incident.requester_id}:{job.task.id}"
    )
    post_once(job, Place(channel), greeting(incident), marker)
    with job.record() as tx:
        tx.incidents.set(incident.id, direct_channel_id=channel)
        return tx.incidents.get(incident.id)


def greeting(incident: Incident) -> Card:
    """The first line in the requester's direct message."""
    return Card(
        notification="New Mailgun passwords and keys will arrive here.",
        lines=(
            line(
                "You will receive the new Mailgun passwords and keys of incident ", str(incident.id), " here."
            ),
            line(
                "Each is sent once. Save it in your password manager, then press ",
                Bold("Saved, wipe it"),
                ".",
            ),
        ),
    )


def handover_size(job: Job, items: Sequence[tuple[str, str]]) -> int:
    """How many characters a handover of these (heading, label) takes, with secrets of the usual length."""
    dummy = Secret("x" * PASSWORD_LENGTH * 2)
    return job.tools.messenger.measure(
        secrets_message(999, "secret", [(h, lb, dummy) for h, lb in items], (1,))
    )


def fitting(job: Job, items: Sequence[tuple[str, str]]) -> int:
    """How many of these (heading, label), from the first, fit into one message; at least one."""
    low, high = 1, len(items)
    while low < high:
        middle = (low + high + 1) // 2
        if handover_size(job, items[:middle]) <= MOST_CHARACTERS:
            low = middle
        else:
            high = middle - 1
    return low


def plan_handover(job: Job, incident: Incident, tasks: Sequence[Task], what: str) -> Handover:
    """Write down that these tasks' secrets will go out together.

    Earlier handovers of the same tasks whose send never ended become doubtful: they are looked for and wiped.
    Raises `TooManyDoubts` after three such sends.
    """
    now = job.tools.clock.now()
    with job.record() as tx:
        earlier = [
            tx.handovers.get(number) for number in sorted({t.handover_id for t in tasks if t.handover_id})
        ]
        for handover in earlier:
            if handover.status is S.SENDING:
                doubt(tx, job, handover)
            elif handover.status is S.PLANNED:
                tx.handovers.move(handover, [S.PLANNED], S.ABANDONED, ended_at=now)
        doubtful = [h for h in earlier if h.status in (S.SENDING, S.DOUBTFUL)]
        attempt = 1 + max((h.attempt for h in doubtful), default=0)
        if attempt <= MOST_DOUBTFUL_SENDS:
            planned = tx.handovers.add(
                Handover(
                    id=0,
                    incident_id=incident.id,
                    step_id=tasks[0].step_id or 0,
                    number=0,
                    recipient_id=incident.requester_id,
                    channel_id=incident.direct_channel_id or "",
                    status=S.PLANNED,
                    what=what,
                    subjects=tuple(task.subject for task in tasks),
                    attempt=attempt,
                    replaces=tuple(h.id for h in doubtful),
                    planned_at=now,
                )
            )
            tx.tasks.attach(tasks, planned.id)
            ids = {task.id for task in tasks}
            job.tasks = [replace(t, handover_id=planned.id) if t.id in ids else t for t in job.tasks]
            return planned
        # A retry by a person starts counting anew.
        tx.tasks.attach(tasks, None)
    raise TooManyDoubts(
        f"three messages to the requester ended without a clear answer from Slack; "
        f"{count(len(tasks), 'login or key', 'logins or keys')} must be set again. Press Retry once Slack works."
    )


def doubt(tx: Transaction, job: Job, handover: Handover) -> None:
    """A send whose end is not known: its secrets are dead, and its message is wiped if it turns up."""
    now = job.tools.clock.now()
    if tx.handovers.move(handover, [S.SENDING], S.DOUBTFUL, ended_at=now):
        facts = AuditFacts(Actor.BOT, Action.HANDOVER_DOUBTFUL, handover_name(handover))
        tx.audit.append(handover.incident_id, now, facts)
        tx.tasks.add([NewTask(WIPE_DOUBTFUL.name, f"wipe:{handover.id}", handover.incident_id, priority=4,
                              payload={"handover": handover.id})])  # fmt: skip


def handover_name(handover: Handover) -> str:
    """How the trail and the messages call it."""
    return f"handover {handover.number} ({count(len(handover.subjects), handover.what)})"


def hand_over(
    job: Job,
    handover: Handover,
    packets: Sequence[Packet],
    on_sent: Callable[[Transaction, Handover], None],
) -> None:
    """Send the secrets in one direct message and record it; `on_sent` adds what else became true with it.

    Returns once Slack has the message and the database knows. Raises `Refused` when it was certainly not
    sent, `Uncertain` when that is not known (the secrets are dead then), and `Stopping` or `LeaseLost`.
    """
    tools = job.tools
    refusal = Access(tools.directory, tools.policy).recipient_refusal(handover.recipient_id)
    if refusal:
        _abandon(job, handover)
        raise Refused(refusal)
    with job.record() as tx:
        # Only what was really set is in the message, and counts as carried by it.
        subjects = tuple(packet.task.subject for packet in packets)
        tx.handovers.set(handover.id, subjects=subjects)
        tx.handovers.move(handover, [S.PLANNED], S.SENDING)
        replaced = [tx.handovers.get(number).number for number in handover.replaces]
    handover = replace(handover, subjects=subjects, status=S.SENDING)
    items = [(packet.heading, packet.label, packet.secret) for packet in packets]
    message = secrets_message(handover.number, handover.what, items, replaced)
    ts = _send(job, handover, message)
    now = tools.clock.now()
    with job.record() as tx:
        tx.handovers.move(
            handover,
            [S.SENDING],
            S.SENT,
            message_ts=ts,
            sent_at=now,
            expires_at=now + tools.policy.handover_ttl,
            next_reminder_at=now + tools.policy.handover_ttl / (REMINDERS + 1),
        )
        result = f"to {handover.recipient_id}"
        facts = AuditFacts(Actor.BOT, Action.HANDED_OVER, handover_name(handover), result)
        tx.audit.append(handover.incident_id, now, facts)
        tx.tasks.add([
            NewTask(CONTROLS.name, f"controls:{handover.id}", handover.incident_id,
                    lane=f"channel:{handover.channel_id}", priority=3, payload={"handover": handover.id})
        ])  # fmt: skip
        on_sent(tx, tx.handovers.get(handover.id))


def _send(job: Job, handover: Handover, message: SecretsMessage) -> str:
    """One send; a refusal that asks to wait is waited for in memory, for the secrets exist nowhere else."""
    waited = 0.0
    while True:
        job.hold()
        try:
            return job.tools.messenger.post(
                Place(handover.channel_id), message, marker_of(job.tools.store, handover)
            )
        except Later as error:
            waited += error.seconds
            if waited > LONGEST_WAIT:
                _abandon(job, handover)
                raise Refused(f"Slack kept asking to wait: {error}") from error
            try:
                job.wait(error.seconds)
            except Stopping:
                _abandon(job, handover)
                raise
        except Refused:
            _abandon(job, handover)
            raise
        except Uncertain:
            with job.record() as tx:
                doubt(tx, job, handover)
            raise


def _abandon(job: Job, handover: Handover) -> None:
    with job.record() as tx:
        tx.handovers.move(handover, [S.PLANNED, S.SENDING], S.ABANDONED, ended_at=job.tools.clock.now())


def marker_of(store: Store, handover: Handover) -> Marker:
    """The metadata that a handover's message is found again by."""
    key = f"{store.identity()}:{handover.id}"
    return Marker(MarkerKind.HANDOVER, key, {"number": handover.number})


def secrets_message(
    number: int, what: str, items: Sequence[tuple[str, str, Secret]], replaced: Sequence[int]
) -> SecretsMessage:
    """The handover as it is sent: grouped by heading, in the order given."""
    groups: dict[str, list[SecretItem]] = {}
    for heading, label, secret in items:
        groups.setdefault(heading, []).append(SecretItem(label, secret))
    lines: list[Line] = [
        line("Save these now: they are sent only this once, and the bot has forgotten them already.")
    ]
    if replaced:
        names = ", ".join(str(earlier) for earlier in replaced)
        lines.append(
            line(f"They replace handover {names}, which may not have arrived. What that one said is void.")
        )
    return SecretsMessage(
        notification=f"Handover {number}: {count(len(items), f'new {what}')}. Open Slack to save them.",
        title=f"Handover {number}: {count(len(items), f'new {what}')}",
        lines=tuple(lines),
        groups=tuple(SecretGroup(heading, tuple(entries)) for heading, entries in groups.items()),
    )


# --- The message beside it ----------------------------------------------------------------------------


def controls_card(handover: Handover) -> Card:
    """The message with the button, and later what became of the handover."""
    name = f"Handover {handover.number}"
    many = count(len(handover.subjects), handover.what)
    about = {"handover": str(handover.id)}
    match handover.status:
        case S.SENT:
            expires = handover.expires_at
            until: Line = line(" It is wiped at ", When(expires), " at the latest.") if expires else ()
            return Card(
                notification=f"{name}: press Saved once you have saved it.",
                lines=((f"{name}, above, carries {many}. Saved it?", *until),),
                buttons=(Button(Ask.SAVED, "Saved, wipe it", about, Style.PRIMARY),),
            )
        case S.EXPIRED:
            return Card(
                notification=f"{name} was wiped before anybody saved it.",
                title=f"{name}: not saved",
                lines=(
                    line(f"{name} was wiped before anybody said that it was saved. These were not saved:"),
                    *(line("• ", Code(subject)) for subject in handover.subjects),
                    line("If you have no copy, issue them anew: the present ones stop working then."),
                ),
                buttons=(Button(Ask.REISSUE, "Issue anew", about, Style.PRIMARY),),
            )
        case _:
            return Card(
                notification=f"{name} is done.",
                lines=((f"{name} ({many}) was saved", *_by(handover), " and its message wiped."),),
            )


def _by(handover: Handover) -> Line:
    return line(" by ", Who(handover.ended_by)) if handover.ended_by else ()


def stub_card(handover: Handover) -> Card:
    """What stays of a handover's message once it is wiped."""
    many = count(len(handover.subjects), handover.what)
    sent: Line = line(" at ", When(handover.sent_at)) if handover.sent_at else ()
    match handover.status:
        case S.SAVED:
            end = line("They were saved", *_by(handover), ", and wiped here.")
        case S.EXPIRED:
            end = line("Nobody said in time that they were saved, so they were wiped here.")
        case _:
            end = line("It was not certain that this message arrived, so they were made void and wiped here.")
    return Card(
        notification=f"Handover {handover.number} was wiped.",
        lines=((f"Handover {handover.number} carried {many}, sent", *sent, "."), end),
    )


# --- Its tasks ----------------------------------------------------------------------------------------


def _handover_of(job: Job) -> Handover:
    with job.tools.store.read() as tx:
        return tx.handovers.get(int(str(job.task.payload["handover"])))


def _post_controls(job: Job) -> None:
    handover = _handover_of(job)
    marker = Marker(MarkerKind.HANDOVER_CONTROLS, f"{job.tools.store.identity()}:{handover.id}")
    ts = post_once(job, Place(handover.channel_id), controls_card(handover), marker)
    with job.record() as tx:
        tx.handovers.set(handover.id, controls_ts=ts)
        job.done(tx, job.task)
        # Pressed while it was being posted, or expired meanwhile: draw it as it stands now.
        now_handover = tx.handovers.get(handover.id)
        if now_handover.status is not handover.status:
            plan_wipe(tx, now_handover)


def plan_wipe(tx: Transaction, handover: Handover) -> None:
    """Plan that the handover's message becomes a stub and the message beside it says what happened."""
    tx.tasks.add([NewTask(WIPE.name, f"wipe:{handover.id}:{handover.status}", handover.incident_id,
                          priority=2, payload={"handover": handover.id})])  # fmt: skip


def _wipe(job: Job) -> None:
    handover = _handover_of(job)
    tools = job.tools
    if handover.message_ts and handover.wiped_at is None:
        job.hold()
        _redraw(
            job,
            handover.channel_id,
            handover.message_ts,
            stub_card(handover),
            marker_of(tools.store, handover),
        )
        now = tools.clock.now()
        with job.record() as tx:
            tx.handovers.set(handover.id, wiped_at=now)
            tx.audit.append(
                handover.incident_id,
                now,
                AuditFacts(Actor.BOT, Action.HANDOVER_WIPED, handover_name(handover)),
            )
    if handover.controls_ts:
        job.hold()
        marker = Marker(MarkerKind.HANDOVER_CONTROLS, f"{tools.store.identity()}:{handover.id}")
        _redraw(job, handover.channel_id, handover.controls_ts, controls_card(handover), marker)


def _redraw(job: Job, channel_id: str, ts: str, card: Card, marker: Marker) -> None:
    try:
        job.tools.messenger.redraw(channel_id, ts, card, marker)
    except Refused as error:
        if error.code != "message_not_found":
            raise
        # Somebody deleted the message: there is nothing left to wipe.


def _wipe_doubtful(job: Job) -> None:
    """Look for a doubtful handover's message, twice, and wipe each copy that turns up."""
    handover = _handover_of(job)
    tools = job.tools
    job.hold()
    marker = marker_of(tools.store, handover)
    since = handover.planned_at or tools.clock.now()
    found = tools.messenger.find(Place(handover.channel_id), marker, since)
    for ts in found:
        job.hold()
        _redraw(job, handover.channel_id, ts, stub_card(handover), marker)
    looked = int(str(job.task.payload.get("looked", 0))) + 1
    if found:
        now = tools.clock.now()
        with job.record() as tx:
            tx.handovers.set(handover.id, wiped_at=now, message_ts=found[0])
            tx.audit.append(
                handover.incident_id,
                now,
                AuditFacts(Actor.BOT, Action.HANDOVER_WIPED, handover_name(handover)),
            )
    elif looked < LOOKS:
        job.note(looked=looked)
        raise Later("looking once more for a doubtful handover", seconds=tools.policy.settle.total_seconds())


def _remind(job: Job) -> None:
    handover = _handover_of(job)
    if handover.status is not S.SENT:
        return
    number = int(str(job.task.payload["number"]))
    expires = handover.expires_at or job.tools.clock.now()
    card = Card(
        notification=f"Handover {handover.number} is not saved yet.",
        lines=(
            line(
                f"Handover {handover.number} ({count(len(handover.subjects), handover.what)}) is not marked as saved. "
                "Please save it, then press ", Bold("Saved, wipe it"), ". It is wiped at ", When(expires), ".",
            ),
        ),
        buttons=(Button(Ask.SAVED, "Saved, wipe it", {"handover": str(handover.id)}, Style.PRIMARY),),
    )  # fmt: skip
    marker = Marker(MarkerKind.REMINDER, f"{job.tools.store.identity()}:handover:{handover.id}:{number}")
    post_once(job, Place(handover.channel_id), card, marker)
    with job.record() as tx:
        job.done(tx, job.task)
        now = job.tools.clock.now()
        facts = AuditFacts(Actor.BOT, Action.HANDOVER_REMINDED, handover_name(handover), f"reminder {number}")
        tx.audit.append(handover.incident_id, now, facts)


CONTROLS = TaskKind("handover.controls", _post_controls, most_attempts=None)
WIPE = TaskKind("handover.wipe", _wipe, most_attempts=None)
WIPE_DOUBTFUL = TaskKind("handover.wipe_doubtful", _wipe_doubtful, most_attempts=None)
REMIND = TaskKind("handover.remind", _remind, most_attempts=None)
HANDOVER_KINDS = (CONTROLS, WIPE, WIPE_DOUBTFUL, REMIND)
