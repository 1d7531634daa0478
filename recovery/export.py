"""The trail as a file that a security reviewer or Mailgun Support can read. Pure: entries in, text out.

What `python bot.py audit export` prints is whole. What is uploaded to the thread says no more than the thread does:
what concerns a person's password or 2FA stands there without names. It has no hashes either: whoever has them can try
out which name a private entry holds, and they are in the metadata of the thread's messages for whoever verifies.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from recovery.audit import Actor, AuditEntry
from recovery.audit_check import Fault
from recovery.errors import OutsideError
from recovery.ports import Directory
from recovery.state import Incident

ACTORS = {Actor.BOT: "the bot", Actor.MAILGUN: "Mailgun", Actor.PERSON: "a person"}
LEFT_OUT = "(not shown here)"
WITHOUT_NAMES = (
    "As in the thread: what concerns a person's password or 2FA stands here without names. Whoever runs the bot gets "
    "the whole trail, with its hashes, from: python bot.py audit export"
)
WHOLE = "Whole: names and e-mail addresses of people are in it. Not for everybody."


REPORT = "report"
"""Beside the forms of the trail, what can be brought into the thread: the long version of the message for Support."""


class Form(StrEnum):
    """The forms that a trail is written in."""

    CSV = "csv"
    JSON = "json"
    MD = "md"


@dataclass(frozen=True)
class Export:
    """What is exported: an incident and its entries, when, with what was found about the chain.

    `names` are those of the Slack users in it, as far as Slack told them. `whole` shows private entries as they are,
    and the hashes.
    """

    incident: Incident
    entries: Sequence[AuditEntry]
    at: datetime
    chain: str
    whole: bool
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def audience(self) -> str:
        """For whom this is, in a sentence."""
        return WHOLE if self.whole else WITHOUT_NAMES


def write(export: Export, form: Form) -> str:
    """The export in that form."""
    writers = {Form.CSV: write_csv, Form.JSON: write_json, Form.MD: write_markdown}
    return writers[form](export)


def file_name(incident_id: int, form: Form) -> str:
    """The file's name."""
    return f"mailgun-incident-{incident_id}-trail.{form}"


def user_ids(incident: Incident, entries: Sequence[AuditEntry]) -> list[str]:
    """The Slack users that an export names, each once."""
    found = [incident.opened_by, incident.requester_id]
    for entry in entries:
        found += [entry.facts.actor, entry.facts.whom]
    return [one for one in dict.fromkeys(found) if one and one not in {str(actor) for actor in Actor}]


def names_of(directory: Directory, ids: Sequence[str], before: Callable[[], object]) -> dict[str, str]:
    """What those users are called, by id. Once Slack cannot be asked it is asked no more: the id stands alone.

    `before` is called before each look-up.
    """
    names: dict[str, str] = {}
    for user_id in ids:
        before()
        try:
            member = directory.member(user_id)
        except OutsideError:
            break
        if member is not None and member.name:
            names[user_id] = member.name
    return names


def chain_words(fault: Fault | None) -> str:
    """What was found about the chain, in a few words."""
    return f"not intact: {fault.says}" if fault else "intact in the database"


# --- What is in it --------------------------------------------------------------------------------------


def header(export: Export) -> list[tuple[str, str]]:
    """The incident's facts, as rows of a name and what it is."""
    incident = export.incident
    rows = [
        ("incident", str(incident.id)),
        ("status", str(incident.status)),
        ("opened (UTC)", moment(incident.opened_at)),
        ("opened by", called(export, incident.opened_by)),
        ("secrets go to", called(export, incident.requester_id)),
        ("what was said", incident.description),
        ("recovered (UTC)", moment(incident.recovered_at)),
        ("ended (UTC)", moment(incident.ended_at)),
        ("ticket at Mailgun Support", incident.ticket or ""),
        ("entries", str(len(export.entries))),
        ("exported (UTC)", moment(export.at)),
        ("chain", export.chain),
        ("note", export.audience),
    ]
    return [(name, value) for name, value in rows if value]


def columns(export: Export) -> list[str]:
    """The names of the columns of `cells`."""
    return ["number", "time (UTC)", "who", "what", "on what", "whom", "result", *(["hash"] if export.whole else [])]


