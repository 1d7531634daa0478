"""Slack in memory: what the bot writes to it, what that says, and whom and what it knows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from recovery.audit import AuditEntry
from recovery.content import Button, Card, Content, Document, Marker, MarkerKind, Place, SecretsMessage, Trail
from recovery.errors import Gone, Later, Refused
from recovery.ports import ChannelFacts, Member, MemberPage, TrailMessage
from recovery.state import Request
from recovery.text import Line, plain
from tests.recovery.fakes.clock import FakeClock
from tests.recovery.fakes.faults import Faults


@dataclass
class Posted:
    """A message in Slack, with everything that it ever said."""

    ts: str
    place: Place
    marker: Marker
    said: list[Content] = field(default_factory=list)
    is_deleted: bool = False

    @property
    def content(self) -> Content:
        return self.said[-1]

    @property
    def words(self) -> str:
        return words(self.content)

    @property
    def secrets(self) -> dict[str, str]:
        """What it carried when it was posted, by "heading: label"."""
        first = self.said[0]
        if not isinstance(first, SecretsMessage):
            return {}
        return {
            f"{group.heading}: {item.label}": item.secret.reveal() for group in first.groups for item in group.items
        }


@dataclass
class Shared:
    """A file in Slack: nobody sees it until it is in a place."""

    id: str
    document: Document
    ts: str = ""
    place: Place | None = None
    words: str = ""
    is_deleted: bool = False


class FakeMessenger:
    """Slack as the bot writes to it. Messages stay, with all that they ever said."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.messages: list[Posted] = []
        self.answers: list[tuple[Request, Card]] = []
        self.opened: list[str] = []
        self.files: list[Shared] = []
        self.hidden_looks = 0
        """How many searches find nothing yet: metadata comes back with a delay."""
        self.while_posting: Callable[[Marker], None] = lambda marker: None
        self.while_redrawing: Callable[[Marker], None] = lambda marker: None
        self._lock = RLock()

    # --- what a test arranges and looks at

    def fail(self, call: str, error: Exception, about: str = "", *, after: bool = False, times: int = 1) -> None:
        """`about` is the marker's kind for a post, the user id for opening a direct message."""
        self.faults.order(call, error, about, after=after, times=times)

    def of_kind(self, kind: MarkerKind, channel: str | None = None) -> list[Posted]:
        return [
            message
            for message in self.messages
            if message.marker.kind is kind
            and not message.is_deleted
            and (channel is None or message.place.channel_id == channel)
        ]

    @property
    def shared(self) -> list[Shared]:
        """The files that people see."""
        return [file for file in self.files if file.place is not None and not file.is_deleted]

    @property
    def handovers(self) -> list[Posted]:
        return self.of_kind(MarkerKind.HANDOVER)

    # --- the port

    def open_direct(self, user_id: str) -> str:
        fault = self.faults.take("open_direct", user_id)
        if fault is not None:
            raise fault.error
        self.opened.append(user_id)
        return f"D-{user_id}"

    def post(self, place: Place, content: Content, marker: Marker) -> str:
        self.while_posting(marker)
        fault = self.faults.take("post", f"{marker.kind} {place.channel_id}")
        if fault is not None and not fault.after:
            raise fault.error
        if not place.channel_id:
            raise Refused("Slack knows no such channel", code="channel_not_found")
        with self._lock:
            message = Posted(f"{self.clock.now().timestamp():.6f}", place, marker, [content])
            self.messages.append(message)
        if fault is not None:
            raise fault.error
        return message.ts

    def redraw(self, channel_id: str, ts: str, content: Content, marker: Marker) -> None:
        fault = self.faults.take("redraw", marker.kind)
        if fault is not None:
            raise fault.error
        self._message(channel_id, ts).said.append(content)
        self.while_redrawing(marker)

    def delete(self, channel_id: str, ts: str) -> None:
        for file in self.files:
            if file.ts == ts:
                file.is_deleted = True
                return
        self._message(channel_id, ts).is_deleted = True

    def find(self, place: Place, marker: Marker, since: datetime) -> list[str]:
        fault = self.faults.take("find", marker.kind)
        if fault is not None:
            raise fault.error
        if self.hidden_looks:
            self.hidden_looks -= 1
            return []
        return [
            message.ts
            for message in self.messages
            if message.place == place
            and (message.marker.kind, message.marker.key) == (marker.kind, marker.key)
            and float(message.ts) >= since.timestamp()
            and not message.is_deleted
        ]

    def permalink(self, channel_id: str, ts: str) -> str:
        return f"https://slack.example/{channel_id}/{ts}"

    def answer(self, request: Request, card: Card) -> None:
        fault = self.faults.take("answer", request.user_id)
        if fault is not None:
            raise fault.error
        self.answers.append((request, card))

    def measure(self, content: Content) -> int:
        return len(words(content))

    def digest(self, content: Content) -> str:
        return str(hash(words(content) + repr(getattr(content, "buttons", ""))))

    # --- files, and the trail's copy

    def bring(self, document: Document) -> str:
        fault = self.faults.take("bring", document.name)
        if fault is not None and not fault.after:
            raise fault.error
        self.files.append(Shared(f"F{len(self.files) + 1}", document))
        if fault is not None:
            raise fault.error
        return self.files[-1].id

    def share(self, place: Place, file_id: str, document: Document, words: Line) -> None:
        fault = self.faults.take("share", file_id)
        if fault is not None and not fault.after:
            raise fault.error
        file = next(file for file in self.files if file.id == file_id)
        with self._lock:
            file.ts, file.place, file.words = f"{self.clock.now().timestamp():.6f}", place, plain(words)
        if fault is not None:
            raise fault.error

    def find_file(self, place: Place, file_id: str, since: datetime) -> list[str]:
        if self.hidden_looks:
            self.hidden_looks -= 1
            return []
        return [
            file.ts
            for file in self.shared
            if (file.place, file.id) == (place, file_id) and float(file.ts) >= since.timestamp()
        ]

    def trail(self, place: Place, since: datetime) -> list[TrailMessage]:
        fault = self.faults.take("trail", place.channel_id)
        if fault is not None:
            raise fault.error
        posted = [m for m in self.of_kind(MarkerKind.AUDIT, place.channel_id) if m.place == place]
        return [self._as_trail(message) for message in posted]

    def unlike(self, shown: str, entries: Sequence[AuditEntry]) -> AuditEntry | None:
        return None if shown == words(Trail(tuple(entries))) else entries[0]

    def _as_trail(self, message: Posted) -> TrailMessage:
        assert isinstance(message.content, Trail)
        hashes = {entry.number: entry.hash for entry in message.content.entries}
        edited = len(message.said) > 1
        return TrailMessage(message.ts, True, message.marker.key, hashes, edited, words(message.content))

    def _message(self, channel_id: str, ts: str) -> Posted:
        for message in self.messages:
            if message.ts == ts and message.place.channel_id == channel_id and not message.is_deleted:
                return message
        raise Gone("Slack has no such message", code="message_not_found")


