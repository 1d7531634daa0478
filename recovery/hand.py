"""What people do of a step in Mailgun's control panel, item by item, as its tasks know it."""

from dataclasses import dataclass
from datetime import datetime

from recovery.state import UNFINISHED, StepState, StepStatus, Task, TaskStatus
from recovery.store import Transaction

TAKEN_BY_HAND = "taken by hand"
"""The decision on a step that people do in Mailgun's control panel."""
ENDED_BY_HAND = "done by hand"
"""The same, once that has ended and the bot is at work in it again."""
HAND_SINCE = "hand_since"
"""In a step's facts: since when it was first done by hand."""
CONTROL_PANEL = "https://app.mailgun.com"


@dataclass(frozen=True)
class HandItem:
    """Something that people do in Mailgun's control panel: `name` is for people.

    `subject` is what the step's tasks call it; or a word of the step's own, where it `is_whole`: it stands for more
    than one of these.
    """

    subject: str
    name: str
    is_whole: bool = False


def hand_kind(kind: str) -> str:
    """The kind of the tasks that people do of a step of that kind. No worker claims them: they wait until somebody says
    that they are done."""
    return f"{kind}.hand"


def is_by_hand(state: StepState) -> bool:
    """Whether people do the step in Mailgun's control panel."""
    return state.status is StepStatus.RUNNING and state.decision == TAKEN_BY_HAND


def as_ended(state: StepState) -> str | None:
    """The decision on a step that had ended and that the bot takes up again: people do it by hand no longer."""
    return ENDED_BY_HAND if state.decision == TAKEN_BY_HAND else state.decision


def hand_done(tx: Transaction, state: StepState) -> dict[str, datetime]:
    """What people did of a step in Mailgun's control panel, and when, by subject."""
    done = tx.tasks.of_step(state.id, TaskStatus.DONE, kind=hand_kind(state.kind))
    return {task.subject: task.finished_at for task in done if task.finished_at is not None}


def left_by_hand(tx: Transaction, state: StepState) -> list[Task] | None:
    """What is left to be done by hand; None where it is the bot that is at work."""
    if not is_by_hand(state):
        return None
    unfinished = tx.tasks.of_step(state.id, *UNFINISHED)
    mine = [task for task in unfinished if task.kind == hand_kind(state.kind)]
    return mine if len(mine) == len(unfinished) else None
