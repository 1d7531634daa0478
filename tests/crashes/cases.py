"""At which requests the bot is killed: collected from runs that nobody harmed, and named so that they recur.

The n-th request of a run is another one each time, for threads and a scheduler make them. So a case is named by
server, method, path or Slack method, the object concerned, and the how-many-th for that object. Objects are what
a run cannot change: a login, a key's description, a step, a handover's number, a person, the words of an answer.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drill.ordering import JsonObject, Orders
from tests.crashes.run import CrashRun
from tests.crashes.wire import Heard

WHENS = ("before", "after")
MOST_REQUESTS = 160
MOST_POLLS = 3
"""The users are listed when they are counted, when a step begins, and by polls: those are one kind."""

_IDENTITY = "<identity>"
_MARKER = re.compile(r'"mailgun_recovery_(\w+)", "event_payload": \{(.*?)"key": "[0-9a-f-]{36}:([^"]*)"')
_ANY_OF_ITS_KIND = frozenset({"audit", "greeting"})
"""Messages whose marker is another one in each run: which entries share a message, which task greets."""
_DESCRIPTION = re.compile(r"\r\n\r\n([^\r]*? \[mc-)")
_FORM = re.compile(r'"form:\w+"')
_ANSWER = re.compile(r'^\{"text": "([^"\\]*)')
_TOLD_APART_BY_ALL_THEY_SAY = ("users.", "conversations.open", "conversations.info")


@dataclass(frozen=True, order=True)
class Spot:
    """One kind of request. `path` and `contains` are what a fault is ordered with, once `filled` in for a run."""

    server: str
    method: str
    path: str
    thing: str = ""
    contains: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.server, self.method, self.path, self.thing) if part)

    def match(self, identity: str, key_ids: Mapping[str, str]) -> dict[str, str]:
        """How an order names this request in a run: its database's uuid, its old keys' ids by description."""
        path, contains = self.path, self.contains.replace(_IDENTITY, identity)
        for description, key_id in key_ids.items():
            path = path.replace(f"<{description}>", key_id)
        match = {"method": self.method, "path": path}
        return match | {"contains": contains} if contains else match


@dataclass(frozen=True, order=True)
class Case:
    """The bot is killed at the `occurrence`-th request at a spot: just before it is applied, or just after."""

    spot: Spot
    occurrence: int
    when: str
    database: str

    def __str__(self) -> str:
        return f"{self.spot} #{self.occurrence}, {self.when}, {self.database}"

    def arm(self, run: CrashRun) -> "WireBlow":
        """Have it happen in that run, whose bot must have been started, and have done nothing yet."""
        server = run.mailgun.orders if self.spot.server == "mailgun" else run.slack.orders
        match = self.spot.match(run.identity, key_ids(run.before))
        server.fault(match, "kill", when=self.when, occurrence=self.occurrence, pid=run.bot.pid)
        return WireBlow(server)


@dataclass(frozen=True)
class WireBlow:
    """One such crash in one run."""

    server: Orders

    @property
    def fired(self) -> bool:
        """Whether the server says that it happened."""
        return any(fault["fired"] for fault in self.server.look("faults")["faults"])


def spot_of(heard: Heard, key_ids: Mapping[str, str]) -> Spot:
    """Where on the wire a request was; `key_ids` are those of the old keys, by description."""
    return _at_mailgun(heard, key_ids) if heard.server == "mailgun" else _at_slack(heard)


def _at_mailgun(heard: Heard, key_ids: Mapping[str, str]) -> Spot:
    if heard.method == "POST" and (made := _DESCRIPTION.search(heard.text)):
        return Spot(heard.server, heard.method, heard.path, made[1].removesuffix(" [mc-"), f"\r\n\r\n{made[1]}")
    for description, key_id in key_ids.items():
        if heard.path.endswith(key_id):
            return Spot(heard.server, heard.method, heard.path.replace(key_id, f"<{description}>"))
    return Spot(heard.server, heard.method, heard.path)


def _at_slack(heard: Heard) -> Spot:
    body = heard.text.split("\n", 2)[2]
    if marker := _MARKER.search(body):
        kind, details, key = marker.groups()
        event = f'"mailgun_recovery_{kind}"'
        if kind in _ANY_OF_ITS_KIND:
            return Spot(heard.server, heard.method, heard.path, kind, event)
        whole = f'{event}, "event_payload": {{{details}"key": "{_IDENTITY}:{key}"'
        return Spot(heard.server, heard.method, heard.path, f"{kind} {key}", whole)
    if heard.path.startswith("/response/"):
        said = answer[1] if (answer := _ANSWER.search(body)) else ""
        return Spot(heard.server, heard.method, "/response/*", f"“{said}”", f'{{"text": "{said}')
    if form := _FORM.search(body):
        return Spot(heard.server, heard.method, heard.path, json.loads(form[0]), form[0])
    if heard.path.startswith(_TOLD_APART_BY_ALL_THEY_SAY):
        said = body.split("\n", 1)[0]
        return Spot(heard.server, heard.method, heard.path, said.partition("=")[2], said)
    return Spot(heard.server, heard.method, heard.path)


def key_ids(state: JsonObject) -> dict[str, str]:
    """The ids of an account's keys, by description."""
    return {str(key["description"]): str(key["id"]) for key in state["keys"]}


def count(heard: Iterable[Heard], before: JsonObject) -> Counter[Spot]:
    """How many requests a run made at each spot."""
    ids = key_ids(before)
    return Counter(spot_of(each, ids) for each in heard)


def cases(runs: Sequence[Mapping[Spot, int]], databases: Sequence[str]) -> list[Case]:
    """Every case that each of the runs had: what one of them did without, another may do without, too."""
    always = {spot: min(run.get(spot, 0) for run in runs) for spot in runs[0]}
    return [
        Case(spot, occurrence, when, database)
        for spot, times in sorted(always.items())
        for occurrence in range(1, (min(times, MOST_POLLS) if spot.path == "/v5/users" else times) + 1)
        for when in WHENS
        for database in databases
    ]
