"""Every kind of task, in one list: what the workers can run."""

from collections.abc import Sequence

from recovery.checking import checking_kind
from recovery.desk import desk_kinds
from recovery.doubts import DOUBT_KINDS
from recovery.exporting import EXPORT_KINDS
from recovery.finding import FIND_KIND
from recovery.fresh_key import LOOK_AT_KEY_KIND
from recovery.handover_upkeep import HANDOVER_KINDS
from recovery.jobs import TaskKind
from recovery.keyring import ORPHAN_KIND
from recovery.messages import message_kinds
from recovery.outages import LOOK_KIND
from recovery.polling import beginning_kinds, polling_kind
from recovery.posting import COPY_KIND
from recovery.progress import review_kind
from recovery.reminding import reminding_kind
from recovery.requester import NOTICE_KIND
from recovery.step import Step
from recovery.strays import STRAYS_KIND
from recovery.summary import summary_kind
from recovery.thread import thread_kinds


def all_task_kinds(steps: Sequence[Step]) -> tuple[TaskKind, ...]:
    """The kinds that these steps run, and those that serve every step."""
    kinds: list[TaskKind] = [kind for step in steps for kind in step.task_kinds()]
    kinds += beginning_kinds(steps)
    kinds += HANDOVER_KINDS + DOUBT_KINDS
    kinds += EXPORT_KINDS
    kinds += thread_kinds(steps)
    kinds += message_kinds(steps)
    kinds += (reminding_kind(steps), polling_kind(steps), checking_kind(steps), summary_kind(steps))
    kinds += (review_kind(steps),)
    kinds += (FIND_KIND, STRAYS_KIND, NOTICE_KIND, LOOK_KIND, LOOK_AT_KEY_KIND, COPY_KIND, ORPHAN_KIND)
    kinds += desk_kinds(lambda: {kind.name: kind for kind in kinds})
    return tuple(kinds)
