"""What an approver is asked on the card of step 1 where the plan allows no further key."""

from collections.abc import Mapping

from recovery.actions import Ask
from recovery.content import Button, Confirm, Menu, Option, Row, Style
from recovery.key_plans import BEGIN
from recovery.key_room import ASKS, Question, asked
from recovery.keyring import unmarked
from recovery.refusals import KEYS_PAGE
from recovery.state import Facts, StepStatus
from recovery.step_view import StepView
from recovery.text import Line, Link, Who, line

CONFIRM = Confirm(
    title="Delete this key first?",
    text="It is deleted at once. The applications that use it have no key until its replacement is made and handed "
    "over, and whoever runs them has put that in.",
    yes="Delete it",
)


def room_rows(view: StepView, about: Mapping[str, str]) -> list[Row]:
    """The question that the step's failures come to, with what answers it; nothing where there is none."""
    question = asked(view.failures) if view.state.status is StepStatus.NEEDS_ATTENTION else None
    if question is None:
        return []
    if question.question is Question.NEW_KEY:
        give = Button(Ask.GIVE_KEY, "Give the bot its new key", about, Style.PRIMARY)
        return [Row(line("Make the new key here: ", Link(KEYS_PAGE, "API Security"), "."), (give,))]
    options = tuple(Option(described(key_id, key), key_id) for key_id, key in question.keys.items())
    if not options:
        return []
    if question.question is Question.WHICH_IS_OWN:
        return [Row(line("Which key is the bot's?"), (Menu(Ask.OWN_KEY, "Choose its key", about, options),))]
    # Its own key takes the place of the one that it was given, where that is what there is no room for.
    makes_own = any(task.kind == BEGIN and task.payload.get(ASKS) for task in view.failures)
    of_its_own = ", and gets no replacement: the bot's own takes its place." if makes_own else "."
    text: Line = (
        "Which key is deleted first? The applications that use it have no key until its replacement is handed over to ",
        Who(view.incident.requester_id),
        f". The key that the bot works with is not among them{of_its_own}",
    )
    return [Row(text, (Menu(Ask.MAKE_ROOM, "Choose a key", about, options, CONFIRM),))]


def described(key_id: str, key: Facts) -> str:
    """A key as a menu and an answer call it: what tells it from others first, for menus are narrow."""
    where = f", {key['domain']}" if key.get("domain") else ""
    whose = f", subaccount {key['owner_name']}" if key.get("owner_name") else ""
    name = unmarked(str(key.get("description") or "")) or "no description"
    return f"{name[:30]} ({key.get('role')}{where}{whose}, {key_id})"
