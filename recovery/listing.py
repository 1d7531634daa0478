"""Asking for one list of many: a look through the account is hundreds of calls, and one that fails begins none of the
others anew."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from recovery.errors import Uncertain
from recovery.jobs import FIRST_BACKOFF, Job
from recovery.patience import patiently

T = TypeVar("T")

TRIES = 3
PATIENCE = timedelta(seconds=3)
"""How long Mailgun may take none of a look's calls before all of it waits as a task: nothing is lost by that."""


def listed(job: Job, ask: Callable[[], T]) -> T:
    """What `ask` answers, which only reads: asked three times at most where it fails, with a second and two in between,
    and as often as Mailgun asks for a moment while it takes the others.

    Raises what Mailgun answered last: a refusal at once. And `LeaseLost`, and `Stopping`, like `Job.wait`.
    """
    tries = 0
    while True:
        try:
            return patiently(job, ask, PATIENCE)
        except Uncertain:
            tries += 1
            if tries == TRIES:
                raise
        job.wait(FIRST_BACKOFF * tries)
