"""Removing what a finding is about, and putting it back: what was approved, done at Mailgun once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from recovery.account import KeyKind, Subaccount
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import NotFound, NotYet, Refused
from recovery.findings import CHANGED, UNDER_WAY, Finding, FindingStatus, found
from recovery.holdings import Trace
from recovery.jobs import Job, TaskKind
from recovery.keyring import delete_surely
from recovery.ports import Mailgun
from recovery.secret import fingerprint, told_key_id
from recovery.state import UNFINISHED, Incident, NewTask, StepState
from recovery.store import Transaction
from recovery.suspicion import route_title
from recovery.things import address_of, is_other_route, kept, login_of, of_route, route_of, webhook_of

REMOVE = "investigate.remove"
RESTORE = "investigate.restore"

WAS_THERE = "was_there"
"""In the payload of a removal: Mailgun listed the account key just before it was deleted."""

LONGEST_WAIT = timedelta(minutes=1)
"""How long an account key waits, after the last look whether the bot has one of its own, for the next."""

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
    """Remove it. Harmless to repeat: what is not there any more counts as removed.

    Raises `NotYet` where it may be the key that the bot works with, and `Refused` where it is.
    """
    finding = _finding(job)
    if finding.status is not S.REMOVING:
        return
    if finding.trace is Trace.KEY:
        if may_be_own_key(finding) and not _may_go(job, finding):
            return
        if may_be_own_key(finding) and not job.task.payload.get(WAS_THERE) and _is_listed(job, finding):
            job.note(**{WAS_THERE: True})
        delete_surely(job, finding.subject, owner_of(finding))
    else:
        if finding.trace is Trace.ROUTE and _is_another_by_now(job, finding):
            return
        job.hold()
        # Not found is removed: before a crash, or by somebody else meanwhile.
        with suppress(NotFound):
            _REMOVERS[finding.trace](job, _mailgun(job, finding), finding)
    _record(job, finding, S.REMOVED, Action.THING_REMOVED, kept(finding.thing))


def _may_go(job: Job, finding: Finding) -> bool:
    """Whether an account key may be deleted now. The bot may have been given that very key since it was approved; and
    what still waits when its incident ends is left as it is."""
    with job.record() as tx:
        if not tx.incidents.get(finding.incident_id).is_alive:
            let_go(tx, [finding], None, None)
            job.drop(tx, job.task, "the incident has ended")
            return False
    own = in_use(job)
    if own is None and _is_listed(job, finding):
        # Sooner at first: an approval of step 1 may follow this one.
        wait = min(job.tools.policy.settle * job.task.attempts, LONGEST_WAIT)
        raise NotYet("the bot has no key of its own yet", seconds=wait.total_seconds())
    if own == finding.subject:
        raise Refused(
            "The bot works with that key by now: without it it could do nothing more. Approve resetting the API keys, "
            "which gives the bot one of its own; then retry."
        )
    return True


def restore(job: Job) -> None:
    """Put it back as it was, unless an earlier attempt did."""
    finding = _finding(job)
    if finding.status is not S.RESTORING:
        return
    job.hold()
    subject = _RESTORERS[finding.trace](job, _mailgun(job, finding), finding)
    _record(job, finding, S.RESTORED, Action.THING_RESTORED, "", subject=subject)


def _is_listed(job: Job, finding: Finding) -> bool:
    """Whether Mailgun still has that key: people may delete it themselves, rather than wait."""
    job.hold()
    return any(key.id == finding.subject for key in job.tools.mailgun.keys())


def may_be_own_key(finding: Finding) -> bool:
    """Whether it is a key of the kind that the bot works with: an account key of the account itself."""
    return finding.trace is Trace.KEY and finding.thing.get("kind") == KeyKind.USER and finding.owner_id is None


def in_use(job: Job) -> str | None:
    """The id of the key that the bot works with, as far as the vault, its secret, or what was found out of that very
    secret tells. Of a key that it was given since, what was known of the one before says nothing."""
    secret = job.tools.vault.current()
    with job.tools.store.read() as tx:
        kept, incident = tx.vault.newest(), tx.incidents.current()
        said = [state.facts.get("own_key") for state in tx.steps.of(incident.id)] if incident else []
    if kept is not None and kept.mailgun_key_id:
        return kept.mailgun_key_id
    known = [one for one in said if isinstance(one, dict) and one["fingerprint"] == fingerprint(secret)]
    return told_key_id(secret) or next((str(one["id"]) for one in known), None)


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
            if job.task.payload.get(WAS_THERE) and tx.incidents.get(finding.incident_id).keys_expired_at:
                # It outlived step 1, and could undo until now what was set: that is offered for another reset.
                tx.incidents.set(finding.incident_id, keys_expired_at=now)
        job.done(tx, job.task)


def _mailgun(job: Job, finding: Finding) -> Mailgun:
    return job.tools.mailgun.for_subaccount(finding.owner_id)


def owner_of(finding: Finding) -> Subaccount | None:
    """The subaccount that has what the finding is about, None for the account itself."""
    return Subaccount(finding.owner_id, finding.owner_name or "", is_open=True) if finding.owner_id else None


# --- Removing -------------------------------------------------------------------------------------------


def _remove_copies(job: Job, mailgun: Mailgun, finding: Finding) -> None:
    region, domain = str(finding.thing["region"]), str(finding.thing["domain"])
    listed = next((one for one in mailgun.domains(region) if one.name == domain), None)
    # Somebody may have set another address meanwhile, which nobody has approved removing.
    if listed is not None and listed.archive_to == finding.thing["copies to"]:
        job.hold()
        mailgun.archive_to(region, domain, "")


def _is_another_by_now(job: Job, finding: Finding) -> bool:
    """Whether the route was changed since, which nobody has approved removing: then it waits for a decision anew."""
    job.hold()
    routes = _mailgun(job, finding).routes(str(finding.thing["region"]))
    listed = next((route for route in routes if f"{route.region}/{route.id}" == finding.subject), None)
    if listed is None or not is_other_route(finding.thing, of_route(listed)):
        return False
    with job.record() as tx:
        reasons = tuple(dict.fromkeys((*finding.reasons, CHANGED)))
        fields = {"title": route_title(listed), "thing": of_route(listed), "reasons": reasons}
        if moved := tx.findings.move(finding, [S.REMOVING], S.OPEN, decided_by=None, decided_at=None, **fields):
            tx.audit.append(finding.incident_id, job.tools.clock.now(), found(moved))
        job.done(tx, job.task)
    return True


def _remove_route(job: Job, mailgun: Mailgun, finding: Finding) -> None:
    region, _, route_id = finding.subject.partition("/")
    mailgun.delete_route(region, route_id)


_REMOVERS: Mapping[Trace, Callable[[Job, Mailgun, Finding], None]] = {
    Trace.LOGIN: lambda job, mailgun, finding: mailgun.delete_login(login_of(finding.thing)),
    Trace.ROUTE: _remove_route,
    Trace.WEBHOOK: lambda job, mailgun, finding: mailgun.delete_webhook(webhook_of(finding.thing)),
    Trace.ARCHIVE: _remove_copies,
    Trace.ADDRESS: lambda job, mailgun, finding: mailgun.disallow(finding.subject),
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
    """Raises `Refused` where copies go elsewhere by now: nobody has approved ending that."""
    region, domain, address = (str(finding.thing[name]) for name in ("region", "domain", "copies to"))
    listed = next((one for one in mailgun.domains(region) if one.name == domain), None)
    if listed is not None and listed.archive_to not in (None, address):
        raise Refused(
            f"Copies of the mail of {domain} go to another address by now. Remove that first, or skip the step."
        )
    job.hold()
    mailgun.archive_to(region, domain, address)
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


def let_go(tx: Transaction, findings: Sequence[Finding], by: str | None, at: datetime | None) -> None:
    """Leave these as they are: nothing more is done about them, unless somebody decides anew. What was to be put back
    is removed, and may be put back later."""
    tx.findings.save([one.moved(S.REMOVED if one.status is S.RESTORING else S.LEFT, by, at) for one in findings])


def let_go_on_skip(tx: Transaction, incident: Incident, by: str | None, at: datetime | None) -> None:
    """The step is skipped: what nobody decided about is left, save people; and what was about to be removed or put
    back, and failed."""
    findings = tx.findings.of(incident.id)
    left = [f for f in findings if f.status in UNDER_WAY or (f.status is S.OPEN and f.trace is not Trace.USER)]
    let_go(tx, left, by, at)


def let_go_on_cancel(tx: Transaction, incident: Incident, state: StepState, by: str, at: datetime) -> None:
    """The incident is cancelled: what was to be removed or put back, and was not begun, is left as it is."""
    tasks = [task for task in tx.tasks.of_step(state.id, *UNFINISHED) if task.kind in (REMOVE, RESTORE)]
    begun = {int(str(task.payload["finding"])) for task in tasks}
    findings = tx.findings.of(incident.id)
    let_go(tx, [f for f in findings if f.status in UNDER_WAY and f.id not in begun], by, at)
