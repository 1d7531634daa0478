"""The incident's thread: the board, the steps' cards, the trail; posted once, then redrawn as things move."""

from collections.abc import Sequence

from recovery import troubles
from recovery.account import watched_domains
from recovery.audit import ENTRIES_A_MESSAGE, AuditEntry
from recovery.board import board_card, read_board, report_card, step_card
from recovery.content import Marker, MarkerKind, Place, Trail
from recovery.errors import KeyRefused, OutsideError
from recovery.holdings import Holdings
from recovery.jobs import Job, TaskKind
from recovery.looking import look_through
from recovery.posting import begun_before, post_once, redraw_unless_gone
from recovery.state import Incident, NewTask, StepState, as_strings
from recovery.step import Step, steps_of
from recovery.store import Transaction
from recovery.strangers import INVESTIGATE

POST_BOARD = "thread.board"
SURVEY = "survey"
POST_STEP = "thread.step"
POST_AUDIT = "thread.audit"
MIRROR_AUDIT = "thread.mirror"
REDRAW = "thread.redraw"
REDRAW_ALL = "thread.redraw_all"
REPORT = "thread.report"

_DRAWN = "drawn"
_REVISION = "revision"
"""In the payload of a redrawing: the `ts` of what it has drawn, and the revision that it began with."""

THREAD = "thread"
"""Where the trail goes beside a channel's id: the incident's own thread."""


def opening_tasks(incident: Incident, first: StepState) -> list[NewTask]:
    """What an incident begins with: its board, and a look through the account, which is the first step's."""
    return [
        NewTask(POST_BOARD, f"{POST_BOARD}:{incident.id}", incident.id, lane=lane_of(incident), priority=1),
        survey_task(incident, first),
        troubles.look_task(incident.id),
    ]


def survey_task(incident: Incident, first: StepState | None) -> NewTask:
    """Looks through the account for the cards; there is never more than one unfinished. `first` is the step that it is
    a part of, in an incident that has that."""
    return NewTask(SURVEY, f"{SURVEY}:{incident.id}", incident.id, first.id if first else None, priority=2)


def lane_of(incident: Incident) -> str:
    """Posts to one channel go out one at a time, in order."""
    return f"channel:{incident.channel_id}"


def post_board(job: Job, steps: Sequence[Step]) -> None:
    """Post the board: the first message of the thread."""
    tools = job.tools
    with tools.store.read() as tx:
        board = read_board(tx, steps, job.task.incident_id or 0, job.tools.policy)
    incident = board.incident
    card = board_card(board)
    marker = Marker(MarkerKind.BOARD, f"{tools.store.identity()}:{incident.id}")
    drawn = "" if begun_before(job) else tools.messenger.digest(card)
    ts = post_once(job, Place(incident.channel_id), card, marker)
    try:
        job.hold()
        permalink = tools.messenger.permalink(incident.channel_id, ts)
    except OutsideError:
        # A link is a comfort, not a need: the board is there without it.
        permalink = None
    with job.record() as tx:
        tx.incidents.set(incident.id, thread_ts=ts, permalink=permalink, drawn_board=drawn)
        job.done(tx, job.task)


def survey(job: Job, steps: Sequence[Step]) -> None:
    """Look through the account, for the cards; then post the cards. A look that fails does not hold them up: the first
    step goes on with it."""
    tools, incident_id = job.tools, job.task.incident_id or 0
    trouble, refusal = "", None
    try:
        holdings = look_through(job)
    except OutsideError as error:
        trouble = "The account could not be counted, so the steps name no numbers: each lists it when it is approved."
        if isinstance(error, KeyRefused):
            refusal = error
        else:
            trouble = f"{trouble} {error}"
        holdings = None
    with job.record() as tx:
        incident = tx.incidents.get(incident_id)
        if holdings is not None:
            troubles.clear(tx, incident_id, troubles.COUNT)
            record_survey(tx, job, steps, incident, holdings)
        else:
            troubles.show(tx, incident_id, troubles.COUNT, trouble)
            first = [(step, state) for step, state in steps_of(tx, steps, incident) if step.begins_at_once]
            tx.tasks.add([step.beginning(incident, state, "opening", None) for step, state in first])
        if refusal is not None:
            look_at = tools.clock.now() + tools.policy.poll_every
            troubles.show_key(tx, incident_id, refusal.why, f"{job.kind.words}: {refusal}", look_at)
        tx.tasks.add(
            NewTask(
                POST_STEP,
                f"{POST_STEP}:{state.id}",
                incident_id,
                lane=lane_of(incident),
                priority=1,
                payload={"step": state.id},
            )
            for _, state in steps_of(tx, steps, incident)
            if state.message_ts is None
        )
        job.done(tx, job.task)


