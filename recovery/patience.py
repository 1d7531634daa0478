"""Waiting a moment where Mailgun asks for one: what is one of many that go out together is not left out for that."""

from collections.abc import Callable
from typing import TypeVar

from recovery.errors import Later
from recovery.jobs import FIRST_BACKOFF, PATIENCE, Job
from recovery.listing import LONGEST_WAIT

T = TypeVar("T")


class Patience:
    """What the calls of one batch share. It ends once Mailgun has taken none of them for as long as `PATIENCE`: then
    the rest is better off as tasks, of which the board tells why they wait."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._taken_at = job.tools.clock.now()

    def ask(self, call: Callable[[], T]) -> T:
        """What `call` answers, which changes one thing: made again where that certainly had no effect and Mailgun asks
        for a moment.

        Raises any other outcome at once, also a wait that is longer, as of a Mailgun that is out of reach. And
        `LeaseLost`, and `Stopping`, like `Job.wait`.
        """
        clock = self._job.tools.clock
        while True:
            self._job.hold()
            try:
                answer = call()
            except Later as error:
                pause = max(error.seconds, FIRST_BACKOFF)
                if pause > LONGEST_WAIT or clock.now() - self._taken_at > PATIENCE:
                    raise
            else:
                self._taken_at = clock.now()
                return answer
            self._job.wait(pause)
