"""What happens to a handover after it was sent: its button, reminders, and wiping it."""

from recovery.actions import Ask
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Button, Card, Marker, MarkerKind, Place, Style
from recovery.handover_messages import controls_card, handover_name, marker_of, stub_card
from recovery.jobs import Job, TaskKind
from recovery.posting import begun_before, post_once, posted_before, redraw_unless_gone
from recovery.state import Handover, HandoverStatus, NewTask
from recovery.store import Transaction
from recovery.text import Bold, When, count, line

S = HandoverStatus
REMINDERS = 2


def handover_of(job: Job) -> Handover:
    """The handover that the job is about."""
    with job.tools.store.read() as tx:
        return tx.handovers.get(int(str(job.task.payload["handover"])))


def _post_controls(job: Job) -> None:
    handover = handover_of(job)
    is_old = begun_before(job)
    marker = Marker(MarkerKind.HANDOVER_CONTROLS, f"{job.tools.store.identity()}:{handover.id}")
    ts = post_once(job, Place(handover.channel_id), controls_card(handover), marker)
    with job.record() as tx:
        tx.handovers.set(handover.id, controls_ts=ts)
        job.done(tx, job.task)
        # Pressed while it was being posted, or expired meanwhile: draw it as it stands now.
        now_handover = tx.handovers.get(handover.id)
        if is_old or now_handover.status is not handover.status:
            plan_wipe(tx, now_handover, "controls")


def controls_task(handover: Handover) -> NewTask:
    """What posts the button beside a handover once that is sent."""
    return NewTask(
        CONTROLS.name,
        f"controls:{handover.id}",
        handover.incident_id,
        lane=f"channel:{handover.channel_id}",
        priority=3,
        payload={"handover": handover.id},
    )


def plan_wipe(tx: Transaction, handover: Handover, why: str = "") -> None:
    """Plan that the handover's message becomes a stub and the message beside it says what happened.

    `why` tells this plan from another that may be under way, and too far to notice what is new.
    """
    if handover.status is S.SENT:
        return
    tx.tasks.add(
        [
            NewTask(
                WIPE.name,
                f"wipe:{handover.id}:{handover.status}:{why}",
                handover.incident_id,
                priority=2,
                payload={"handover": handover.id},
            )
        ]
    )


def record_wiped(tx: Transaction, job: Job, handover: Handover, **fields: object) -> None:
    """Its message is a stub by now, inside `record`. More than one task may come to this; the first writes it down."""
    if tx.handovers.get(handover.id).wiped_at is None:
        now = job.tools.clock.now()
        tx.handovers.set(handover.id, wiped_at=now, **fields)
        facts = AuditFacts(Actor.BOT, Action.HANDOVER_WIPED, handover_name(handover))
        tx.audit.append(handover.incident_id, now, facts)


def _wipe(job: Job) -> None:
    handover = handover_of(job)
    tools = job.tools
    if handover.message_ts and handover.wiped_at is None:
        redraw_unless_gone(
            job, handover.channel_id, handover.message_ts, stub_card(handover), marker_of(tools.store, handover)
        )
        with job.record() as tx:
            record_wiped(tx, job, handover)
    if handover.controls_ts:
        marker = Marker(MarkerKind.HANDOVER_CONTROLS, f"{tools.store.identity()}:{handover.id}")
        redraw_unless_gone(job, handover.channel_id, handover.controls_ts, controls_card(handover), marker)


def _remind(job: Job) -> None:
    handover = handover_of(job)
    if handover.status is not S.SENT and not begun_before(job):
        return
    number = int(str(job.task.payload["number"]))
    expires = handover.expires_at or job.tools.clock.now()
    card = Card(
        notification=f"Handover {handover.number} is not saved yet.",
        lines=(
            line(
                f"Handover {handover.number} ({count(len(handover.subjects), handover.what)}) is not marked as saved. "
                "Please save it, then press ",
                Bold("Saved, wipe it"),
                ". It is wiped at ",
                When(expires),
                ".",
            ),
        ),
        buttons=(Button(Ask.SAVED, "Saved, wipe it", {"handover": str(handover.id)}, Style.PRIMARY),),
    )
    marker = Marker(MarkerKind.REMINDER, f"{job.tools.store.identity()}:handover:{handover.id}:{number}")
    if handover.status is S.SENT:
        post_once(job, Place(handover.channel_id), card, marker)
    elif posted_before(job, Place(handover.channel_id), marker) is None:
        # Saved meanwhile, and the reminder never went out.
        return
    with job.record() as tx:
        job.done(tx, job.task)
        now = job.tools.clock.now()
        facts = AuditFacts(Actor.BOT, Action.HANDOVER_REMINDED, handover_name(handover), f"reminder {number}")
        tx.audit.append(handover.incident_id, now, facts)


CONTROLS = TaskKind(
    "handover.controls", _post_controls, "posting the button beside a handover", most_attempts=20, draws=True
)
WIPE = TaskKind("handover.wipe", _wipe, "wiping a handover", most_attempts=None, draws=True)
REMIND = TaskKind("handover.remind", _remind, "reminding the requester of a handover", draws=True)
HANDOVER_KINDS = (CONTROLS, WIPE, REMIND)
