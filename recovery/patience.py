"""Waiting a moment where Mailgun asks for one: what is one of many that go out together is not left out for that."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from recovery.errors import Later
from recovery.jobs import FIRST_BACKOFF, PATIENCE, Job

T = TypeVar("T")

LONGEST_WAIT = 2.0
"""In seconds. Where Mailgun asks for more, the job waits as a task, without a worker."""


def patiently(job: Job, call: Callable[[], T], patience: timedelta = PATIENCE) -> T:
    """What `call` answers: made again where that certainly had no effect and Mailgun asks for a moment.

    All such calls of a job share their patience: it ends once Mailgun has taken none of them for so long. Then the rest
    is better off as tasks, of which the board tells why they wait.

    Raises any other outcome at once, also a wait that is longer, as of a Mailgun that is out of reach. And `LeaseLost`,
    and `Stopping`, like `Job.wait`.
    """
    clock = job.tools.clock
    if job.taken_at is None:
        job.taken_at = clock.now()
    while True:
        job.hold()
        try:
            answer = call()
        except Later as error:
            pause = max(error.seconds, FIRST_BACKOFF)
            if pause > LONGEST_WAIT or clock.now() - job.taken_at > patience:
                raise
        else:
            job.taken_at = clock.now()
            return answer
        job.wait(pause)
