"""What people do in the workspace, and what Slack makes of the app's reaction to it."""

from collections.abc import Callable, Mapping
from functools import partial

from drill.slack import interactions
from drill.slack.answers import apply_answer
from drill.slack.delivery import AppNotConnected, Event, EventKind, OnAcknowledged
from drill.slack.errors import OrderRefused, SlackError
from drill.slack.inputs import Place, missing_inputs, places, state_values, with_choice
from drill.slack.limits import check_view
from drill.slack.model import Channel, Ephemeral, JsonObject, Message, User
from drill.slack.state import PracticeSlack
from drill.slack.tickets import ResponseUrl
from drill.slack.views import View

_NO_APP = "dispatch_failed"


class People:
    """Acts for the people of one workspace.

    Whatever cannot be done there, by anybody or by this person, raises `OrderRefused` in words.
    """

    def __init__(self, slack: PracticeSlack, base_url: str) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._base_url = base_url

    def person(self, user_id: str) -> User:
        """The active person with that id."""
        user = self._workspace.users.get(user_id)
        if user is None or user.is_bot:
            raise OrderRefused(f"there is no person {user_id}")
        if user.deleted:
            raise OrderRefused(f"{user_id} is deactivated", status=403)
        return user

    def channel_of(self, user: User, channel_id: str) -> Channel:
        """The conversation with that id, this person being in it."""
        channel = self._workspace.channels.get(channel_id)
        if channel is None:
            raise OrderRefused(f"there is no conversation {channel_id}")
        if user.id not in channel.members:
            raise OrderRefused(f"{user.id} is not in {channel_id}", status=403)
        return channel

    def post(self, user: User, channel: Channel, text: str, thread_ts: str | None) -> Message:
        """Say something, in a thread or outside."""
        if thread_ts is not None and self._workspace.message(channel.id, thread_ts) is None:
            raise OrderRefused(f"there is no message {thread_ts} in {channel.id}")
        return self._workspace.post(channel, user.id, text, thread_ts=thread_ts)

    async def command(self, user: User, channel: Channel, command: str, text: str) -> Event:
        """Type a slash command."""
        if command not in self._workspace.app.commands:
            raise OrderRefused(f"{command} is not a valid command")
        url = self._slack.response_urls.issue(channel.id, user.id)
        payload = interactions.slash_command(self._doing(user, url), channel, command, text)
        notify = partial(self._notify, channel, user, command, None)
        return await self._deliver(
            EventKind.SLASH_COMMANDS, payload, partial(self._command_answered, url, notify), notify
        )

    async def click(
        self,
        user: User,
        channel: Channel,
        ts: str,
        action_id: str,
        *,
        block_id: str | None,
        value: str | None,
        entered: Mapping[str, object],
        confirmed: bool,
    ) -> Event:
        """Click on a button of a message or of an ephemeral, or choose from its menu.

        One that is not in the message as it stands now is refused, and so is one with a confirmation dialog
        that was not confirmed: the refusal carries the dialog. To choose what a menu does not offer is an
        `OrderError`.
        """
        source = self._source(user, channel, ts)
        place = _place(source, action_id, block_id, value)
        if "confirm" in place.element and not confirmed:
            words = "this asks for a confirmation first"
            raise OrderRefused(words, status=409, confirm=place.element["confirm"])
        chosen = value if value is not None else place.element.get("value")
        url = self._slack.response_urls.issue(channel.id, user.id, ts)
        values = state_values(source.blocks, with_choice(entered, place, value))
        payload = interactions.block_actions(self._doing(user, url), channel, source, place, chosen, values)
        what = place.element.get("text", {}).get("text", action_id)
        # At the head of a thread, Slack tells the person outside of it.
        thread_ts = None if source.thread_ts == source.ts else source.thread_ts
        notify = partial(self._notify, channel, user, what, thread_ts)
        return await self._deliver(EventKind.INTERACTIVE, payload, _ignore, notify)

    def view(self, user: User, view_id: str) -> View:
        """The modal with that id, which this person has open."""
        for view in self._slack.views.of(user.id):
            if view.id == view_id:
                return view
        raise OrderRefused(f"{user.id} has no modal {view_id} open")

    async def submit(self, user: User, view: View, entered: Mapping[str, object]) -> Event:
        """Fill a modal in and submit it. What Slack itself finds missing is refused, by block."""
        values = state_values(view.blocks, entered)
        complaints = missing_inputs(view.blocks, values)
        if complaints:
            raise OrderRefused("the modal is not filled in", status=409, errors=complaints)
        view.errors, view.notice = {}, None
        payload = interactions.view_submission(self._doing(user), view, values)
        return await self._deliver(
            EventKind.INTERACTIVE,
            payload,
            partial(_submission_answered, self._slack, view),
            partial(_trouble, view),
        )

    async def close(self, user: User, view: View) -> Event | None:
        """Close a modal without submitting it; the app is told if it asked to be."""
        self._slack.views.close(view)
        self._workspace.touch()
        if not view.definition.get("notify_on_close"):
            return None
        payload = interactions.view_closed(self._doing(user), view)
        return await self._deliver(EventKind.INTERACTIVE, payload, _ignore, _ignore)

    def _doing(self, user: User, url: ResponseUrl | None = None) -> interactions.Doing:
        response_url = None if url is None else f"{self._base_url}/response/{url.id}"
        return interactions.Doing(self._workspace, user, self._slack.triggers.issue(user.id), response_url)

    def _source(self, user: User, channel: Channel, ts: str) -> Message | Ephemeral:
        message = self._workspace.message(channel.id, ts)
        ephemeral = self._workspace.ephemeral(ts)
        if message is not None and not message.deleted:
            return message
        if ephemeral is not None and not ephemeral.deleted and ephemeral.user_id == user.id:
            return ephemeral
        raise OrderRefused(f"{user.id} sees no message {ts} in {channel.id}")

    async def _deliver(
        self, kind: EventKind, payload: JsonObject, answered: OnAcknowledged, failed: Callable[[str], None]
    ) -> Event:
        try:
            return await self._slack.delivery.deliver(kind, payload, answered, failed)
        except AppNotConnected:
            failed(_NO_APP)
            self._workspace.touch()
            raise OrderRefused("app not connected", status=503) from None

    def _command_answered(self, url: ResponseUrl, notify: Callable[[str], None], response: JsonObject) -> None:
        if not response:
            return
        try:
            apply_answer(self._workspace, url, response)
        except SlackError as error:
            notify(error.code)

    def _notify(self, channel: Channel, user: User, what: str, thread_ts: str | None, error: str) -> None:
        words = f'{what} failed with the error "{error}"'
        self._workspace.whisper(channel, user.id, words, thread_ts=thread_ts, error=error)


