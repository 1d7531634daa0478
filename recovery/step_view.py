"""What a step's card and progress are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recovery.findings import Finding
from recovery.policy import Policy
from recovery.refusals import REFUSED
from recovery.state import Incident, Obligation, Person, StepState, StepStatus, Task, TaskStatus
from recovery.troubles import key_refused

Tally = Mapping[str, Mapping[TaskStatus, int]]


@dataclass(frozen=True)
class StepView:
    """What a step's card and progress are made of: read in one transaction, nothing asked outside."""

    incident: Incident
    state: StepState
    tally: Tally
    failures: Sequence[Task]
    obligations: Sequence[tuple[Obligation, Person]] = ()
    findings: Sequence[Finding] = ()
    policy: Policy = field(default_factory=Policy)
    by_hand: Sequence[Task] = ()
    """What is left to be done by hand."""

    @property
    def is_refused(self) -> bool:
        """Whether the step cannot go on, or would not get far, because Mailgun refuses the bot's key."""
        if self.state.status is StepStatus.NEEDS_ATTENTION:
            return any(task.payload.get(REFUSED) for task in self.failures)
        waits = self.state.status in (StepStatus.WAITING, StepStatus.LOCKED, StepStatus.RUNNING)
        return waits and key_refused(self.incident) is not None

    def tasks(self, kind: str, *statuses: TaskStatus) -> int:
        """How many of this round's tasks of that kind are in those statuses (in any, when none is named)."""
        counts = self.tally.get(kind, {})
        total = sum(number for status, number in counts.items() if not statuses or status in statuses)
        return total - sum(
            number
            for status, number in earlier_rounds(self.state).get(kind, {}).items()
            if not statuses or status in statuses
        )


def earlier_rounds(state: StepState) -> dict[str, dict[str, int]]:
    """The tally as it was when this round began, so that progress counts this round alone."""
    tally = state.facts.get("earlier")
    if not isinstance(tally, dict):
        return {}
    return {
        kind: {status: many for status, many in counts.items() if isinstance(many, int)}
        for kind, counts in tally.items()
        if isinstance(counts, dict)
    }
