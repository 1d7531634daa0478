"""What it costs to redraw the board, in a thread with ten thousand audit entries and in one with a hundred."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.filling import Filling
from benchmarks.inside import alone, run_all, tools_of
from benchmarks.rows import ROUNDS, Row, at_most, told
from benchmarks.servers import slack_server
from drill.actors import Slack
from drill.slack import drill_workspace
from recovery.due import plan_due
from recovery.state import Incident, NewTask
from recovery.steps import STEPS
from recovery.thread import POST_BOARD, POST_STEP, REDRAW
from recovery.tools import Tools
from tests.databases import migrated_url
from tests.statements import counted

FEW, MANY = 100, 10_000
PEOPLE = 10
REDRAWINGS = 15
"""In each round, of each side."""


def measured() -> Sequence[Row]:
    """One row. The numbers of statements and of calls to Slack must be the same, too."""
    workspace = drill_workspace()
    workspace.message_rate = 0
    with slack_server(workspace) as slack, _thread(slack, FEW) as few, _thread(slack, MANY) as many:
        took = [_round(many, few) for _ in range(ROUNDS)]
        of_many, of_few = many.cost(), few.cost()
    row = at_most(
        f"redrawing the board of a thread with {MANY:,} audit entries",
        f"the same at {FEW}",
        [large / small for large, small in took],
        1.5,
        f"{median(large for large, _ in took) * 1000:.1f} ms against {median(small for _, small in took) * 1000:.1f}; "
        f"statements: {of_many.statements} and {of_few.statements}, Slack calls: {of_many.calls} and {of_few.calls}",
    )
    return [
        replace(
            row,
            target=f"{row.target}, and as many SQL statements and Slack calls",
            is_reached=row.is_reached and of_many == of_few,
        )
    ]


@dataclass(frozen=True)
class Cost:
    """What one redrawing takes: statements to the database, calls to Slack."""

    statements: int
    calls: int


class Thread:
    """An incident's thread in that Slack, its board and its cards posted."""

    def __init__(self, tools: Tools, slack: Slack, incident: Incident) -> None:
        self._tools, self._slack, self._incident = tools, slack, incident
        self._changes = 0
        with tools.store.write() as tx:
            steps = [
                NewTask(POST_STEP, f"{POST_STEP}:{state.id}", incident.id, payload={"step": state.id})
                for state in tx.steps.of(incident.id)
            ]
            tx.tasks.add([NewTask(POST_BOARD, f"{POST_BOARD}:{incident.id}", incident.id, priority=1), *steps])
        run_all(tools, POST_BOARD, POST_STEP)
        self.redraw()

    def redraw(self) -> float:
        """Something changes that the board shows; how long it takes from the tick that notices until it is drawn."""
        self._changes += 1
        with self._tools.store.write() as tx:
            tx.incidents.set(self._incident.id, description=f"spam is leaving: {self._changes} complaints")
        began = time.perf_counter()
        plan_due(self._tools, STEPS)
        if run_all(self._tools, REDRAW) != 1:
            raise RuntimeError("the board was not redrawn")
        return time.perf_counter() - began

    def cost(self) -> Cost:
        """What one redrawing takes, the change before it included."""
        called = len(self._slack.log())
        with counted() as statements:
            self.redraw()
        return Cost(len(statements), len(self._slack.log()) - called)


def _round(many: Thread, few: Thread) -> tuple[float, float]:
    """Seconds for a redrawing of each, in turn, for what the disk does meanwhile: the medians of several."""
    took = [(many.redraw(), few.redraw()) for _ in range(REDRAWINGS)]
    return median(large for large, _ in took), median(small for _, small in took)


@contextmanager
def _thread(slack: Slack, entries: int) -> Iterator[Thread]:
    """A thread on an SQLite database with so many audit entries. Those are not in the practice Slack, which would be
    slow itself with them; how it goes through a long thread is not what is measured."""
    with TemporaryDirectory(prefix="bench-") as folder:
        url = migrated_url("sqlite", Path(folder))
        filling = Filling(url)
        filling.add_people(PEOPLE)
        filling.add_trail(entries)
        filling.add_passwords(entries)
        environ = alone(url) | {
            "SLACK_API_URL": f"{slack.url}/api/",
            "SLACK_BOT_TOKEN": slack.workspace.app.bot_token,
            "SLACK_PACE": "0s",
        }
        with tools_of(environ) as tools:
            yield Thread(tools, slack, filling.incident)


if __name__ == "__main__":
    print("\n".join(told(measured())))
