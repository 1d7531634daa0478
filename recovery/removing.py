"""Removing what a finding is about, and putting it back: what was approved, done at Mailgun once."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from recovery.account import KeyKind, Subaccount
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import NotFound, NotYet
from recovery.findings import UNDER_WAY, Finding, FindingStatus
from recovery.holdings import Trace
from recovery.jobs import Job, TaskKind
from recovery.key_plans import bots_key_id
from recovery.keyring import delete_surely, id_told_by
from recovery.ports import Mailgun
from recovery.state import Incident, NewTask, StepState
from recovery.store import Transaction
from recovery.things import address_of, kept, login_of, route_of, webhook_of

REMOVE = "investigate.remove"
RESTORE = "investigate.restore"

S = FindingStatus


def removal(incident: Incident, state: StepState, finding: Finding, *, back: bool = False) -> NewTask:
    """The task that removes what a finding is about, or puts it back."""
    kind = RESTORE if back else REMOVE
    return NewTask(
        kind,
        f"{kind}:{incident.id}:{finding.number}",
        incident.id,
        state.id,
        finding.called,
        payload={"finding": finding.id, "name": f"finding {finding.number}"},
    )


def remove(job: Job) -> None:
    """Remove it. Harmless to repeat: what is not there any more counts as removed."""
    finding = _finding(job)
    if finding.status is not S.REMOVING:
        return
    if may_be_own_key(finding) and in_use(job) is None:
        raise NotYet("the bot has no key of its own yet", seconds=job.tools.policy.settle.total_seconds())
    if finding.trace is Trace.KEY:
        delete_surely(job, finding.subject, owner_of(finding))
    else:
        job.hold()
        # Not found is removed: before a crash, or by somebody else meanwhile.
        with suppress(NotFound):
            _REMOVERS[finding.trace](_mailgun(job, finding), finding)
    _record(job, finding, S.REMOVED, Action.THING_REMOVED, kept(finding.thing))


def restore(job: Job) -> None:
    """Put it back as it was, unless an earlier attempt did."""
    finding = _finding(job)
    if finding.status is not S.RESTORING:
        return
    job.hold()
    subject = _RESTORERS[finding.trace](job, _mailgun(job, finding), finding)
    _record(job, finding, S.RESTORED, Action.THING_RESTORED, "", subject=subject)


def may_be_own_key(finding: Finding) -> bool:
    """Whether it is a key of the kind that the bot works with: an account key of the account itself."""
    return finding.trace is Trace.KEY and finding.thing.get("kind") == KeyKind.USER and finding.owner_id is None


def in_use(job: Job) -> str | None:
    """The id of the key that the bot works with, as far as the vault or the key's secret tells."""
    with job.tools.store.read() as tx:
        incident = tx.incidents.current()
        own = bots_key_id(tx, incident.id) if incident else None
    return own or id_told_by(job.tools.vault.current())


def _finding(job: Job) -> Finding:
    with job.tools.store.read() as tx:
        return tx.findings.get(int(str(job.task.payload["finding"])))


def _record(
    job: Job, finding: Finding, to: FindingStatus, action: Action, result: str, subject: str | None = None
) -> None:
    with job.record() as tx:
        now = job.tools.clock.now()
        if tx.findings.move(finding, UNDER_WAY, to, subject=subject or finding.subject):
            tx.audit.append(finding.incident_id, now, AuditFacts(Actor.BOT, action, finding.called, result))
        job.done(tx, job.task)


def _mailgun(job: Job, finding: Finding) -> Mailgun:
    return job.tools.mailgun.for_subaccount(finding.owner_id)


def owner_of(finding: Finding) -> Subaccount | None:
    """The subaccount that has what the finding is about, None for the account itself."""
    return Subaccount(finding.owner_id, finding.owner_name or "", is_open=True) if finding.owner_id else None


# --- Removing -------------------------------------------------------------------------------------------


def _remove_copies(mailgun: Mailgun, finding: Finding) -> None:
    region, domain = str(finding.thing["region"]), str(finding.thing["domain"])
    listed = next((one for one in mailgun.domains(region) if one.name == domain), None)
    # Somebody may have set another address meanwhile, which nobody has approved removing.
    if listed is not None and listed.archive_to == finding.thing["copies to"]:
        mailgun.archive_to(region, domain, "")


def _remove_route(mailgun: Mailgun, finding: Finding) -> None:
    region, _, route_id = finding.subject.partition("/")
    mailgun.delete_route(region, route_id)


_REMOVERS: Mapping[Trace, Callable[[Mailgun, Finding], None]] = {
    Trace.LOGIN: lambda mailgun, finding: mailgun.delete_login(login_of(finding.thing)),
    Trace.ROUTE: _remove_route,
    Trace.WEBHOOK: lambda mailgun, finding: mailgun.delete_webhook(webhook_of(finding.thing)),
    Trace.ARCHIVE: _remove_copies,
    Trace.ADDRESS: lambda mailgun, finding: mailgun.disallow(finding.subject),
}


# --- Putting back ---------------------------------------------------------------------------------------


def _restore_route(job: Job, mailgun: Mailgun, finding: Finding) -> str:
    """A route gets a new id. One that is the same in all else is what an earlier attempt made."""
    wanted = route_of(finding.thing)

    def is_same(there: object) -> bool:
        return there == (wanted.priority, wanted.description, wanted.expression, wanted.actions)

    for route in mailgun.routes(wanted.region):
        if is_same((route.priority, route.description, route.expression, route.actions)):
            return f"{route.region}/{route.id}"
    job.hold()
    made = mailgun.create_route(wanted)
    return f"{made.region}/{made.id}"


def _restore_webhook(job: Job, mailgun: Mailgun, finding: Finding) -> str:
    wanted = webhook_of(finding.thing)
    if wanted.subject not in [webhook.subject for webhook in mailgun.webhooks(wanted.region, wanted.domain)]:
        job.hold()
        mailgun.create_webhook(wanted)
    return finding.subject


def _restore_copies(job: Job, mailgun: Mailgun, finding: Finding) -> str:
    mailgun.archive_to(str(finding.thing["region"]), str(finding.thing["domain"]), str(finding.thing["copies to"]))
    return finding.subject


def _restore_address(job: Job, mailgun: Mailgun, finding: Finding) -> str:
    entry = address_of(finding.thing)
    if entry.address not in [one.address for one in mailgun.allowlist()]:
        job.hold()
        mailgun.allow(entry)
    return finding.subject


_RESTORERS: Mapping[Trace, Callable[[Job, Mailgun, Finding], str]] = {
    Trace.ROUTE: _restore_route,
    Trace.WEBHOOK: _restore_webhook,
    Trace.ARCHIVE: _restore_copies,
    Trace.ADDRESS: _restore_address,
}


REMOVE_KIND = TaskKind(REMOVE, remove, "removing what was found", effect=True)
RESTORE_KIND = TaskKind(RESTORE, restore, "putting back what was removed", effect=True)


def let_go(tx: Transaction, incident: Incident, by: str | None, now: datetime | None) -> None:
    """The step is skipped: what was about to be removed or put back, and failed, is left as it is."""
    for finding in tx.findings.of(incident.id):
        if finding.status in UNDER_WAY or (finding.status is S.OPEN and finding.trace is not Trace.USER):
            tx.findings.move(finding, (*UNDER_WAY, S.OPEN), S.LEFT, decided_by=by, decided_at=now)
