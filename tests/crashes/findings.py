"""What can be wrong after a run, and everything that is looked at to find out."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from drill.evidence import ACCOUNT_WIDE
from drill.ordering import JsonObject
from drill.slack.workspaces import INCIDENT
from recovery.audit import AuditEntry
from storage.database import Database
from tests.crashes.run import CrashRun
from tests.crashes.wire import Heard
from tests.e2e.handed_over import Sent, handed_over

_PUT_PASSWORD = re.compile(r'name="password"\r\n\r\n(.*?)\r\n')
_KIND = "mailgun_recovery_"


class Harm(StrEnum):
    """What a crash may have done. The words are those of the last line of `make crash`."""

    LOST = "lost"
    """Nobody has it, or it never happened: a password, a key, a decision, an entry of the trail. Or it got out."""
    REPEATED = "repeated"
    ORPHANED = "orphaned"
    """A key that lives and should not."""
    LOCKED_OUT = "locked out"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    harm: Harm
    words: str

    def __str__(self) -> str:
        return f"{self.harm}: {self.words}"


@dataclass(frozen=True)
class Shown:
    """A message that stands in a conversation at the end. `kind` and `key` are its marker's."""

    channel: str
    ts: str
    thread_ts: str | None
    kind: str
    payload: JsonObject
    whole: str

    @property
    def key(self) -> str:
        return str(self.payload.get("key", ""))


class Aftermath:
    """How the servers, the database and the log stand after a run. Read once, when first looked at."""

    def __init__(self, run: CrashRun) -> None:
        self.run = run
        self.before = run.before

    @cached_property
    def after(self) -> JsonObject:
        """Mailgun's whole state."""
        return self.run.mailgun.state()

    @cached_property
    def sent(self) -> list[Sent]:
        """Every secret that Slack accepted in a handover, in the order of its messages."""
        return handed_over(self.run.slack)

    @cached_property
    def slack_log(self) -> list[JsonObject]:
        return self.run.slack.log()

    @cached_property
    def shown(self) -> list[Shown]:
        """Every message that stands, of every conversation of the bot's, by conversation and in order."""
        workspace = self.run.slack.workspace
        channels = [INCIDENT, *(channel.id for channel in workspace.channels.values() if channel.im_with)]
        return [message for channel in channels for message in self._shown_in(channel)]

    @cached_property
    def entries(self) -> list[AuditEntry]:
        """The trail as the database has it."""
        with Database.open(self.run.database_url) as database, database.read() as tx:
            incidents = [int(str(row[0])) for row in self.run.rows("SELECT id FROM incidents ORDER BY id")]
            return [entry for incident in incidents for entry in tx.audit.entries(incident)]

    @cached_property
    def secrets(self) -> set[str]:
        """Every password and key that there ever was, whether or not anybody was handed it."""
        known = {sent.secret for sent in self.sent} | {self.run.mailgun.admin_key}
        for state in (self.before, self.after):
            known |= {str(key["secret"]) for key in state["keys"]}
            known |= {str(c["password"]) for domain in state["domains"] for c in domain["credentials"]}
            known |= {str(state["account"][name]) for name in ACCOUNT_WIDE}
        for heard in self.run.mailgun_wire.heard:
            known |= set(_PUT_PASSWORD.findall(heard.text))
        return known

    @cached_property
    def tokens(self) -> set[str]:
        """What the bot itself signs in with, and what seals its vault."""
        environ = self.run.bot.environ
        names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ENCRYPTION_KEY")
        return {environ[name] for name in names if environ.get(name)}

    def carrying(self, secret: str) -> list[Heard]:
        """Every request to Slack that carried this secret, whatever came of it."""
        return [heard for heard in self.run.slack_wire.heard if secret in heard.text]

    def _shown_in(self, channel: str) -> Iterator[Shown]:
        heads: list[JsonObject] = self.run.slack.orders.look("messages", channel=channel)["messages"]
        for message in (each for head in heads for each in (head, *head["replies"])):
            metadata = message.get("metadata") or {}
            yield Shown(
                channel=channel,
                ts=str(message["ts"]),
                thread_ts=message.get("thread_ts"),
                kind=str(metadata.get("event_type", "")).removeprefix(_KIND),
                payload=metadata.get("event_payload") or {},
                whole=json.dumps(message, ensure_ascii=False),
            )


def found(harm: Harm, words: Iterable[str]) -> list[Finding]:
    """A finding for each sentence."""
    return [Finding(harm, each) for each in words]
