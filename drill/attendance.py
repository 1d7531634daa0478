"""A drill at which a person plays: where the page is, and what happens outside Slack meanwhile."""

import threading
import time

from rich.console import Console
from rich.text import Text

from drill.actors import COMMAND
from drill.company import Company
from drill.running import Drill

SUPPORT_TAKES = 4.0
"""Seconds that Mailgun Support takes to read the ticket."""

_LAST_STEP = 5
_LOOK_EVERY = 0.5


def attended(running: Drill, console: Console) -> int:
    """Say where the page is and what to do first, and play Mailgun Support until Ctrl-C.

    Raises:
        BotGone: the bot ended by itself.
    """
    console.print(Text(_greeting(running)))
    support = Support(running.company)
    stopped = threading.Event()
    try:
        while not stopped.wait(_LOOK_EVERY):
            running.bot.check()
            if support.look():
                console.print("Mailgun Support has enabled the account.")
    except KeyboardInterrupt:
        console.print("\nThe drill ends.")
    return 0


class Support:
    """Mailgun Support: enables the account a moment after the last step shows that they were told."""

    def __init__(self, company: Company, takes: float = SUPPORT_TAKES) -> None:
        self._company = company
        self._takes = takes
        self._told_at: float | None = None

    def look(self) -> bool:
        """See how the last step stands; whether the account was enabled just now."""
        if self._company.slack.step_status(_LAST_STEP) != "running":
            self._told_at = None
            return False
        self._told_at = self._told_at or time.monotonic()
        if time.monotonic() - self._told_at < self._takes:
            return False
        self._told_at = None
        self._company.mailgun.support_enables_the_account()
        return True


def _greeting(running: Drill) -> str:
    users = f"{running.company.mailgun.url}/_drill/users/olivia@example.com"
    return f"""
The drill is at  {running.company.slack.url}/

Choose Olivia there and type {COMMAND} in #incident.

What people do at Mailgun itself is typed here, in another terminal. Olivia resets her password, and turns
on two-factor authentication:
  curl -X PATCH {users} -d '{{"password_reset": true}}'
  curl -X PATCH {users} -d '{{"tfa_active": true}}'
Mailgun Support enables the account a moment after you said that you have told them.

Ctrl-C ends the drill.
"""
