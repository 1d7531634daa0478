"""Step 6, the note: the hosting provider was contacted, the public repositories were checked.

It is done with a note about each, in a person's words. The checklist and the scan help whoever writes them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from recovery.actions import Ask
from recovery.content import Button, Row, Style
from recovery.isolation import Check, checks_of, key_of
from recovery.jobs import TaskKind
from recovery.leaks import LeakFinding, in_words
from recovery.scanning import SCAN, SCAN_KIND, Scan, mark_sources, scan_of
from recovery.state import UNFINISHED, Incident, StepState, StepStatus
from recovery.step import OPEN_TO_NOTES, Step, decision_buttons, notes
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Code, Line, When, Who, count, decapitalised, line

MOST_FINDINGS_SHOWN = 8
"""The card also needs room for the checklist with its buttons. The trail has every finding."""
MOST_UNREAD_SHOWN = 5
MOST_SOURCES_TOLD = 5


class Note(Step):
    kind = "note"
    number = 6
    title = "Check hosting and repositories"
    names = ("note", "notes", "hosting", "repositories")
    decided_by_approval = False
    topics: ClassVar[Mapping[str, str]] = {
        "hosting": "Hosting provider contacted",
        "repositories": "Public repositories checked",
    }

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (SCAN_KIND,)

    def explain(self, view: StepView) -> list[Line]:
        lines: list[Line] = []
        if view.state.status is not StepStatus.DONE:
            lines += [
                line("Ask the hosting provider whether the servers that send through Mailgun were broken into."),
                line("Look through the public repositories for keys and passwords, in old commits too."),
                line("Nothing is changed by the bot. Write down what was found, also when it was nothing."),
            ]
            named = len(view.policy.leak_scan)
            if named and not scan_of(view.state).number:
                what = count(named, "entry", "entries")
                lines.append(line(f"The bot can scan the whole history of {what} in LEAK_SCAN. It only reads."))
        for topic, title in self.topics.items():
            noted = notes(view.state).get(topic)
            if noted:
                lines.append(line(Bold(title), " by ", Who(noted["by"]), ": ", noted["text"]))
        return lines + scan_lines(view)

    def progress(self, view: StepView) -> str:
        parts = [f"{len(notes(view.state))} of {len(self.topics)} noted"]
        checklist = view.policy.isolation_checklist
        if checklist:
            checked = checks_of(view.state)
            parts.append(f"{sum(item in checked for item in checklist)} of {count(len(checklist), 'check')} done")
        scan = scan_of(view.state)
        if is_under_way(view):
            parts.append(how_far(scan))
        return ", ".join(parts)

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        return set(notes(state)) == set(self.topics)

    def on_other_done(self, tx: Transaction, incident: Incident, state: StepState, at: datetime) -> None:
        mark_sources(tx, incident, state, at)

    def summary(self, tx: Transaction, incident: Incident, state: StepState) -> str | None:
        """What was checked, where it leaked and whether that is closed. Notes are people's words, and stay inside."""
        parts = [f"{decapitalised(title)} by our team" for topic, title in self.topics.items() if topic in notes(state)]
        checked = [f"“{item}”" for item in checks_of(state)]
        if checked:
            parts.append(f"checked by our team where the servers are: {', '.join(checked)}")
        scan = scan_of(state)
        if scan.results:
            parts.append(f"the whole history of our public repositories: {in_words(scan.results)}")
        parts += [leaked(finding) for finding in scan.sources[:MOST_SOURCES_TOLD]]
        return "; ".join(parts) or None

    def rows(self, view: StepView) -> list[Row]:
        checked, state = checks_of(view.state), view.state
        is_open = state.status in OPEN_TO_NOTES and view.incident.is_alive
        rows = []
        for number, item in enumerate(view.policy.isolation_checklist, 1):
            if item in checked:
                rows.append(Row(checked_line(checked[item])))
            elif is_open:
                about = {**self.about(state), "item": key_of(item)}
                rows.append(Row(line(f"☐ {number}. {item}"), (Button(Ask.CHECKED, "Done", about),)))
            else:
                rows.append(Row(line(f"☐ {item}")))
        # What was checked off before the list was edited.
        gone = [check for item, check in checked.items() if item not in view.policy.isolation_checklist]
        return rows + [Row(checked_line(check)) for check in gone]

    def buttons(self, view: StepView) -> list[Button]:
        state = view.state
        buttons: list[Button] = []
        if state.status in (StepStatus.WAITING, StepStatus.SKIPPED):
            for topic, title in self.topics.items():
                if topic not in notes(state):
                    buttons.append(Button(Ask.NOTE, title, {**self.about(state), "topic": topic}, Style.PRIMARY))
        return buttons + self.scan_buttons(view) + decision_buttons(self, state)

    def scan_buttons(self, view: StepView) -> list[Button]:
        """The button that begins a scan, and the one that writes down what it came to."""
        state, scan = view.state, scan_of(view.state)
        if state.status not in OPEN_TO_NOTES or not view.incident.is_alive or is_under_way(view):
            return []
        about = {**self.about(state), "scan": str(scan.number)}
        buttons = []
        if view.policy.leak_scan:
            buttons.append(Button(Ask.SCAN, scan_label(scan, view.policy.leak_scan), about))
        waits_for_note = state.status is not StepStatus.DONE and "repositories" not in notes(state)
        if scan.is_over and waits_for_note:
            buttons.append(Button(Ask.NOTE_SCAN, "Note the scan's result", about))
        return buttons


