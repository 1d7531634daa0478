"""The checklist of what to look at where the servers are: a setting, each item checked off by somebody.

What is checked is kept under the item's own words, so that a list which is edited meanwhile loses nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recovery.audit import Action, AuditFacts
from recovery.state import Incident, Json, StepState
from recovery.step import OPEN_TO_NOTES
from recovery.store import Transaction
from recovery.text import Line, Who, line


@dataclass(frozen=True)
class Check:
    """One item that was checked off: by whom (a Slack user id), when, and what they found, if they said."""

    item: str
    by: str
    at: datetime
    found: str = ""


def checks_of(state: StepState) -> dict[str, Check]:
    """What was checked off so far, by the item's words."""
    kept = state.facts.get("checked")
    if not isinstance(kept, dict):
        return {}
    return {
        item: Check(item, str(one["by"]), datetime.fromisoformat(str(one["at"])), str(one.get("found") or ""))
        for item, one in kept.items()
        if isinstance(one, dict)
    }


def key_of(item: str) -> str:
    """What a button carries in an item's place."""
    return hashlib.sha256(item.encode()).hexdigest()[:12]


def item_meant(checklist: Sequence[str], word: str) -> str | None:
    """The item of that key, or of that number as the card shows it."""
    for number, item in enumerate(checklist, 1):
        if word in (key_of(item), str(number)):
            return item
    return None


def check_off(
    tx: Transaction,
    incident: Incident,
    state: StepState,
    checklist: Sequence[str],
    word: str,
    found: str,
    user_id: str,
    at: datetime,
) -> Line:
    """Check off an item; whoever comes second is told who did."""
    item = item_meant(checklist, word)
    if item is None:
        return line("That is not on the checklist. Step 6 shows its items with their numbers. Nothing was changed.")
    checked = checks_of(state)
    if item in checked:
        return line(f"{item}: checked already, by ", Who(checked[item].by), ".")
    if state.status not in OPEN_TO_NOTES:
        return line(f"Step {state.number} is {state.status}. Nothing was changed.")
    kept = state.facts.get("checked")
    now_checked: dict[str, Json] = dict(kept) if isinstance(kept, dict) else {}
    now_checked[item] = {"by": user_id, "at": at.isoformat(), "found": found}
    tx.steps.set(state.id, facts={**state.facts, "checked": now_checked})
    tx.audit.append(incident.id, at, AuditFacts(user_id, Action.CHECKED, item, found))
    return line(f"{item}: checked off.")
