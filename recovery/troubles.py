"""What keeps the bot from its work at the moment: on the board, for as long as it does."""

from recovery.state import NewTask
from recovery.store import Transaction

LOOK = "outages.look"
COUNT = "count"
"""The source of the trouble that the account could not be counted; the last look at it ends that."""


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
    tx.tasks.add([NewTask(LOOK, f"{LOOK}:{incident_id}", incident_id, priority=4)])