class FakeDirectory:
    """A workspace: T-HOME, its people, user groups and channels."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.members: dict[str, Member] = {}
        self.groups: dict[str, frozenset[str]] = {}
        self.channels: dict[str, ChannelFacts] = {"C-OPS": ChannelFacts("C-OPS", "ops", is_member=True)}
        self.trouble: Exception | None = None
        self.passing: list[Exception] = []
        """What the next look-ups end with."""
        self.looked_up_a_minute: int | None = None
        self.page_size = 1000
        self.page_faults: dict[int, Exception] = {}
        """What a page of the list is answered with, by its number among all that are asked for."""
        self.pages = 0
        """How many pages of the list were asked for."""
        self._looked_up: list[datetime] = []

    def has(self, member: Member) -> Member:
        self.members[member.id] = member
        return member

    def change(self, user_id: str, **fields: Any) -> None:
        self.members[user_id] = replace(self.members[user_id], **fields)

    def home_team(self) -> str:
        self._asked()
        return "T-HOME"

    def member(self, user_id: str) -> Member | None:
        self._asked()
        return self.members.get(user_id)

    def by_email(self, email: str) -> Member | None:
        self._asked()
        if self.looked_up_a_minute is not None:
            now = self.clock.now()
            self._looked_up = [at for at in self._looked_up if now - at < timedelta(minutes=1)]
            if len(self._looked_up) >= self.looked_up_a_minute:
                raise Later("Slack asks the bot to slow down", seconds=30)
            self._looked_up.append(now)
        return next((member for member in self.members.values() if (member.email or "").lower() == email.lower()), None)

    def everyone(self, cursor: str = "") -> MemberPage:
        self._asked()
        self.pages += 1
        if (fault := self.page_faults.pop(self.pages, None)) is not None:
            raise fault
        start = int(cursor or 0)
        members = tuple(self.members.values())[start : start + self.page_size]
        end = start + self.page_size
        return MemberPage(members, str(end) if end < len(self.members) else "")

    def group(self, group_id: str) -> frozenset[str]:
        self._asked()
        return self.groups.get(group_id, frozenset())

    def channel(self, channel_id: str) -> ChannelFacts:
        self._asked()
        return self.channels.get(channel_id, ChannelFacts(channel_id, known=False))

    def _asked(self) -> None:
        if self.passing:
            raise self.passing.pop()
        if self.trouble is not None:
            raise self.trouble


def words(content: Content) -> str:
    """Everything that a message says to its reader, secrets included."""
    return "\n".join(_words(content))


def _words(content: Content) -> Iterator[str]:
    match content:
        case Card():
            yield content.notification
            yield content.title or ""
            yield from (plain(line) for line in content.lines)
            yield content.paste or ""
            for row in content.rows:
                yield plain(row.line)
                yield from (control.label for control in row.controls)
            for button in content.buttons:
                yield button.label
                if isinstance(button, Button) and button.confirm:
                    yield from (button.confirm.title, button.confirm.text, button.confirm.yes, button.confirm.no)
            yield plain(content.footer) if content.footer else ""
        case SecretsMessage():
            yield content.notification
            yield content.title
            yield from (plain(line) for line in content.lines)
            for group in content.groups:
                yield group.heading
                for item in group.items:
                    yield item.label
                    yield item.secret.reveal()
        case Trail():
            for entry in content.entries:
                yield f"{entry.number} {entry.facts.actor} {entry.facts.action} {entry.facts.result}"
                yield entry.facts.whom
                yield "" if entry.facts.private else entry.facts.subject