def checked_line(check: Check) -> Line:
    """An item that was checked off: by whom, when, and what they found."""
    found: Line = (f": {check.found}",) if check.found else (".",)
    return line(f"☑ {check.item}, by ", Who(check.by), " at ", When(check.at), *found)


def is_under_way(view: StepView) -> bool:
    """Whether repositories are being scanned."""
    return bool(view.tasks(SCAN, *UNFINISHED))


def scan_label(scan: Scan, targets: Sequence[str]) -> str:
    """What the button says that begins a scan."""
    if not scan.number:
        return "Scan the repositories"
    is_left = scan.unread or not scan.is_over
    return "Retry what could not be read" if is_left and scan.targets == targets else "Scan again"


def how_far(scan: Scan) -> str:
    """Which repository a scan is at."""
    total = len(scan.repositories)
    return f"scanning repository {min(len(scan.results) + 1, total):,} of {total:,}"


def scan_lines(view: StepView) -> list[Line]:
    """What the scan has found so far: each finding, and what could not be read."""
    scan = scan_of(view.state)
    if not scan.number:
        return []
    head: Line = line(Bold("Scan:"), f" {in_words(scan.results)}. Asked for by ", Who(scan.by), ".")
    if is_under_way(view):
        head = line(Bold("Scan:"), f" {how_far(scan)}. So far: {in_words(scan.results)}.")
    found = scan.findings
    lines = [head, *(finding_line(finding) for finding in found[:MOST_FINDINGS_SHOWN])]
    left = sum(result.found for result in scan.results) - min(len(found), MOST_FINDINGS_SHOWN)
    if left:
        lines.append(line(f"and {count(left, 'more finding')}; the trail has {'it' if left == 1 else 'them'}."))
    unread = scan.unread
    lines += [
        line("Could not be read: ", Code(one.repository), f": {one.unread}") for one in unread[:MOST_UNREAD_SHOWN]
    ]
    if len(unread) > MOST_UNREAD_SHOWN:
        lines.append(line(f"and {len(unread) - MOST_UNREAD_SHOWN:,} more that could not be read."))
    return lines


def finding_line(finding: LeakFinding) -> Line:
    """Where one secret stands. What comes from the repository is plain text, whatever is in it."""
    parts: list[str | Bold | Code] = [f"• {finding.kind} "]
    if finding.source:
        parts = ["• ", Bold("Likely source:"), f" {finding.kind} "]
    parts += ["in ", Code(finding.repository), f", {finding.file}, line {finding.line:,}"]
    if finding.commit:
        parts += [", commit ", Code(finding.commit[:12]), f" of {finding.date or 'an unknown day'}"]
        parts.append(f" by {finding.author}" if finding.author else "")
    parts += [", fingerprint ", Code(finding.fingerprint)]
    parts.append(". " if finding.source or finding.is_own else ".")
    if finding.source:
        parts.append(f"This is {finding.source}, which was deleted.")
    elif finding.is_own:
        parts.append("The bot itself works with this key until step 1 is done.")
    return tuple(parts)


def leaked(finding: LeakFinding) -> str:
    """For Support: where a deleted key had leaked from."""
    return f"the likely source of the leak is {finding.where}: the key there was deleted and does not work any more"