def cells(export: Export, entry: AuditEntry) -> list[str]:
    """One entry as it stands in a table."""
    facts = entry.facts
    hidden = facts.private and not export.whole
    return [
        str(entry.number),
        moment(entry.at),
        called(export, facts.actor),
        str(facts.action),
        LEFT_OUT if hidden and facts.subject else facts.subject,
        LEFT_OUT if hidden and facts.whom else called(export, facts.whom),
        facts.result,
        *([entry.hash] if export.whole else []),
    ]


def called(export: Export, who: str) -> str:
    """Who that is: by name and Slack user id, by the id alone where no name is known."""
    for actor, words in ACTORS.items():
        if who == actor:
            return words
    name = export.names.get(who)
    return f"{name} ({who})" if name else who


def moment(at: datetime | None) -> str:
    """A moment in UTC, to the second, as spreadsheets read it; empty for none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""


# --- CSV ------------------------------------------------------------------------------------------------

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula, full-width forms included."""


def write_csv(export: Export) -> str:
    """The facts as rows of two cells, an empty row, and the table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in (*header(export), (), columns(export), *(cells(export, entry) for entry in export.entries)):
        writer.writerow([harmless(cell) for cell in row])
    return out.getvalue()


def harmless(text: str) -> str:
    """A cell that a spreadsheet shows and does not run, in one line: what would begin a formula gets a quote before
    it, as a spreadsheet's user would type it."""
    line = one_line(text)
    return f"'{line}" if line.startswith(FORMULA) else line


def one_line(text: str) -> str:
    """The text without line ends, tabs, and characters that cannot be seen."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())


# --- JSON -----------------------------------------------------------------------------------------------


def write_json(export: Export) -> str:
    """One document. Whole, an entry has every field that its hash covers, exactly as it is covered."""
    incident = export.incident
    document = {
        "incident": {
            "id": incident.id,
            "status": str(incident.status),
            "opened_at": exactly(incident.opened_at),
            "opened_by": person(export, incident.opened_by),
            "requester": person(export, incident.requester_id),
            "description": incident.description,
            "recovered_at": exactly(incident.recovered_at),
            "ended_at": exactly(incident.ended_at),
            "ticket": incident.ticket,
        },
        "exported_at": exactly(export.at),
        "chain": export.chain,
        "note": export.audience,
        "entries": [as_json(export, entry) for entry in export.entries],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_json(export: Export, entry: AuditEntry) -> dict[str, object]:
    """One entry as an object."""
    facts = entry.facts
    hidden = facts.private and not export.whole
    shown: dict[str, object] = {
        "number": entry.number,
        "at": exactly(entry.at) if export.whole else entry.at.astimezone(UTC).isoformat(timespec="seconds"),
        "actor": person(export, facts.actor),
        "action": str(facts.action),
        "subject": None if hidden else facts.subject,
        "whom": None if hidden or not facts.whom else person(export, facts.whom),
        "result": facts.result,
        "private": facts.private,
    }
    return shown | ({"previous": entry.previous, "hash": entry.hash} if export.whole else {})


def person(export: Export, who: str) -> dict[str, str | None]:
    """Who that is: an id, or the word for who acts when no person does; and the name."""
    return {"id": who, "name": export.names.get(who)}


def exactly(at: datetime | None) -> str | None:
    """A moment as the chain's hashes have it."""
    return at.astimezone(UTC).isoformat() if at else None


# --- Markdown -------------------------------------------------------------------------------------------


def write_markdown(export: Export) -> str:
    """A heading, the facts as a list, and a table."""
    lines = [f"# Incident {export.incident.id}: the trail", ""]
    lines += [f"- {name}: {escaped(value)}" for name, value in header(export)]
    lines += ["", table_row(columns(export)), table_row(["---"] * len(columns(export)))]
    lines += [table_row([escaped(cell) for cell in cells(export, entry)]) for entry in export.entries]
    return "\n".join(lines) + "\n"


def table_row(row: Sequence[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(row)} |"


MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|~#!"} | {"&": "&amp;"})


def escaped(text: str) -> str:
    """The text in one line, with whatever Markdown would take for a mark escaped."""
    return one_line(text).translate(MARKS)
