"""What a step's card shows while Mailgun refuses the bot's key, and while people do the step by hand."""

from collections import Counter
from collections.abc import Sequence

from recovery.actions import Ask
from recovery.content import Button, Row, Style
from recovery.errors import Why
from recovery.hand import is_by_hand
from recovery.refusals import GIVE_KEY_LABEL, MEANS, REFUSED, helps
from recovery.state import Incident, StepState, StepStatus, Task, TaskStatus
from recovery.step import Step
from recovery.step_view import StepView
from recovery.text import Bold, Code, Line, count, line
from recovery.troubles import key_refused

MOST_ITEMS, MOST_GROUPS = 20, 10
"""How many of what is left to be done by hand have a button on the card; the others can be typed."""


def why_refused(view: StepView) -> Why | None:
    """Why Mailgun refuses the bot's key, as this step has met it; None where it does not stand in its way."""
    if not view.is_refused:
        return None
    met = [str(task.payload[REFUSED]) for task in view.failures if task.payload.get(REFUSED)]
    return Why(met[-1]) if met else key_refused(view.incident)


def refusal_lines(step: Step, view: StepView) -> list[Line]:
    """What the refusal means, and what helps; on a step that has not met it yet, only that it would."""
    why = why_refused(view)
    if why is not None and view.state.status is StepStatus.NEEDS_ATTENTION:
        return [line(Bold("Mailgun refuses the bot's key."), f" {MEANS[why]}"), *helps(why)]
    if why is None or step.opens_last or not step.may_go_by_hand(view):
        return []
    return [
        line(Bold("Mailgun refuses the bot's key"), ", as the board says: give the bot a new one, or go on by hand.")
    ]


def refusal_buttons(step: Step, view: StepView) -> list[Button]:
    """A new key for the bot, and going on without one."""
    buttons: list[Button] = []
    if step.may_go_by_hand(view) or (view.is_refused and view.state.status is StepStatus.NEEDS_ATTENTION):
        buttons.append(give_key_button(view.incident))
    if step.may_go_by_hand(view):
        label = "Looked by hand: open this step" if step.opens_last else "Go on by hand"
        buttons.append(Button(Ask.GO_BY_HAND, label, step.about(view.state)))
    return buttons


def give_key_button(incident: Incident) -> Button:
    """Opens the form for a new key."""
    return Button(Ask.GIVE_KEY, GIVE_KEY_LABEL, {"incident": str(incident.id)}, Style.PRIMARY)


# --- By hand ----------------------------------------------------------------------------------------------


def hand_progress(step: Step, view: StepView) -> str:
    """How far what is done by hand is, in a few words; empty where nothing was."""
    done, left = view.tasks(step.hand_kind, TaskStatus.DONE), view.tasks(step.hand_kind, TaskStatus.READY)
    return f"{done:,} of {count(done + left, 'item')} done" if done or left else ""


def hand_lines(step: Step, view: StepView) -> list[Line]:
    """Mailgun's own instructions for the control panel, while the step is done by hand."""
    if not is_by_hand(view.state):
        return []
    lines = [line(Bold("By hand, in Mailgun's control panel:")), *step.hand_instructions()]
    if view.by_hand:
        typed = Code(f"/mailgun-compromised done-by-hand {step.number} <item|all>")
        lines.append(line("Press ", Bold("Done"), " at each item that you have done, or type ", typed, "."))
    elif step.asks_people:
        lines.append(line("An approver confirms each person: ", Bold("Who is left"), " lists them."))
    return lines


def hand_rows(step: Step, view: StepView) -> list[Row]:
    """What is left to be done by hand, item by item; where that is much, by what it belongs to as well."""
    if not is_by_hand(view.state):
        return []
    rows = [] if len(view.by_hand) <= MOST_ITEMS else _group_rows(step, view)
    return [*rows, *(_item_row(step, view.state, task) for task in view.by_hand[:MOST_ITEMS])]


def _group_rows(step: Step, view: StepView) -> list[Row]:
    groups = Counter(group for task in view.by_hand if (group := step.hand_group(task.subject)))
    return [
        Row(
            line(Bold(group), f": {count(many, 'item')} left"),
            (Button(Ask.DID_BY_HAND, f"All of {group} done", {**step.about(view.state), "group": group}),),
        )
        for group, many in groups.most_common(MOST_GROUPS)
    ]


def _item_row(step: Step, state: StepState, task: Task) -> Row:
    about = {"incident": str(state.incident_id), "step": step.kind, "item": str(task.id)}
    name = str(task.payload.get("name") or task.subject)
    return Row(line("☐ ", name), (Button(Ask.DID_BY_HAND, "Done", about),))


def hand_buttons(step: Step, view: StepView) -> list[Button]:
    """Giving the rest back to the bot, a new key for it, and leaving the rest as it is."""
    if not is_by_hand(view.state):
        return []
    about = step.about(view.state)
    refused = key_refused(view.incident) is not None
    style = Style.PLAIN if refused else Style.DANGER if step.destructive else Style.PRIMARY
    buttons = [give_key_button(view.incident)] if refused else []
    buttons.append(Button(Ask.LET_BOT, "Let the bot do the rest", about, style, step.confirmation(view.state)))
    return [*buttons, Button(Ask.SKIP, "Skip, with a reason", about)]


def more_by_hand(tasks: Sequence[Task]) -> list[Line]:
    """How many of what is left have no button of their own."""
    more = len(tasks) - MOST_ITEMS
    return [line(f"and {more:,} more, which come up as these are done.")] if more > 0 else []
