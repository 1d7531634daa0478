"""How many secrets one handover carries: what Slack takes in one message, measured, and reckoned before that."""

from collections.abc import Callable, Sequence

from recovery.handover_messages import secrets_message
from recovery.jobs import Job
from recovery.secret import Secret
from recovery.state import Task

MOST_CHARACTERS = 9_000
BESIDE_THE_SECRETS = 250
"""In characters, what a handover says beside its secrets, at most: its title, and which ones it replaces."""

_BETWEEN = 3
"""Two spaces before a secret, and the line's end."""


def handover_size(job: Job, items: Sequence[tuple[str, str]], length: int) -> int:
    """How many characters a handover of these (heading, label) takes, with secrets of that length."""
    dummy = Secret("x" * length)
    return job.tools.messenger.measure(secrets_message(999, "secret", [(h, lb, dummy) for h, lb in items], (1,)))


def fitting(job: Job, items: Sequence[tuple[str, str]], length: int) -> int:
    """How many of these (heading, label), from the first, fit into one message with secrets of that length.

    At least one. What was claimed by `reckoned` fits as it is, nearly always.
    """
    if handover_size(job, items, length) <= MOST_CHARACTERS:
        return len(items)
    low, high = 1, len(items)
    while low < high:
        middle = (low + high + 1) // 2
        if handover_size(job, items[:middle], length) <= MOST_CHARACTERS:
            low = middle
        else:
            high = middle - 1
    return low


def reckoned(tasks: Sequence[Task], shown: Callable[[Task], tuple[str, str]], length: int) -> int:
    """About as many of these tasks as one message holds with secrets of that length; at least one. `shown` is the
    heading and the label of a task's secret.

    It draws nothing, so that a claim can ask: what a job cannot hand over it had better not claim, or others would
    begin with the little that it gives back. A task that cannot be shown ends it: its own job shall meet that.
    """
    left, headings = MOST_CHARACTERS - BESIDE_THE_SECRETS, set[str]()
    for many, task in enumerate(tasks):
        try:
            heading, label = shown(task)
        except (LookupError, TypeError, ValueError):
            return max(many, 1)
        left -= len(label) + length + _BETWEEN + (0 if heading in headings else len(heading))
        headings.add(heading)
        if left < 0:
            return max(many, 1)
    return len(tasks)