def survey_again(job: Job, steps: Sequence[Step]) -> None:
    """The look that failed when the incident was opened; the first step needs help where it goes on failing."""
    holdings = look_through(job)
    with job.record() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        if incident.is_alive:
            troubles.clear(tx, incident.id, troubles.COUNT)
            record_survey(tx, job, steps, incident, holdings)
        job.done(tx, job.task)


def record_survey(tx: Transaction, job: Job, steps: Sequence[Step], incident: Incident, holdings: Holdings) -> None:
    """What the first look means for the incident and for each step."""
    watched, disabled = watched_domains(holdings.domains)
    tx.incidents.set(incident.id, watched=watched, was_disabled=disabled)
    for step, state in steps_of(tx, steps, incident):
        tx.steps.set(state.id, facts={**state.facts, **step.count(holdings, incident)})
        if incident.is_alive:
            step.on_look(tx, job.tools, incident, tx.steps.get(state.id), holdings)


def post_step(job: Job, steps: Sequence[Step]) -> None:
    """Post one step's card in the thread."""
    tools = job.tools
    step_id = int(str(job.task.payload["step"]))
    with tools.store.read() as tx:
        board = read_board(tx, steps, job.task.incident_id or 0, job.tools.policy)
    step, view = next((step, view) for step, view in board.views if view.state.id == step_id)
    card = step_card(step, view)
    drawn = "" if begun_before(job) else tools.messenger.digest(card)
    ts = post_once(job, thread_place(board.incident), card, step_marker(job, step_id))
    with job.record() as tx:
        tx.steps.set(step_id, message_ts=ts, drawn=drawn)
        tx.incidents.set(board.incident.id)
        job.done(tx, job.task)


def thread_place(incident: Incident) -> Place:
    """The incident's thread."""
    return Place(incident.channel_id, incident.thread_ts)


def step_marker(job: Job, step_id: int) -> Marker:
    """The metadata of a step's card."""
    return Marker(MarkerKind.STEP, f"{job.tools.store.identity()}:{step_id}")


def has_news(incident: Incident, audit_channel: str | None) -> bool:
    """Whether something is not shown yet, in the thread or in the audit channel."""
    if incident.thread_ts is None:
        return False
    shown = min(incident.audit_posted, incident.audit_mirrored) if audit_channel else incident.audit_posted
    return shown < incident.audit_count or incident.drawn_revision < incident.revision


# --- The trail --------------------------------------------------------------------------------------------


def plan_trail(tx: Transaction, incident: Incident, audit_channel: str | None) -> None:
    """Plan the message for audit entries that are not in the thread yet (nor in the audit channel)."""
    if incident.thread_ts is None:
        return
    if incident.audit_posted < incident.audit_count:
        tx.tasks.add([_trail_task(POST_AUDIT, incident, THREAD, incident.audit_posted, lane_of(incident))])
    if audit_channel and incident.audit_mirrored < incident.audit_count:
        lane = f"channel:{audit_channel}"
        tx.tasks.add([_trail_task(MIRROR_AUDIT, incident, audit_channel, incident.audit_mirrored, lane)])


def _trail_task(kind: str, incident: Incident, where: str, after: int, lane: str) -> NewTask:
    return NewTask(
        kind,
        f"{POST_AUDIT}:{incident.id}:{where}",
        incident.id,
        lane=lane,
        priority=3,
        payload={"where": where, "after": after},
    )


def post_trail(job: Job) -> None:
    """Post the next entries, at most twenty in a message, their numbers and hashes in its metadata."""
    tools = job.tools
    where = str(job.task.payload["where"])
    after = int(str(job.task.payload["after"]))
    with tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        upto = job.task.payload.get("upto")
        # A message that may have been sent already must be looked for, or sent again, exactly as it was.
        most = int(str(upto)) - after if upto is not None else ENTRIES_A_MESSAGE
        entries = tuple(tx.audit.entries(incident.id, after, most))
    if not entries:
        return
    if upto is None:
        job.remember(upto=entries[-1].number)
    place = thread_place(incident) if where == THREAD else Place(where)
    post_once(job, place, Trail(entries), trail_marker(job, where, entries))
    posted = "audit_posted" if where == THREAD else "audit_mirrored"
    with job.record() as tx:
        tx.incidents.mark_drawn(incident.id, **{posted: entries[-1].number})
        job.done(tx, job.task)
        # Of an incident that has ended nobody else asks whether the other channel has all of it.
        plan_trail(tx, tx.incidents.get(incident.id), tools.policy.audit_channel)


def trail_marker(job: Job, where: str, entries: Sequence[AuditEntry]) -> Marker:
    """The metadata of a trail message: which entries it holds, with their hashes."""
    first, last = entries[0], entries[-1]
    key = f"{job.tools.store.identity()}:{first.incident_id}:{where}:{first.number}-{last.number}"
    details: dict[str, str | int | list[str]] = {
        "incident": first.incident_id,
        "first": first.number,
        "last": last.number,
        "hashes": [entry.hash for entry in entries],
    }
    return Marker(MarkerKind.AUDIT, key, details)