def _submission_answered(slack: PracticeSlack, view: View, response: JsonObject) -> None:
    errors = response.get("errors")
    match response.get("response_action"):
        case None | "clear":
            slack.views.close(view)
        case "errors" if isinstance(errors, dict) and errors.keys() <= _inputs_of(view):
            view.errors = {block_id: str(words) for block_id, words in errors.items()}
        case "update":
            try:
                slack.views.update(view, check_view(response.get("view")))
            except SlackError as error:
                _trouble(view, error.code)
        case _:
            _trouble(view, "invalid_response_action")


def _inputs_of(view: View) -> set[str]:
    return {str(block["block_id"]) for block in view.blocks if block["type"] == "input"}


def _trouble(view: View, error: str) -> None:
    view.notice = f"We had some trouble connecting. Try again? ({error})"


def _ignore(_: object) -> None:
    """Slack shows nothing for what the app answers to these, or for no answer."""


def _place(source: Message | Ephemeral, action_id: str, block_id: str | None, value: str | None) -> Place:
    found = [place for place in places(source.blocks) if place.action_id == action_id]
    if block_id is not None:
        found = [place for place in found if place.block_id == block_id]
    if value is not None:
        found = [place for place in found if place.element.get("value", value) == value]
    if not found:
        raise OrderRefused(f"there is no {action_id} to click on in {source.ts} as it stands now")
    if len(found) > 1:
        words = f"{action_id} is in {source.ts} {len(found)} times: say which by block_id or value"
        raise OrderRefused(words, status=409)
    return found[0]
