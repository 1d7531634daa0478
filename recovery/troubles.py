"""What keeps the bot from its work at the moment: on the board, for as long as it does."""

from datetime import datetime

from recovery.errors import Why
from recovery.state import Incident, NewTask
from recovery.store import Transaction

LOOK = "outages.look"
LOOK_AT_KEY = "key.look"
COUNT = "count"
"""The source of the trouble that the account could not be counted; a count that succeeds, or the last look, ends it."""
STATUS_PAGE = "status page"
"""The source of what Mailgun's status page reports."""
_KEY = "key: "
"""How the source of the trouble begins that Mailgun refuses the bot's key; the reason follows."""


def show(tx: Transaction, incident_id: int, source: str, says: str) -> None:
    """Say it on the incident's board, once, until `clear` is called for the same source."""
    known = tx.incidents.get(incident_id).troubles
    if known.get(source) != says:
        tx.incidents.set(incident_id, troubles={**known, source: says})
        plan_look(tx, incident_id)


def clear(tx: Transaction, incident_id: int, source: str) -> None:
    """It is over."""
    known = tx.incidents.get(incident_id).troubles
    if source in known:
        tx.incidents.set(incident_id, troubles={name: says for name, says in known.items() if name != source})


def plan_look(tx: Transaction, incident_id: int) -> None:
    """Something does not work: look at Mailgun's status page, and again until it works."""
    tx.tasks.add([look_task(incident_id)])


def look_task(incident_id: int) -> NewTask:
    """Looks at Mailgun's status page; there is never more than one unfinished."""
    return NewTask(LOOK, f"{LOOK}:{incident_id}", incident_id, priority=4)


# --- A refused key ----------------------------------------------------------------------------------------


def show_key(tx: Transaction, incident_id: int, why: Why, says: str, look_at: datetime) -> None:
    """Mailgun refuses the bot's key: say so, once, until it is taken again. From `look_at` on it is tried."""
    incident = tx.incidents.get(incident_id)
    if not incident.is_alive or key_refused(incident) is why:
        return
    others = _without_key(incident)
    tx.incidents.set(incident_id, troubles={**others, f"{_KEY}{why}": says})
    plan_look(tx, incident_id)
    key = f"{LOOK_AT_KEY}:{incident_id}"
    tx.tasks.add([NewTask(LOOK_AT_KEY, key, incident_id, priority=4, not_before=look_at)])


def clear_key(tx: Transaction, incident_id: int) -> None:
    """Mailgun takes the bot's key."""
    incident = tx.incidents.get(incident_id)
    if key_refused(incident) is not None:
        tx.incidents.set(incident_id, troubles=_without_key(incident))


def key_refused(incident: Incident) -> Why | None:
    """Why Mailgun refuses the bot's key at the moment, as far as its answer told; None while it does not."""
    return next((Why(source.removeprefix(_KEY)) for source in incident.troubles if source.startswith(_KEY)), None)


def _without_key(incident: Incident) -> dict[str, str]:
    return {source: says for source, says in incident.troubles.items() if not source.startswith(_KEY)}
