"""In-memory stand-ins for the outside world. They keep what they are told, and fail where they are told to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event, RLock

from recovery.account import AccountUser, ApiKey, Domain, KeyKind, KeySpec, Login
from recovery.content import Card, Content, Marker, MarkerKind, Place, SecretsMessage, Trail
from recovery.errors import KeyLimitReached, KeyRefused, NotFound, Refused
from recovery.ports import ChannelFacts, Member, NewKey
from recovery.secret import Secret
from recovery.state import Request
from recovery.text import plain

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday, in working hours."""


class FakeClock:
    """Stands still but for a thousandth of a second at each look, so that no two moments are the same."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at
        self._lock = RLock()

    def now(self) -> datetime:
        with self._lock:
            self._at += timedelta(milliseconds=1)
            return self._at

    def pass_by(self, time: timedelta) -> None:
        with self._lock:
            self._at += time

    def go_to(self, at: datetime) -> None:
        with self._lock:
            self._at = max(self._at, at)


class Stopping(Event):
    """The process's end. Waiting for it takes no time here: the clock is moved instead."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._clock.pass_by(timedelta(seconds=timeout or 0))
        return self.is_set()


@dataclass
class Fault:
    """The error of the next `times` calls named `call` about something containing `about`.

    `after` means that the call has its effect all the same.
    """

    call: str
    error: Exception
    about: str = ""
    after: bool = False
    times: int = 1


class Faults:
    """What was ordered to go wrong."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._lock = RLock()

    def order(self, call: str, error: Exception, about: str = "", *, after: bool = False, times: int = 1) -> None:
        self._ordered.append(Fault(call, error, about, after, times))

    def clear(self) -> None:
        self._ordered.clear()

    def take(self, call: str, about: str) -> Fault | None:
        with self._lock:
            for fault in self._ordered:
                if fault.call == call and fault.about in about and fault.times > 0:
                    fault.times -= 1
                    return fault
            return None


class FakeMailgun:
    """An account in two regions. A call by a key that is deleted is refused, as the real one does."""

    regions: Sequence[str] = ("us", "eu")

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.calling: Callable[[], Secret] = lambda: Secret("nobody")
        self.api_keys: dict[str, ApiKey] = {}
        self.key_secrets: dict[str, str] = {}
        self.all_domains: list[Domain] = []
        self.all_logins: list[Login] = []
        self.passwords: dict[str, list[str]] = {}
        self.people: dict[str, AccountUser] = {}
        self.key_limit: int | None = None
        self.status: str | None = None
        self.calls: list[tuple[str, str]] = []
        self._made = 0
        self._lock = RLock()

    # --- what a test arranges and looks at

    def fail(self, call: str, error: Exception, about: str = "", *, after: bool = False, times: int = 1) -> None:
        self.faults.order(call, error, about, after=after, times=times)

    def has_key(self, key: ApiKey, secret: str) -> ApiKey:
        self.api_keys[key.id] = key
        self.key_secrets[key.id] = secret
        return key

    def has_domain(self, domain: Domain, *logins: str) -> Domain:
        self.all_domains.append(domain)
        self.all_logins += [Login(domain.region, domain.name, login) for login in logins]
        return domain

    def has_user(self, user: AccountUser) -> AccountUser:
        self.people[user.id] = user
        return user

    def change_user(self, user_id: str, **fields: object) -> None:
        self.people[user_id] = replace(self.people[user_id], **fields)  # type: ignore[arg-type]

    def password_of(self, subject: str) -> str | None:
        """The one that works now."""
        return self.passwords[subject][-1] if self.passwords.get(subject) else None

    def called(self, *calls: str) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] in calls]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Every call that changed or tried to change something."""
        return self.called("create_key", "delete_key", "set_password")

    # --- the port

    def keys(self) -> list[ApiKey]:
        with self._call("keys"):
            return list(self.api_keys.values())

    def create_key(self, spec: KeySpec) -> NewKey:
        with self._lock, self._call("create_key", spec.description):
            if self.key_limit is not None and len(self.api_keys) >= self.key_limit:
                raise KeyLimitReached("could not create key, account limit reached", status=403)
            self._made += 1
            key = ApiKey(
                id=f"new-{self._made}",
                kind=spec.kind,
                role=spec.role,
                description=spec.description,
                created_at=self.clock.now(),
                domain_name=spec.domain_name,
            )
            secret = f"secret-of-new-{self._made}-0123456789abcdef"
            self.has_key(key, secret)
            return NewKey(key, Secret(secret))

    def delete_key(self, key_id: str) -> None:
        with self._call("delete_key", key_id):
            if key_id not in self.api_keys:
                raise NotFound("no such key", status=404)
            del self.api_keys[key_id]
            del self.key_secrets[key_id]

    def prove_key(self, secret: Secret) -> None:
        with self._call("prove_key"):
            if secret.reveal() not in self.key_secrets.values():
                raise KeyRefused("Mailgun refused the key", status=401)

    def domains(self, region: str) -> list[Domain]:
        with self._call("domains", region):
            return [domain for domain in self.all_domains if domain.region == region]

    def logins(self, region: str, domain: str) -> list[Login]:
        with self._call("logins", domain):
            return [login for login in self.all_logins if (login.region, login.domain) == (region, domain)]

    def set_password(self, login: Login, password: Secret) -> None:
        with self._call("set_password", login.subject):
            if login not in self.all_logins:
                raise NotFound("no such login", status=404)
            self.passwords.setdefault(login.subject, []).append(password.reveal())

    def users(self) -> list[AccountUser]:
        with self._call("users"):
            return list(self.people.values())

    def outage(self) -> str | None:
        return self.status

    def _call(self, call: str, about: str = "") -> "_Called":
        with self._lock:
            self.calls.append((call, about))
        fault = self.faults.take(call, about)
        if fault is not None and not fault.after:
            raise fault.error
        if self.calling().reveal() not in self.key_secrets.values():
            raise KeyRefused("Forbidden", status=401)
        return _Called(fault)


