"""The long version of the message for Mailgun Support: what was found, removed and checked, by whom, item by item.

Pure: what is known in, Markdown out. It says no more than the thread does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recovery.export import escaped, moment, table_row
from recovery.findings import Finding
from recovery.isolation import Check
from recovery.leaks import ScanResult
from recovery.state import Incident
from recovery.text import count
from recovery.things import kept


@dataclass(frozen=True)
class Noted:
    """What somebody wrote down about one topic of the note: by whom is a Slack user id."""

    title: str
    text: str
    by: str
    at: str


@dataclass(frozen=True)
class Report:
    """What a report is made of. `message` is the one that is pasted into the ticket; `names` are those of the Slack
    users in it, by id, as far as Slack told them."""

    incident: Incident
    at: datetime
    message: str
    findings: Sequence[Finding] = ()
    scans: Sequence[ScanResult] = ()
    checks: Sequence[Check] = ()
    notes: Sequence[Noted] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def called(self, user_id: str | None) -> str:
        """Who that is; empty for nobody."""
        if not user_id:
            return ""
        name = self.names.get(user_id)
        return f"{name} ({user_id})" if name else user_id


def user_ids(report: Report) -> list[str]:
    """The Slack users whom it names, each once."""
    found = [finding.decided_by for finding in report.findings]
    found += [check.by for check in report.checks] + [note.by for note in report.notes]
    return [one for one in dict.fromkeys(found) if one]


def write_report(report: Report) -> str:
    """The report in Markdown."""
    lines = [f"# Incident {report.incident.id}: report for Mailgun Support", "", f"As of {moment(report.at)} UTC.", ""]
    lines += [escaped(line) if line else "" for line in report.message.split("\n")]
    for title, rows in (
        ("What was found in the account", _findings(report)),
        ("Public repositories, their whole history", _repositories(report)),
        ("Checked where the servers are", _checks(report)),
        ("Notes", _notes(report)),
    ):
        lines += ["", f"## {title}", "", *rows]
    return "\n".join(lines) + "\n"


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        yield "Nothing that looks like an attacker's doing."
        return
    yield from _head(
        "number", "what", "why it was suspicious", "what became of it", "decided by", "when (UTC)", "it was"
    )
    for one in report.findings:
        of = f", subaccount {one.owner_name}" if one.owner_name else ""
        decided = (report.called(one.decided_by), moment(one.decided_at))
        yield _row(str(one.number), one.title + of, "; ".join(one.reasons), str(one.status), *decided, kept(one.thing))


def _repositories(report: Report) -> Iterator[str]:
    if not report.scans:
        yield "Not scanned by the bot."
        return
    for scan in report.scans:
        says = f"could not be read: {scan.unread}" if scan.unread else count(scan.found, "finding")
        yield f"- {escaped(scan.repository)}: {escaped(says)}"
        for one in scan.findings:
            source = f"; likely where it leaked: {one.source}" if one.source else ""
            told = f"{one.kind} in {one.where}, by {one.author or 'an unknown author'}, fingerprint {one.fingerprint}"
            yield f"  - {escaped(told + source)}"


def _checks(report: Report) -> Iterator[str]:
    if not report.checks:
        yield "Nothing was checked off."
    for check in report.checks:
        found = f": {check.found}" if check.found else ""
        yield f"- {escaped(f'{check.item} ({report.called(check.by)}, {moment(check.at)} UTC){found}')}"


def _notes(report: Report) -> Iterator[str]:
    if not report.notes:
        yield "None."
    for note in report.notes:
        yield f"- {escaped(f'{note.title} ({report.called(note.by)}): {note.text}')}"


def _head(*names: str) -> Iterator[str]:
    yield table_row(names)
    yield table_row(["---"] * len(names))


def _row(*cells: str) -> str:
    return table_row([escaped(cell) for cell in cells])
