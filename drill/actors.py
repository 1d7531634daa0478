"""The practice Slack as its people use it: they type, press buttons, choose from menus, fill in forms, and read."""

from dataclasses import dataclass, field
from http import HTTPStatus

from drill.messages import Form, Menu, Message
from drill.ordering import JsonObject, OrderFailed, Orders
from drill.slack.model import User
from drill.slack.workspace import Workspace
from drill.slack.workspaces import INCIDENT

COMMAND = "/mailgun-compromised"


class NotTaken(Exception):
    """The bot did not take what somebody did: Slack told them so."""


class NothingToPress(Exception):
    """Somebody wanted to press a button, or choose an option, that their message does not have."""


class Slack:
    """One running practice Slack: what is said in it, and the people who use it."""

    def __init__(self, url: str, workspace: Workspace) -> None:
        self.url = url
        self.workspace = workspace
        self.orders = Orders(url)

    def person(self, user_id: str) -> "Person":
        """Somebody of the workspace, to act as."""
        return Person(self, self.workspace.users[user_id])

    def names(self) -> dict[str, str]:
        """How people and channels are called, by id."""
        people = {user.id: user.real_name for user in self.workspace.users.values()}
        return people | {c.id: f"#{c.name}" for c in self.workspace.channels.values() if not c.im_with}

    def connections(self) -> int:
        """How many sockets the bot has open."""
        return int(self.orders.look("connections")["open"])

    def connected_at(self) -> float:
        """When the last of its sockets opened, as `time.time()` counts. There must have been one."""
        return float(self.orders.look("connections")["newest_at"])

    def log(self, after: int = 0) -> list[JsonObject]:
        """Every Web API call and every event after that number, in order."""
        entries: list[JsonObject] = self.orders.look("log", after=after)["entries"]
        return entries

    def messages(self, channel: str = INCIDENT, kind: str = "") -> list[Message]:
        """What stands in a conversation (a channel's id, or a person's for their direct message), oldest first."""
        try:
            heads: list[JsonObject] = self.orders.look("messages", channel=channel)["messages"]
        except OrderFailed as failed:
            if failed.status == HTTPStatus.NOT_FOUND:
                return []
            raise
        shown = [message for head in heads for message in (head, *head["replies"])]
        read = sorted((Message.read(message, channel) for message in shown), key=lambda one: float(one.ts))
        return [message for message in read if kind in ("", message.kind)]

    def board(self, channel: str = INCIDENT) -> Message | None:
        """The newest board: the head of an incident's thread."""
        return next(reversed(self.messages(channel, "board")), None)

    def step(self, number: int, channel: str = INCIDENT) -> Message | None:
        """The newest card of that step."""
        cards = [c for c in self.messages(channel, "step") if c.title.startswith(f"{number}. ")]
        return next(reversed(cards), None)

    def step_status(self, number: int, channel: str = INCIDENT) -> str:
        """How that step stands by its card, such as `needs attention`; empty before there is one."""
        card = self.step(number, channel)
        return card.title.rpartition(": ")[2] if card else ""


@dataclass(frozen=True)
class Person:
    """Somebody of the workspace. What they do returns when the bot has acknowledged it; `NotTaken` if it has not."""

    slack: Slack = field(repr=False)
    user: User

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.real_name

    # Doing

    def types(self, line: str, channel: str = INCIDENT) -> None:
        """Type a slash command, with what follows it."""
        command, _, text = line.partition(" ")
        self._do("command", channel=channel, command=command, text=text)

    def clicks(
        self, message: Message, button: str, *, confirmed: bool = False, beside: str = "", channel: str = ""
    ) -> None:
        """Press the button of that label or action; `confirmed` says yes to its dialog, where it has one."""
        found = message.button(button, beside)
        if found is None:
            offered = ", ".join(one.label for one in message.buttons) or "none"
            raise NothingToPress(f"{self.name} sees no button {button!r} to press; there are: {offered}")
        where = channel or self._conversation(message.channel)
        order = {"action_id": found.action_id, "value": found.value, "confirmed": confirmed}
        self._do("click", channel=where, ts=message.ts, **order)

    def chooses(
        self,
        message: Message,
        menu: str,
        option: str,
        *,
        confirmed: bool = False,
        beside: str = "",
        channel: str = "",
    ) -> None:
        """Choose the option of that label or value from the menu of that label or action.

        From a menu of people, choose somebody by name or id.
        """
        found = message.menu(menu, beside)
        if found is None:
            offered = ", ".join(one.label for one in message.menus) or "none"
            raise NothingToPress(f"{self.name} sees no menu {menu!r} to choose from; there are: {offered}")
        self._do(
            "click",
            channel=channel or self._conversation(message.channel),
            ts=message.ts,
            action_id=found.action_id,
            block_id=found.block_id,
            value=self._value(found, option),
            confirmed=confirmed,
        )

    def tries(self, message: Message, button: str, *, confirmed: bool = False, beside: str = "") -> bool:
        """Press the button if the message has it, still; whether it had."""
        if message.button(button, beside) is None:
            return False
        try:
            self.clicks(message, button, confirmed=confirmed, beside=beside)
        except OrderFailed as failed:
            # The message was drawn anew since it was looked at.
            if failed.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def submits(self, form: Form, words: str) -> None:
        """Write the words into the form's field and send it."""
        self._do("submit", view_id=form.id, values={form.fields[0]: words})

    def is_refused(self, form: Form, words: str) -> str | None:
        """What the form says to words that it does not take; None where it took them."""
        try:
            self.submits(form, words)
        except NotTaken as refused:
            return str(refused)
        return None

    # Reading

    def form(self) -> Form | None:
        """The form that is open, if one is."""
        views: list[JsonObject] = self.slack.orders.look("views", user=self.id)["views"]
        return Form.read(views[0]) if views else None

    def inbox(self, kind: str = "") -> list[Message]:
        """Their direct messages from the bot, oldest first."""
        return self.slack.messages(self.id, kind)

    def told(self, words: str = "", channel: str = INCIDENT) -> Message | None:
        """The newest private answer in that conversation that says this; None while there is none."""
        where = self._conversation(channel)
        try:
            shown = self.slack.orders.look("messages", channel=where, user=self.id)["ephemerals"]
        except OrderFailed as failed:
            if failed.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        answers = [Message.read(one, where) for one in shown]
        return next((a for a in reversed(answers) if words in a.words or words in a.text), None)

    def _value(self, menu: Menu, option: str) -> str:
        """The value of the option of that label or value, or the id of that person in a menu of people."""
        people = self.slack.workspace.users.values()
        offered = menu.options or tuple((user.real_name, user.id) for user in people)
        for label, value in offered:
            if option in (label, value):
                return value
        labels = ", ".join(label for label, _ in offered)
        raise NothingToPress(f"{self.name} sees no {option!r} in the menu {menu.label!r}; there are: {labels}")

    def _conversation(self, channel: str) -> str:
        """The id of a conversation that may be named by its person."""
        direct = self.slack.workspace.dm_with(channel)
        return direct.id if direct else channel

    def _do(self, what: str, **order: object) -> None:
        outcome = self.slack.orders.give(what, user=self.id, wait=True, **order)
        if outcome["state"] != "acknowledged":
            raise NotTaken(f"The bot did not take what {self.name} did ({what}): {outcome['state']}.")
        errors = (outcome.get("response") or {}).get("errors")
        if errors:
            raise NotTaken(f"The bot refused what {self.name} filled in: {errors}")