# --- Redrawing -----------------------------------------------------------------------------------------


def plan_redraw(tx: Transaction, incident: Incident) -> None:
    """Plan one redrawing when something changed since the thread was drawn."""
    if incident.thread_ts is not None and incident.revision > incident.drawn_revision:
        tx.tasks.add([NewTask(REDRAW, f"{REDRAW}:{incident.id}", incident.id, priority=3)])


def redraw(job: Job, steps: Sequence[Step]) -> None:
    """Redraw the board and those cards that would look different now.

    A rotation has more news than Slack takes redrawings, so that this is put off in the middle. It then goes on behind
    what it has drawn, however that changed since: otherwise the board, which changes all the time, would be all that is
    ever drawn. What is new in it by then is for the next redrawing.
    """
    tools = job.tools
    with tools.store.read() as tx:
        board = read_board(tx, steps, job.task.incident_id or 0, job.tools.policy)
    incident = board.incident
    if incident.thread_ts is None:
        return
    anew = NewTask(REDRAW_ALL, f"{REDRAW_ALL}:{incident.id}", incident.id, priority=3)
    drawn = as_strings(job.task.payload.get(_DRAWN, []))
    revision = int(str(job.task.payload.get(_REVISION, incident.revision)))
    card = board_card(board)
    digest = tools.messenger.digest(card)
    if digest != incident.drawn_board and incident.thread_ts not in drawn:
        marker = Marker(MarkerKind.BOARD, f"{tools.store.identity()}:{incident.id}")
        job.if_lost(anew)
        redraw_unless_gone(job, incident.channel_id, incident.thread_ts, card, marker)
        drawn = [*drawn, incident.thread_ts]
        job.remember(**{_DRAWN: drawn, _REVISION: revision})
        with job.record() as tx:
            tx.incidents.mark_drawn(incident.id, drawn_board=digest)
    for step, view in board.views:
        ts = view.state.message_ts
        if ts is None or ts in drawn:
            continue
        card = step_card(step, view)
        digest = tools.messenger.digest(card)
        if digest != view.state.drawn:
            job.if_lost(anew)
            redraw_unless_gone(job, incident.channel_id, ts, card, step_marker(job, view.state.id))
            drawn = [*drawn, ts]
            job.remember(**{_DRAWN: drawn, _REVISION: revision})
            with job.record() as tx:
                tx.steps.set(view.state.id, drawn=digest)
    with job.record() as tx:
        tx.incidents.mark_drawn(incident.id, drawn_revision=revision)
        job.done(tx, job.task)


def redraw_all(job: Job) -> None:
    """Have everything drawn anew: a process that had lost its task may have drawn something older since."""
    incident_id = job.task.incident_id or 0
    with job.record() as tx:
        for state in tx.steps.of(incident_id):
            tx.steps.set(state.id, drawn="")
        tx.incidents.set(incident_id, drawn_board="")
        plan_redraw(tx, tx.incidents.get(incident_id))
        job.done(tx, job.task)


def post_report(job: Job) -> None:
    """Tell the channel that somebody who may not start an incident reports one."""
    with job.tools.store.read() as tx:
        request = tx.requests.get(int(str(job.task.payload["request"])))
    marker = Marker(MarkerKind.REPORT, f"{job.tools.store.identity()}:{request.id}")
    post_once(
        job,
        Place(str(job.task.payload["channel"])),
        report_card(request.user_id, request.id, str(job.task.payload["description"])),
        marker,
    )


def thread_kinds(steps: Sequence[Step]) -> tuple[TaskKind, ...]:
    """The kinds of this file, bound to the steps. Posts to the thread are tried until they work."""
    return (
        TaskKind(POST_BOARD, lambda job: post_board(job, steps), "posting the board", most_attempts=None),
        TaskKind(SURVEY, lambda job: survey(job, steps), "counting the account", most_attempts=None),
        TaskKind(f"{INVESTIGATE}.begin", lambda job: survey_again(job, steps), "looking through the account"),
        TaskKind(POST_STEP, lambda job: post_step(job, steps), "posting a step", most_attempts=None, draws=True),
        TaskKind(POST_AUDIT, post_trail, "posting the trail", most_attempts=None, draws=True),
        TaskKind(MIRROR_AUDIT, post_trail, "posting the trail in the audit channel", most_attempts=None, draws=True),
        TaskKind(REDRAW, lambda job: redraw(job, steps), "redrawing the thread", most_attempts=None, draws=True),
        TaskKind(REDRAW_ALL, redraw_all, "having the thread redrawn", most_attempts=None, draws=True),
        TaskKind(REPORT, post_report, "posting a report", most_attempts=20),
    )