class _Called:
    """Withholds the answer of a call that a fault `after` was ordered for."""

    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._fault is not None and error is None:
            raise self._fault.error


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


class FakeMessenger:
    """Slack as the bot writes to it. Messages stay, with all that they ever said."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.messages: list[Posted] = []
        self.answers: list[tuple[Request, Card]] = []
        self.opened: list[str] = []
        self.hidden_looks = 0
        """How many searches find nothing yet: metadata comes back with a delay."""
        self.while_posting: Callable[[Marker], None] = lambda marker: None
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

    def delete(self, channel_id: str, ts: str) -> None:
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

    def _message(self, channel_id: str, ts: str) -> Posted:
        for message in self.messages:
            if message.ts == ts and message.place.channel_id == channel_id and not message.is_deleted:
                return message
        raise Refused("Slack has no such message", code="message_not_found")


class FakeDirectory:
    """A workspace: T-HOME, its people, user groups and channels."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.groups: dict[str, frozenset[str]] = {}
        self.channels: dict[str, ChannelFacts] = {"C-OPS": ChannelFacts("C-OPS", "ops", is_member=True)}
        self.trouble: Exception | None = None

    def has(self, member: Member) -> Member:
        self.members[member.id] = member
        return member

    def change(self, user_id: str, **fields: object) -> None:
        self.members[user_id] = replace(self.members[user_id], **fields)  # type: ignore[arg-type]

    def home_team(self) -> str:
        self._asked()
        return "T-HOME"

    def member(self, user_id: str) -> Member | None:
        self._asked()
        return self.members.get(user_id)

    def by_email(self, email: str) -> Member | None:
        self._asked()
        return next((member for member in self.members.values() if member.email == email), None)

    def group(self, group_id: str) -> frozenset[str]:
        self._asked()
        return self.groups.get(group_id, frozenset())

    def channel(self, channel_id: str) -> ChannelFacts:
        self._asked()
        return self.channels.get(channel_id, ChannelFacts(channel_id, known=False))

    def _asked(self) -> None:
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
                if row.button:
                    yield row.button.label
            for button in content.buttons:
                yield button.label
                if button.confirm:
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


__all__ = ["START", "FakeClock", "FakeDirectory", "FakeMailgun", "FakeMessenger", "KeyKind", "Posted", "words"]
