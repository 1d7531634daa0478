"""The investigation: what a look through the account changes in what is known of it, in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from recovery.account import KeyKind
from recovery.audit import Action, Actor, AuditFacts
from recovery.findings import UNDER_WAY, Compared, Finding, FindingStatus, compare, found
from recovery.holdings import Holdings, Trace, there, trace_of
from recovery.key_plans import bots_key_id, handed_ids, marks_in_work
from recovery.keyring import mark_of
from recovery.sending_chart import chart
from recovery.state import Facts, Incident, Json, StepState, StepStatus
from recovery.store import Transaction
from recovery.strangers import investigation, settle_strangers
from recovery.suspicion import Circumstances, suspicions
from recovery.text import count, listing
from recovery.things import kept
from recovery.weighing import enrol

S = FindingStatus


def weigh_look(
    tx: Transaction, incident: Incident, state: StepState, holdings: Holdings, own_keys: frozenset[str]
) -> Compared:
    """What this look changes, without changing it: always the same of one look, whenever it is asked."""
    before = state.facts.get("there")
    known = Circumstances(
        suspect_from=incident.suspect_from or incident.since,
        now=holdings.asked_at,
        own_keys=own_keys,
        before=frozenset(map(str, before)) if isinstance(before, list) else None,
        lacking=lacking(state),
    )
    return compare(tx.findings.of(incident.id), suspicions(holdings, known), holdings)


def record_look(
    tx: Transaction, incident: Incident, state: StepState, holdings: Holdings, own_keys: frozenset[str], now: datetime
) -> None:
    """Write down what this look changes, with its audit entries. Users are enrolled, and looked for in Slack."""
    changes = weigh_look(tx, incident, state, holdings, own_keys)
    new = tx.findings.add(incident.id, changes.new)
    back = [finding.moved(S.OPEN) for finding in changes.back]
    gone = [finding.moved(S.GONE) for finding in changes.gone]
    tx.findings.save([*back, *gone])
    is_first = "looked_at" not in state.facts
    facts = [found(finding) for finding in (*new, *back)]
    facts += [AuditFacts(Actor.BOT, Action.FINDING_GONE, finding.called) for finding in gone]
    if is_first or facts:
        says = count(len(new) + len(back), "finding")
        facts.insert(0, AuditFacts(Actor.BOT, Action.LOOKED, "the account", says))
    tx.audit.append_all(incident.id, now, facts)
    tx.steps.set(state.id, facts={**state.facts, **told_of(holdings, state, now)})
    users = {user.id: user for user in holdings.users if not user.is_disabled}
    settle_strangers(tx, incident.id, enrol(tx, incident, users), now, users.keys())


def own_keys(tx: Transaction, incident: Incident, holdings: Holdings) -> frozenset[str]:
    """The ids of the keys that the bot works with, or has made and handed over in this incident; and of those that it
    is about to hand over, by their marks: once that is done a mark says nothing, for it can be copied."""
    states = tx.steps.of(incident.id)
    handed = {made for state in states for made in handed_ids(tx, state)}
    marks = {mark for state in states for mark in marks_in_work(tx, state)}
    in_work = {key.id for key in holdings.keys if mark_of(key) in marks}
    return frozenset(handed | in_work | {known for known in (bots_key_id(tx, incident.id), holdings.in_use) if known})


def told_of(holdings: Holdings, state: StepState, now: datetime) -> Facts:
    """What the step keeps of a look: for its card, and for the looks to come."""
    known = state.facts.get("there")
    before = lacking(state) if isinstance(known, list) else frozenset(Trace)
    kept: list[Json] = known if isinstance(known, list) else []
    # What could not be listed at first is held against the first look that could.
    kept = [*kept, *(mark for mark in there(holdings) if trace_of(mark) in before - holdings.unread.keys())]
    lacks: list[Json] = [*sorted(before & holdings.unread.keys())]
    unread: list[Json] = [*holdings.unread.values()]
    counts: list[Json] = [*counted(holdings)]
    sending: list[Json] = [*chart(holdings.sent, now.date())]
    return {
        "looked_at": now.isoformat(),
        "there": kept,
        "lacking": lacks,
        "unread": unread,
        "counts": counts,
        "sending": sending,
    }


def lacking(state: StepState) -> frozenset[Trace]:
    """The kinds of things that no look could list yet."""
    kinds = state.facts.get("lacking")
    return frozenset(Trace(str(kind)) for kind in kinds) if isinstance(kinds, list) else frozenset()


def counted(holdings: Holdings) -> list[str]:
    """All that is there, in numbers."""
    lines = [
        f"Keys: {_keys(holdings)}.",
        f"Domains: {_domains(holdings)}; {count(len(holdings.logins), 'SMTP login')}.",
        f"Users: {_users(holdings)}.",
        f"{count(len(holdings.routes), 'route')}, {count(len(holdings.webhooks), 'webhook')}, "
        f"{count(len(holdings.allowlist), 'allowlist entry', 'allowlist entries')}, "
        f"{count(len(holdings.alerts), 'sending alert')}.",
    ]
    if holdings.subaccounts:
        lines.append(f"Subaccounts, counted above: {listing([one.name for one in holdings.subaccounts], 5)}.")
    return lines


def _keys(holdings: Holdings) -> str:
    of_kind = {kind: [key for key in holdings.keys if key.kind is kind] for kind in KeyKind}
    roles = _by_name([key.role for key in of_kind[KeyKind.USER]])
    return (
        f"{count(len(of_kind[KeyKind.USER]), 'account key')}{f' ({roles})' if roles else ''}, "
        f"{count(len(of_kind[KeyKind.DOMAIN]), 'domain sending key')}, "
        f"{count(len(of_kind[KeyKind.WEB]), 'control panel session')}"
    )


def _domains(holdings: Holdings) -> str:
    regions = _by_name([domain.region.upper() for domain in holdings.domains])
    copied = sum(domain.archive_to is not None for domain in holdings.domains)
    return f"{regions or 'none'}" + (f", of {count(copied, 'domain')} copies go elsewhere" if copied else "")


def _users(holdings: Holdings) -> str:
    users = [user for user in holdings.users if not user.is_disabled]
    owners = sum(user.is_master for user in users)
    roles = _by_name([user.role or "no role" for user in users])
    return f"{len(users):,} ({roles}), {count(owners, 'owner')} among them" if users else "none"


def _by_name(names: Sequence[str]) -> str:
    return ", ".join(f"{names.count(name):,} {name}" for name in sorted(set(names)))


def key_is_gone(tx: Transaction, incident_id: int, key_id: str, now: datetime) -> None:
    """The bot has deleted a key: what was found about that is settled, and need not wait for the next look."""
    for finding in tx.findings.of(incident_id):
        if finding.trace is not Trace.KEY or finding.subject != key_id:
            continue
        if tx.findings.move(finding, [S.REMOVING], S.REMOVED):
            facts = AuditFacts(Actor.BOT, Action.THING_REMOVED, finding.called, kept(finding.thing))
        elif tx.findings.move(finding, [S.OPEN], S.GONE):
            facts = AuditFacts(Actor.BOT, Action.FINDING_GONE, finding.called)
        else:
            continue
        tx.audit.append(incident_id, now, facts)
        if state := investigation(tx, incident_id):
            go_on(tx, tx.incidents.get(incident_id), state)


# --- Where the step stands ------------------------------------------------------------------------------


def is_decided(findings: Sequence[Finding]) -> bool:
    """Whether nothing is open or under way."""
    return not any(finding.status is S.OPEN or finding.status in UNDER_WAY for finding in findings)


def go_on(tx: Transaction, incident: Incident, state: StepState) -> None:
    """Have the step looked at: it has a removal to do, or nothing is open any more."""
    if is_decided(tx.findings.of(incident.id)):
        tx.steps.move(state, [StepStatus.WAITING], StepStatus.RUNNING)
