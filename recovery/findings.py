"""Findings: what looks like an attacker's doing, as the incident remembers it, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from recovery.audit import Action, Actor, AuditFacts
from recovery.holdings import Holdings, Trace
from recovery.suspicion import SECOND_OWNER, Suspicion
from recovery.text import shortened
from recovery.things import Thing, is_other_route

CAN_BE_REMOVED = frozenset({Trace.KEY, Trace.LOGIN, Trace.ROUTE, Trace.WEBHOOK, Trace.ARCHIVE, Trace.ADDRESS})
"""What the bot can remove. The rest people remove in the control panel; the bot looks, and sees that it is gone."""

CAN_BE_PUT_BACK = frozenset({Trace.ROUTE, Trace.WEBHOOK, Trace.ARCHIVE, Trace.ADDRESS})
CAN_BE_CONFIRMED = frozenset({Trace.SENDING})
"""What only happened: with that nothing is there that could be removed."""
MADE_ANEW = frozenset({Trace.KEY, Trace.LOGIN})
"""What cannot be put back, because Mailgun shows its secret once: it is made anew and handed over."""


class FindingStatus(StrEnum):
    """`open` until somebody decides. `left` is what a skip of the step leaves as it is; `gone` what a later look did
    not find any more, though the bot did not remove it."""

    OPEN = "open"
    EXPECTED = "expected"
    REMOVING = "removing"
    REMOVED = "removed"
    RESTORING = "restoring"
    RESTORED = "put back"
    CONFIRMED = "confirmed"
    """It was the attack, and there is nothing to remove."""
    LEFT = "left"
    GONE = "gone"


S = FindingStatus

UNDER_WAY = (S.REMOVING, S.RESTORING)


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong, in one incident. `number` counts within the incident.

    `reasons` complete "because …". `thing` is what it was, enough to put it back; `owner_id` and `owner_name` are those
    of the subaccount that has it. `is_own` says that it is the address that the bot calls from. `version` grows with
    every change of `status`; buttons carry it.
    """

    id: int
    incident_id: int
    number: int
    trace: Trace
    subject: str
    title: str
    reasons: tuple[str, ...]
    status: FindingStatus
    found_at: datetime
    thing: Thing = field(default_factory=dict)
    owner_id: str | None = None
    owner_name: str | None = None
    is_own: bool = False
    version: int = 1
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def identity(self) -> tuple[Trace, str, str]:
        """What makes it the same finding at the next look."""
        return self.trace, self.owner_id or "", self.subject

    @property
    def called(self) -> str:
        """How the trail and the answers call it."""
        of = f", of the subaccount {self.owner_name}" if self.owner_name else ""
        return f"finding {self.number} ({self.title}{of})"

    def moved(self, to: FindingStatus, by: str | None = None, at: datetime | None = None) -> "Finding":
        """The same in another status and its next version: by that decision, or by nobody's."""
        return replace(self, status=to, version=self.version + 1, decided_by=by, decided_at=at)

    @property
    def blocks_support(self) -> bool:
        """Whether Support is not told before it is gone or somebody says that it is expected, whatever is skipped: an
        unknown user, or a second owner."""
        return self.trace is Trace.USER and self.status is S.OPEN


@dataclass(frozen=True)
class Compared:
    """What a look changes: findings to add, those that are gone, and those that are open again, as they are seen now
    but with the status that they had."""

    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    back: tuple[Finding, ...] = ()


def compare(known: Sequence[Finding], seen: Sequence[Suspicion], holdings: Holdings) -> Compared:
    """Hold what looks wrong by these holdings against what is known.

    What was removed and is there again is open again; so is what was gone, a route that was changed, and somebody who
    became an owner, whatever was decided of them before. Of what has moved since the look began,
    nothing is told: it may have been listed before it was removed. Of kinds that could not be listed nothing counts as
    gone, nor of a subaccount that is not listed.
    """
    by_identity = {finding.identity: finding for finding in known}
    now_seen = {(one.trace, one.owner.id if one.owner else "", one.subject): one for one in seen}
    unmoved = [finding for finding in known if holdings.versions.get(finding.id) == finding.version]
    listed = {None, *(subaccount.id for subaccount in holdings.subaccounts)}
    new = tuple(
        _as_finding(one, holdings.asked_at)
        for identity, one in now_seen.items()
        if identity not in by_identity and not _is_being_put_back(one, known)
    )
    gone = tuple(
        finding
        for finding in unmoved
        if finding.status is S.OPEN
        and finding.identity not in now_seen
        and finding.trace not in holdings.unread
        and finding.owner_id in listed
        and not is_about_people(finding)
    )
    back = tuple(
        _as_seen(finding, seen_now, why)
        for finding in unmoved
        if (seen_now := now_seen.get(finding.identity)) and (why := _why_open_again(finding, seen_now))
    )
    return Compared(new, gone, back)


def _is_being_put_back(seen: Suspicion, known: Sequence[Finding]) -> bool:
    """Whether it is a route that was just put back: its new id is written down a moment later."""
    routes = [one for one in known if one.trace is seen.trace is Trace.ROUTE and one.status is S.RESTORING]
    return any(not is_other_route(one.thing, seen.thing) for one in routes)


AGAIN = "it was gone, and is there again"
CHANGED = "it was changed since it was found"


def _why_open_again(finding: Finding, seen: Suspicion) -> str:
    """Why somebody must decide about it anew; empty where what was decided still holds."""
    if finding.status in UNDER_WAY:
        return ""
    if finding.status in (S.REMOVED, S.GONE):
        return AGAIN
    if finding.trace is Trace.ROUTE and is_other_route(finding.thing, seen.thing):
        return CHANGED
    is_owner_now = finding.trace is Trace.USER and SECOND_OWNER in seen.reasons
    return CHANGED if is_owner_now and SECOND_OWNER not in finding.reasons else ""


def _as_seen(finding: Finding, seen: Suspicion, why: str) -> Finding:
    return replace(finding, title=seen.title, reasons=(*seen.reasons, why), thing=seen.thing)


def found(finding: Finding) -> AuditFacts:
    """The trail's entry for a finding that is new, or open again."""
    return AuditFacts(Actor.BOT, Action.FOUND, finding.called, "; ".join(finding.reasons))


def is_about_people(finding: Finding) -> bool:
    """Whether it is a user whom nobody in Slack is known to be: `recovery.strangers` says what becomes of that."""
    return finding.trace is Trace.USER and bool(finding.thing.get("stranger"))


def _as_finding(one: Suspicion, at: datetime) -> Finding:
    return Finding(
        id=0,
        incident_id=0,
        number=0,
        trace=one.trace,
        subject=one.subject,
        title=one.title,
        reasons=one.reasons,
        status=S.OPEN,
        found_at=at,
        thing=one.thing,
        owner_id=one.owner.id if one.owner else None,
        owner_name=shortened(one.owner.name) if one.owner else None,
    )
