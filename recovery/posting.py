"""Messages that are posted once, each looked for before it is posted again; and redrawn if they are still there."""

from contextlib import suppress
from datetime import datetime, timedelta

from recovery.content import Content, Marker, MarkerKind, Place
from recovery.errors import Gone, Later, NotYet, Refused, Uncertain
from recovery.jobs import LOOKED, Job, TaskKind
from recovery.state import UNFINISHED, Incident, NewTask, as_strings

_SENDING = "sending"
POSTED = "posted"
"""In a task's payload: the key of the marker of the message that it posted, and its `ts`."""

COPY = "posting.copy"


def post_once(job: Job, place: Place, content: Content, marker: Marker) -> str:
    """Post the job's one message, or find that an earlier attempt did; its `ts`.

    The attempt is written down before it is made. If its end is not known (a crash, a timeout), the
    conversation is searched for the marker, twice, `SETTLE` apart, before the message is posted again; copies
    beyond the first are deleted. Raises `Refused`, `Later` or `Uncertain`; the task is then tried again.
    """
    messenger = job.tools.messenger
    earlier = posted_before(job, place, marker)
    if earlier is not None:
        return earlier
    settle = job.tools.policy.settle.total_seconds()
    job.note(**{_SENDING: job.tools.clock.now().isoformat(), LOOKED: 0})
    job.hold()
    job.if_lost(copy_task(job, place, marker, None))
    try:
        ts = messenger.post(place, content, marker)
    except (Refused, Later):
        job.note(**{_SENDING: None})
        raise
    except Uncertain as error:
        raise NotYet(f"not sure that the message arrived: {error}", seconds=min(settle, 5.0)) from error
    job.if_lost(copy_task(job, place, marker, ts))
    return _noted(job, marker, ts)


def requester_place(job: Job, incident: Incident) -> Place:
    """The requester's direct message, opened if need be. Raises what Slack answers."""
    job.hold()
    return Place(incident.direct_channel_id or job.tools.messenger.open_direct(incident.requester_id))


def posted_before(job: Job, place: Place, marker: Marker) -> str | None:
    """The `ts` of the job's message if an earlier attempt did post it, None if none did. Looks twice, `SETTLE` apart.

    Raises `NotYet` between the two looks, and what Slack answers.
    """
    posted = job.task.payload.get(POSTED)
    if isinstance(posted, list) and posted[0] == marker.key:
        return str(posted[1])
    begun = job.task.payload.get(_SENDING)
    if not isinstance(begun, str):
        return None
    job.hold()
    found = job.tools.messenger.find(place, marker, datetime.fromisoformat(begun) - timedelta(minutes=1))
    if found:
        for copy in found[1:]:
            job.hold()
            job.tools.messenger.delete(place.channel_id, copy)
        return _noted(job, marker, found[0])
    job.look_again("looking once more whether the message arrived")
    return None


def begun_before(job: Job) -> bool:
    """Whether an earlier attempt may have posted the job's message: then it shows how things stood at that time."""
    return bool(job.task.payload.get(_SENDING) or job.task.payload.get(POSTED))


def forget_attempt(job: Job) -> None:
    """What was looked for has not arrived: the job is where it was before it tried."""
    job.note(**{_SENDING: None})


def _noted(job: Job, marker: Marker, ts: str) -> str:
    # With the result: until then the message can be found by its marker.
    job.remember(**{POSTED: [marker.key, ts], _SENDING: None})
    return ts


# --- Copies ---------------------------------------------------------------------------------------------


def copy_task(job: Job, place: Place, marker: Marker, ts: str | None) -> NewTask:
    """What follows if another process has taken the job over: it may have posted the same message."""
    return NewTask(
        COPY,
        f"{COPY}:{job.task.id}:{marker.key}",
        job.task.incident_id,
        priority=3,
        payload={
            "of": job.task.id,
            "channel": place.channel_id,
            "thread": place.thread_ts,
            "marker": [str(marker.kind), marker.key],
            "since": job.tools.clock.now().isoformat(),
            "ts": ts,
        },
    )


def delete_copies(job: Job) -> None:
    """Once the other process knows which message is the one, delete each other that has its marker."""
    payload = job.task.payload
    with job.tools.store.read() as tx:
        original = tx.tasks.get(int(str(payload["of"])))
    kind, key = as_strings(payload["marker"])
    posted = original.payload.get(POSTED)
    if original.status in UNFINISHED:
        raise NotYet("another process is still at it", seconds=1)
    if not isinstance(posted, list) or posted[0] != key:
        return
    place = Place(str(payload["channel"]), str(payload["thread"]) if payload["thread"] else None)
    since = datetime.fromisoformat(str(payload["since"])) - timedelta(minutes=1)
    job.hold()
    found = {*job.tools.messenger.find(place, Marker(MarkerKind(kind), key), since)}
    if payload["ts"]:
        found.add(str(payload["ts"]))
    for copy in sorted(found - {str(posted[1])}):
        job.hold()
        with suppress(Gone):
            job.tools.messenger.delete(place.channel_id, copy)
    if payload["ts"] is None:
        job.look_again("looking once more for a copy")


COPY_KIND = TaskKind(COPY, delete_copies, "deleting a second copy of a message", most_attempts=None, draws=True)

# --- Redrawing ------------------------------------------------------------------------------------------


def redraw_unless_gone(job: Job, channel_id: str, ts: str, content: Content, marker: Marker) -> None:
    """Redraw a message; one that somebody deleted stays deleted: the trail and the typed commands remain.

    Raises `Refused`, `Later` or `Uncertain`.
    """
    job.hold()
    try:
        job.tools.messenger.redraw(channel_id, ts, content, marker)
    except Gone:
        return
