"""Every kind of task, in one list: what the workers can run."""

from collections.abc import Sequence

from recovery.desk import desk_kinds
from recovery.due import due_kinds
from recovery.exporting import EXPORT_KINDS
from recovery.handover_upkeep import HANDOVER_KINDS
from recovery.handovers import LATE_KIND
from recovery.jobs import TaskKind
from recovery.keyring import ORPHAN_KIND
from recovery.outages import LOOK_KIND
from recovery.people import TELL, tell
from recovery.polling import polling_kinds
from recovery.posting import COPY_KIND
from recovery.progress import review_kind
from recovery.step import Step
from recovery.thread import thread_kinds


def all_task_kinds(steps: Sequence[Step]) -> tuple[TaskKind, ...]:
    """The kinds that these steps run, and those that serve every step."""
    kinds: list[TaskKind] = [kind for step in steps for kind in step.task_kinds()]
    kinds += HANDOVER_KINDS
    kinds += EXPORT_KINDS
    kinds += thread_kinds(steps)
    kinds += polling_kinds(steps)
    kinds += due_kinds(steps)
    kinds.append(TaskKind(TELL, lambda job: tell(job, steps), "telling a person", most_attempts=None, effect=True))
    kinds.append(review_kind(steps))
    kinds += (LOOK_KIND, COPY_KIND, LATE_KIND, ORPHAN_KIND)
    kinds += desk_kinds(lambda: {kind.name: kind for kind in kinds})
    return tuple(kinds)
