"""Messages that are posted once, each looked for before it is posted again; and redrawn if they are still there."""

from datetime import datetime, timedelta

from recovery.content import Content, Marker, Place
from recovery.errors import Gone, Later, Refused, Uncertain
from recovery.jobs import Job

LOOKS = 2
_SENDING = "sending"
_LOOKED = "looked"


def post_once(job: Job, place: Place, content: Content, marker: Marker) -> str:
    """Post the job's one message, or find that an earlier attempt did; its `ts`.

    The attempt is written down before it is made. If its end is not known (a crash, a timeout), the
    conversation is searched for the marker, twice, `SETTLE` apart, before the message is posted again; copies
    beyond the first are deleted. Raises `Refused`, `Later` or `Uncertain`; the task is then tried again.
    """
    messenger = job.tools.messenger
    settle = job.tools.policy.settle.total_seconds()
    begun = job.task.payload.get(_SENDING)
    if isinstance(begun, str):
        job.hold()
        found = messenger.find(place, marker, datetime.fromisoformat(begun) - timedelta(minutes=1))
        if found:
            for copy in found[1:]:
                job.hold()
                messenger.delete(place.channel_id, copy)
            return found[0]
        looked = int(str(job.task.payload.get(_LOOKED, 0))) + 1
        if looked < LOOKS:
            job.note(**{_LOOKED: looked})
            raise Later("looking once more whether the message arrived", seconds=settle)
    job.note(**{_SENDING: job.tools.clock.now().isoformat(), _LOOKED: 0})
    job.hold()
    try:
        return messenger.post(place, content, marker)
    except (Refused, Later):
        job.note(**{_SENDING: None})
        raise
    except Uncertain as error:
        raise Later(f"not sure that the message arrived: {error}", seconds=min(settle, 5.0)) from error


def redraw_unless_gone(job: Job, channel_id: str, ts: str, content: Content, marker: Marker) -> None:
    """Redraw a message; one that somebody deleted stays deleted: the trail and the typed commands remain.

    Raises `Refused`, `Later` or `Uncertain`.
    """
    job.hold()
    try:
        job.tools.messenger.redraw(channel_id, ts, content, marker)
    except Gone:
        return
