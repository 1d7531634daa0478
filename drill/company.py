"""The company of the drill: its Slack, its Mailgun account, and the people, who are the same in both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drill.account import Mailgun
from drill.actors import Person, Slack
from drill.mailgun.accounts import Prepared, drill_account
from drill.mailgun.app import create_app as create_mailgun
from drill.serving import PracticeServer
from drill.slack import Workspace, drill_workspace
from drill.slack import create_app as create_slack

MESSAGES_A_SECOND = 10.0
"""In one channel. Slack allows one; at that pace nobody would watch a drill to its end."""


@dataclass(frozen=True)
class Company:
    """Both practice servers, running."""

    slack: Slack
    mailgun: Mailgun

    def person(self, name: str) -> Person:
        """Somebody of the company, by the first part of their address: `olivia`."""
        return self.slack.person(f"U{name.upper()}")


@contextmanager
def company(workspace: Workspace | None = None, prepared: Prepared | None = None, port: int = 0) -> Iterator[Company]:
    """The company, or another one, while the block runs; the page of its Slack is on `port`."""
    prepared = drill_account() if prepared is None else prepared
    workspace = drill_workspace() if workspace is None else workspace
    workspace.message_rate = MESSAGES_A_SECOND
    with (
        PracticeServer(create_slack(workspace), port) as slack,
        PracticeServer(create_mailgun(prepared.account)) as mailgun,
    ):
        yield Company(Slack(slack.url, workspace), Mailgun(mailgun.url, prepared))
