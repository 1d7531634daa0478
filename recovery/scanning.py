"""The scan of the public repositories: asked for by an approver, a task for each, one after the other.

What it comes to is kept in the facts of the step that asks for it, under `scan`: who asked and when, the repositories,
and the result of each as soon as there is one. A secret that was found is in memory for as long as it takes to make
its finding, and nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import CannotRead
from recovery.jobs import Job, Stopping, TaskKind
from recovery.key_plans import bots_key_id
from recovery.leaks import MOST_KEPT, LeakFinding, ScanResult, finding_of, in_words, likely_source
from recovery.policy import Policy
from recovery.state import UNFINISHED, Incident, Json, NewTask, StepState, TaskStatus, as_strings
from recovery.step import OPEN_TO_NOTES
from recovery.store import Transaction
from recovery.text import Line, Who, line, listing

SCAN = "leaks.scan"

NOT_SET_UP = line("No repositories are named to be scanned. Whoever runs the bot names them in LEAK_SCAN.")


@dataclass(frozen=True)
class Scan:
    """One scan, as far as it is. `number` counts the scans of the incident; 0 is none yet.

    `targets` is what `LEAK_SCAN` named then; `repositories` has an organisation's in its place, once they are listed.
    """

    number: int = 0
    by: str = ""
    targets: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    results: tuple[ScanResult, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether every repository has a result."""
        return self.number > 0 and len(self.results) >= len(self.repositories)

    @property
    def unread(self) -> list[ScanResult]:
        """Those that could not be read."""
        return [result for result in self.results if result.unread]

    @property
    def findings(self) -> list[LeakFinding]:
        """What was found, the likely source first."""
        found = [finding for result in self.results for finding in result.findings]
        return sorted(found, key=lambda finding: not finding.source)

    @property
    def sources(self) -> list[LeakFinding]:
        """The findings that are keys which were deleted since."""
        return [finding for finding in self.findings if finding.source]


def scan_of(state: StepState) -> Scan:
    """The last scan, from a step's facts."""
    kept = state.facts.get("scan")
    if not isinstance(kept, dict):
        return Scan()
    number, results = kept.get("number"), kept.get("results")
    return Scan(
        number if isinstance(number, int) else 0,
        str(kept.get("by") or ""),
        tuple(as_strings(kept.get("targets"))),
        tuple(as_strings(kept.get("repositories"))),
        tuple(ScanResult.from_facts(name, one) for name, one in results.items() if isinstance(one, dict))
        if isinstance(results, dict)
        else (),
    )


def keep(tx: Transaction, state: StepState, scan: Scan) -> None:
    """Write it into the step's facts."""
    targets: list[Json] = [*scan.targets]
    repositories: list[Json] = [*scan.repositories]
    results: dict[str, Json] = {result.repository: result.as_facts() for result in scan.results}
    kept: dict[str, Json] = {
        "number": scan.number,
        "by": scan.by,
        "targets": targets,
        "repositories": repositories,
        "results": results,
    }
    tx.steps.set(state.id, facts={**state.facts, "scan": kept})
    # A step's facts alone do not have the thread drawn anew.
    tx.incidents.set(state.incident_id)


# --- Asked for --------------------------------------------------------------------------------------------


def ask_for_scan(
    tx: Transaction, incident: Incident, state: StepState, policy: Policy, user_id: str, at: datetime, drawn: str | None
) -> Line:
    """Scan the repositories: all, or, after a scan of the same that could not read some, those alone.

    `drawn` is the number of the scan that the button knew of, None when it was typed.
    """
    if not policy.leak_scan:
        return NOT_SET_UP
    if state.status not in OPEN_TO_NOTES:
        return line(f"Step {state.number} is {state.status}. Nothing was changed.")
    earlier = scan_of(state)
    if tx.tasks.of_step(state.id, *UNFINISHED, kind=SCAN):
        return line("The repositories are being scanned already, for ", Who(earlier.by), ".")
    if drawn is not None and drawn != str(earlier.number):
        return line("The repositories were scanned for ", Who(earlier.by), " meanwhile. Nothing was changed.")
    for task in tx.tasks.of_step(state.id, TaskStatus.FAILED, kind=SCAN):
        tx.tasks.end(task, TaskStatus.DROPPED, at, task.failure)
    read = tuple(result for result in earlier.results if not result.unread)
    is_second_try = earlier.targets == policy.leak_scan and len(read) < len(earlier.repositories)
    repositories = earlier.repositories if is_second_try else policy.leak_scan
    scan = Scan(earlier.number + 1, user_id, policy.leak_scan, repositories, read if is_second_try else ())
    keep(tx, state, scan)
    wanted = [name for name in repositories if name not in {result.repository for result in scan.results}]
    tx.tasks.add(scan_task(state, scan.number, name) for name in wanted)
    tx.audit.append(incident.id, at, AuditFacts(user_id, Action.SCAN_ASKED, listing(wanted, 5)))
    return line("The repositories are being scanned, their whole history. The step shows what is found.")


def scan_task(state: StepState, number: int, name: str) -> NewTask:
    """The task for one repository, or for an organisation whose repositories have to be listed first."""
    return NewTask(
        SCAN,
        f"{SCAN}:{state.id}:{number}:{name}",
        state.incident_id,
        state.id,
        name,
        # One at a time: each takes all that the machine has to spare, and people see how far it is.
        lane=f"{SCAN}:{state.incident_id}",
        priority=6,
        payload={"scan": number},
    )


