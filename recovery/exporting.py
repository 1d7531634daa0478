"""The trail as a file in the incident's thread: an approver asks, a task uploads it, and records that it is there.

An upload has three calls. The first two show nothing to anybody and are simply made again. The third shares the file,
and can leave it unknown whether it did. Its message carries no metadata, so it is known by its file: the file's id is
written down before the call, and looked for in the thread, twice, `SETTLE` apart, before another file is uploaded.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from recovery.answers import plain_card
from recovery.audit import Action, AuditFacts
from recovery.audit_check import Kept, chain_fault
from recovery.content import Document
from recovery.decisions import By
from recovery.errors import Later, NotYet, OutsideError, Refused, Uncertain
from recovery.export import REPORT, Export, Form, chain_words, file_name, names_of, user_ids, write
from recovery.jobs import LOOKED, Job, TaskKind
from recovery.report import user_ids as report_users
from recovery.report import write_report
from recovery.reporting import read_report
from recovery.state import UNFINISHED, Incident, Json, NewTask, as_strings
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.text import Line, Who, count, line
from recovery.thread import thread_place

EXPORT = "export"
COPY = "export.copy"
MOST_FILES = 3
"""Files that are shared without certainty before a person is told."""

_FILES = "files"
_BROUGHT = "brought"
"""In a task's payload: the id of a file that was uploaded, and not shared."""
_BEGUN = "begun"
SHARED = "shared"
"""In a task's payload: the id of the file that stands in the thread."""

OTHERWISE = "Whoever runs the bot gets the trail with “python bot.py audit export”."


def export(tx: Transaction, incident: Incident, by: By, form: str, request_id: int) -> Line:
    """An approver wants the trail in the thread."""
    if incident.thread_ts is None:
        return line("The incident has no thread yet, so nothing was exported. Please try again in a moment.")
    if form not in {REPORT, *map(str, Form)}:
        return line("There is no such form of the trail. Nothing was exported.")
    payload: dict[str, Json] = {"request": request_id, "form": form, "by": by.user_id}
    # Not in the lane of the thread's messages: an upload that has to wait must not hold up the trail.
    lane = f"{EXPORT}:{incident.id}"
    tx.tasks.add([NewTask(EXPORT, f"{EXPORT}:{request_id}", incident.id, lane=lane, priority=2, payload=payload)])
    if form == REPORT:
        return line("The long version of the message for Mailgun Support goes into the thread.")
    return line(f"The trail goes into the thread as a {form.upper()} file, without the names that the thread hides.")


def upload(job: Job) -> None:
    """Share the trail in the thread, once, and record by whom it was asked for. A refusal is told to them, too."""
    try:
        shared = earlier_share(job) or new_share(job)
    except Refused as error:
        tell_asker(job, error)
        raise
    payload = job.task.payload
    incident_id = job.task.incident_id or 0
    job.note(**{SHARED: shared})
    with job.record() as tx:
        form, upto = str(payload["form"]), int(str(job.task.payload["upto"]))
        result = f"{count(upto, 'entry', 'entries')} as a {form.upper()} file in the thread"
        what, result = ("the report", "in the thread") if form == REPORT else ("the trail", result)
        facts = AuditFacts(str(payload["by"]), Action.EXPORTED, what, result)
        tx.audit.append(incident_id, job.tools.clock.now(), facts)
        job.done(tx, job.task)


def earlier_share(job: Job) -> str | None:
    """The file that an earlier attempt has shared, copies beyond the first deleted; None once none was found twice."""
    files = as_strings(job.task.payload.get(_FILES))
    if not files:
        return None
    found = find(job, files)
    if found:
        for _, copy in found[1:]:
            job.hold()
            job.tools.messenger.delete(incident_of(job).channel_id, copy)
        return found[0][0]
    job.look_again("looking once more whether the file arrived")
    if len(files) >= MOST_FILES:
        raise Refused(f"Slack did not say whether it shared the file, {MOST_FILES} times.")
    return None


def new_share(job: Job) -> str:
    """Upload the trail as it was at the first attempt, and share it; the file's id."""
    messenger, files = job.tools.messenger, as_strings(job.task.payload.get(_FILES))
    incident = incident_of(job)
    document, upto = document_of(job, incident)
    file_id = brought_before(job)
    if file_id is None:
        job.hold()
        file_id = messenger.bring(document)
    begun = job.task.payload.get(_BEGUN) or job.tools.clock.now().isoformat()
    job.note(**{_FILES: [*files, file_id], _BROUGHT: None, LOOKED: 0, _BEGUN: begun, "upto": upto})
    job.hold()
    job.if_lost(copy_task(job, file_id))
    try:
        messenger.share(thread_place(incident), file_id, document, words(job))
    except Later:
        job.note(**{_FILES: files, _BROUGHT: file_id})
        raise
    except Refused:
        job.note(**{_FILES: files})
        raise
    except Uncertain as error:
        settle = job.tools.policy.settle.total_seconds()
        raise NotYet(f"not sure that the file arrived: {error}", seconds=min(settle, 5.0)) from error
    return file_id


