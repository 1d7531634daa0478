"""The note at the end: the hosting provider was contacted, the public repositories were checked."""

from collections.abc import Mapping
from typing import ClassVar

from recovery.actions import Ask
from recovery.content import Button, Style
from recovery.state import Incident, StepState, StepStatus
from recovery.step import Step, StepView, decision_buttons, notes
from recovery.store import Transaction
from recovery.text import Bold, Line, Who, line


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

    def explain(self, view: StepView) -> list[Line]:
        lines: list[Line] = []
        if view.state.status is not StepStatus.DONE:
            lines += [
                line("Ask the hosting provider whether the servers that send through Mailgun were broken into."),
                line("Look through the public repositories for keys and passwords, in old commits too."),
                line("Nothing is changed by the bot. Write down what was found, also when it was nothing."),
            ]
        for topic, title in self.topics.items():
            noted = notes(view.state).get(topic)
            if noted:
                lines.append(line(Bold(title), " by ", Who(noted["by"]), ": ", noted["text"]))
        return lines

    def progress(self, view: StepView) -> str:
        return f"{len(notes(view.state))} of {len(self.topics)} noted"

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        return set(notes(state)) == set(self.topics)

    def buttons(self, view: StepView) -> list[Button]:
        state = view.state
        buttons: list[Button] = []
        if state.status in (StepStatus.WAITING, StepStatus.SKIPPED):
            for topic, title in self.topics.items():
                if topic not in notes(state):
                    buttons.append(Button(Ask.NOTE, title, {**self.about(state), "topic": topic}, Style.PRIMARY))
        return buttons + decision_buttons(self, state)