# --- Done -------------------------------------------------------------------------------------------------


def scan_one(job: Job) -> None:
    """Scan one repository, and record what was found; of an organisation, plan its repositories first.

    It only reads, so after a crash it is simply done again. While it runs, its lease is kept.
    """
    with job.tools.store.read() as tx:
        if not is_wanted(tx, job):
            return
    target = job.task.subject

    def alive() -> None:
        if job.tools.stopping.is_set():
            raise Stopping
        job.hold()

    try:
        repositories = job.tools.leaks.repositories(target, alive)
        result = found_in(job, target, alive) if repositories == [target] else None
    except CannotRead as error:
        repositories, result = [target], ScanResult(target, unread=str(error))
    with job.record() as tx:
        if is_wanted(tx, job):
            record_result(tx, job, result) if result else record_list(tx, job, repositories)
        job.done(tx, job.task)


def is_wanted(tx: Transaction, job: Job) -> bool:
    """Whether its scan is still the last one, of an incident that is alive."""
    state = tx.steps.get(job.task.step_id or 0)
    incident = tx.incidents.get(state.incident_id)
    is_last = scan_of(state).number == job.task.payload.get("scan")
    return incident.is_alive and state.status in OPEN_TO_NOTES and is_last


def found_in(job: Job, repository: str, alive: Callable[[], None]) -> ScanResult:
    """What a scan of this repository finds, without the secrets."""
    vault, incident_id = job.tools.vault, job.task.incident_id or 0
    found = job.tools.leaks.scan(repository, alive)
    findings = [
        finding_of(one, repository, vault.fingerprint(one.secret), is_own=vault.was_own(one.secret, incident_id))
        for one in found[:MOST_KEPT]
    ]
    return ScanResult(repository, tuple(findings), len(found))


def record_list(tx: Transaction, job: Job, repositories: Sequence[str]) -> None:
    """The repositories of an organisation take its place, each with a task of its own."""
    state = tx.steps.get(job.task.step_id or 0)
    scan = scan_of(state)
    new = [name for name in repositories if name not in scan.repositories]
    at = scan.repositories.index(job.task.subject) if job.task.subject in scan.repositories else 0
    rest = scan.repositories[at + 1 :]
    scan = replace(scan, repositories=(*scan.repositories[:at], *new, *rest))
    keep(tx, state, scan)
    tx.tasks.add(scan_task(state, scan.number, name) for name in new)
    tell_end(tx, job, state.incident_id, scan)


def record_result(tx: Transaction, job: Job, result: ScanResult) -> None:
    """What one repository came to, each finding with its entry in the trail, once."""
    state = tx.steps.get(job.task.step_id or 0)
    incident_id, now = state.incident_id, job.tools.clock.now()
    entries = tx.audit.entries(incident_id)
    own = bots_key_id(tx, incident_id)
    findings = tuple(replace(one, source=likely_source(one, entries, own)) for one in result.findings)
    result = replace(result, findings=findings)
    scan = scan_of(state)
    results = [one for one in scan.results if one.repository != result.repository]
    scan = replace(scan, results=(*results, result))
    keep(tx, state, scan)
    known = {entry.facts for entry in entries}
    told = [found_facts(one) for one in findings] + [source_facts(one) for one in findings if one.source]
    tx.audit.append_all(incident_id, now, [facts for facts in dict.fromkeys(told) if facts not in known])
    tell_end(tx, job, incident_id, scan)


def found_facts(finding: LeakFinding) -> AuditFacts:
    """The trail's entry for one finding."""
    author = f", by {finding.author}" if finding.author else ""
    what = f"{finding.kind}, fingerprint {finding.fingerprint}"
    return AuditFacts(Actor.BOT, Action.LEAK_FOUND, what, f"{finding.where}{author}")


def source_facts(finding: LeakFinding) -> AuditFacts:
    """The trail's entry for a finding that is a deleted key."""
    return AuditFacts(Actor.BOT, Action.SOURCE_FOUND, finding.source, finding.where)


def tell_end(tx: Transaction, job: Job, incident_id: int, scan: Scan) -> None:
    """With the last result, the trail says what the scan came to."""
    if scan.is_over:
        facts = AuditFacts(Actor.BOT, Action.SCANNED, "", in_words(scan.results))
        tx.audit.append(incident_id, job.tools.clock.now(), facts)


# --- What follows from what else is known -----------------------------------------------------------------


def mark_sources(tx: Transaction, incident: Incident, state: StepState, at: datetime) -> None:
    """Keys were deleted: findings of an earlier scan that are such keys are marked, and told of."""
    scan = scan_of(state)
    if not scan.findings:
        return
    entries, own = tx.audit.entries(incident.id), bots_key_id(tx, incident.id)
    marked: list[LeakFinding] = []

    def anew(finding: LeakFinding) -> LeakFinding:
        source = "" if finding.source else likely_source(finding, entries, own)
        if not source:
            return finding
        marked.append(replace(finding, source=source))
        return marked[-1]

    results = [replace(one, findings=tuple(map(anew, one.findings))) for one in scan.results]
    if marked:
        keep(tx, state, replace(scan, results=tuple(results)))
        tx.audit.append_all(incident.id, at, [source_facts(one) for one in marked])


SCAN_KIND = TaskKind(SCAN, scan_one, "scanning a repository")