def brought_before(job: Job) -> str | None:
    """The file that an earlier attempt has uploaded, and could not share yet."""
    brought = job.task.payload.get(_BROUGHT)
    return None if brought is None else str(brought)


def find(job: Job, files: list[str]) -> list[tuple[str, str]]:
    """Which of these files stand in the thread, each with its message's `ts`, oldest first."""
    since = datetime.fromisoformat(str(job.task.payload[_BEGUN])) - timedelta(minutes=1)
    place = thread_place(incident_of(job))
    found = []
    for file_id in files:
        job.hold()
        found += [(file_id, ts) for ts in job.tools.messenger.find_file(place, file_id, since)]
    return sorted(found, key=lambda one: float(one[1]))


def document_of(job: Job, incident: Incident) -> tuple[Document, int]:
    """The trail in the form that was asked for, without private names; and how many entries that is.

    Every attempt has the same entries: whichever file is found in the end, the record of it is right.
    """
    if job.task.payload["form"] == REPORT:
        return report_of(job, incident), 0
    tools, form = job.tools, Form(str(job.task.payload["form"]))
    with tools.store.read() as tx:
        incident = tx.incidents.get(incident.id)
        entries = tx.audit.entries(incident.id)
    chain = chain_words(chain_fault(Kept(tools.store.identity(), incident.id, incident.audit_count, entries)))
    entries = entries[: int(str(job.task.payload.get("upto", len(entries))))]
    names = names_of(tools.directory, user_ids(incident, entries), job.hold)
    exported = Export(incident, entries, tools.clock.now(), chain, whole=False, names=names)
    return Document(file_name(incident.id, form), write(exported, form)), len(entries)


def report_of(job: Job, incident: Incident) -> Document:
    """The long version of the message for Support, as it is now."""
    tools = job.tools
    with tools.store.read() as tx:
        told = read_report(tx, STEPS, tx.incidents.get(incident.id), tools.policy, tools.clock.now())
    told = replace(told, names=names_of(tools.directory, report_users(told), job.hold))
    return Document(f"mailgun-incident-{incident.id}-report.md", write_report(told))


def words(job: Job) -> Line:
    """What stands beside the file."""
    who = Who(str(job.task.payload["by"]))
    if job.task.payload["form"] == REPORT:
        return line("The long version for Mailgun Support, for ", who, ". Read it before you attach it to the ticket.")
    return line("The trail so far, exported for ", who, ". What concerns people's passwords and 2FA is without names.")


def incident_of(job: Job) -> Incident:
    """The job's incident."""
    with job.tools.store.read() as tx:
        return tx.incidents.get(job.task.incident_id or 0)


def tell_asker(job: Job, error: OutsideError) -> None:
    """Tell whoever asked that it will not come. The trail says so as well, so a lost answer is no harm."""
    with job.tools.store.read() as tx:
        request = tx.requests.get(int(str(job.task.payload["request"])))
    job.hold()
    try:
        job.tools.messenger.answer(request, plain_card(line(f"The trail was not exported: {error} {OTHERWISE}")))
    except OutsideError:
        return


# --- Copies ---------------------------------------------------------------------------------------------


def copy_task(job: Job, file_id: str) -> NewTask:
    """What follows if another process has taken the export over: it may have shared a file of its own."""
    payload: dict[str, Json] = {"of": job.task.id, "file": file_id, _BEGUN: job.tools.clock.now().isoformat()}
    return NewTask(COPY, f"{COPY}:{job.task.id}:{file_id}", job.task.incident_id, priority=3, payload=payload)


def delete_copy(job: Job) -> None:
    """Once the other process is done, delete the message of this file, unless it is the one that stands."""
    payload = job.task.payload
    with job.tools.store.read() as tx:
        original = tx.tasks.get(int(str(payload["of"])))
    if original.status in UNFINISHED:
        raise NotYet("another process is still at it", seconds=1)
    if original.payload.get(SHARED) == payload["file"]:
        return
    found = find(job, [str(payload["file"])])
    for _, ts in found:
        job.hold()
        job.tools.messenger.delete(incident_of(job).channel_id, ts)
    if not found:
        job.look_again("looking once more for a copy")


EXPORT_KINDS = (
    TaskKind(EXPORT, upload, "exporting the trail"),
    TaskKind(COPY, delete_copy, "deleting a second copy of a file", most_attempts=None),
)
