"""Slack as `recovery.ports.Messenger`: what the bot says."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from handlers import blocks, files
from handlers.blocks import Rendered, render
from handlers.blocks import trail as trail_lines
from handlers.calls import Calls
from handlers.clients import webhook_client
from handlers.errors import of_answer, sorted_errors
from handlers.identity import Identity, Me
from handlers.trail_copy import PREFIX, trail_message
from recovery.audit import AuditEntry
from recovery.content import Card, Content, Document, Marker, MarkerKind, Place, SecretsMessage
from recovery.errors import Refused, Uncertain
from recovery.ports import TrailMessage
from recovery.state import Request
from recovery.text import Line

_PAGE = 200
_DIRECT = "D"
"""What the id of a direct message begins with."""
_CLOCKS_APART = timedelta(minutes=1)
"""How far this machine's clock may be ahead of Slack's."""

_URL_IS_OVER = frozenset({"expired_url", "used_url", "no_service", "invalid_url"})
_NOT_IN_THE_CHANNEL = frozenset(
    {"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived", "restricted_action"}
)


class SlackMessenger:
    """Says things through a client of `handlers.clients.web_client`, which retries nothing.

    Secrets go before everything else: a message that carries some, and the wiping of one, take the next free moment.
    `Later` keeps Slack's pace.
    """

    def __init__(
        self,
        client: WebClient,
        identity: Identity,
        calls: Calls | None = None,
    ) -> None:
        self._client = client
        self._identity = identity
        self._calls = calls or Calls()

    def open_direct(self, user_id: str) -> str:
        """The id of the direct message with that user. `conversations.open`."""
        with self._calls.of("conversations.open", is_direct=True):
            channel = self._client.conversations_open(users=user_id).get("channel") or {}
            return _text(channel.get("id"), "conversations.open")

    def post(self, place: Place, content: Content, marker: Marker) -> str:
        """Post a message; its `ts`. `chat.postMessage`, never retried."""
        urgent = _name(marker) if isinstance(content, SecretsMessage) else None
        return self._post(place, render(content), _metadata(marker), urgent)

    def redraw(self, channel_id: str, ts: str, content: Content, marker: Marker) -> None:
        """Replace a message of the bot's. `chat.update`."""
        drawn = render(content)
        urgent = f"{_name(marker)} {ts}" if marker.kind is MarkerKind.HANDOVER else None
        with self._calls.of("chat.update", urgent):
            self._client.chat_update(
                channel=channel_id, ts=ts, text=drawn.text, blocks=drawn.blocks, metadata=_metadata(marker)
            )

    def delete(self, channel_id: str, ts: str) -> None:
        """Delete a message of the bot's; one that is gone already counts as deleted. `chat.delete`."""
        try:
            with self._calls.of("chat.delete"):
                self._client.chat_delete(channel=channel_id, ts=ts)
        except Refused as refused:
            if refused.code != "message_not_found":
                raise

    def find(self, place: Place, marker: Marker, since: datetime) -> list[str]:
        """The `ts` of each message of the bot's with that marker, oldest first.

        `conversations.replies` in a thread and `conversations.history` elsewhere, every page. Slack shows
        metadata with a delay: what is not found may yet be there.
        """
        return self._own(place, since, lambda message: _has(message, marker))

    def bring(self, document: Document) -> str:
        """Bring a file to Slack, where nobody sees it yet; its id. `files.getUploadURLExternal`, then the upload."""
        return files.bring(self._client, self._calls, document)

    def share(self, place: Place, file_id: str, document: Document, words: Line) -> None:
        """Share a file that was brought, once. `files.completeUploadExternal`, never retried."""
        files.share(self._client, self._calls, place, file_id, document, words)

    def find_file(self, place: Place, file_id: str, since: datetime) -> list[str]:
        """The `ts` of each message of the bot's that shares that file, oldest first; found as in `find`."""
        return self._own(place, since, lambda message: files.shares(message, file_id))

    def trail(self, place: Place, since: datetime) -> list[TrailMessage]:
        """Every message there that carries the trail's metadata, whoever posted it, and the bot's own that carry
        none; oldest first. `conversations.replies` in a thread, `conversations.history` elsewhere, every page."""
        me = self._identity.me()
        try:
            messages = list(self._messages(place, since - _CLOCKS_APART))
        except Refused as refused:
            if refused.code != "thread_not_found":
                raise
            return []
        read = [trail_message(message, is_ours=_is_by(message, me)) for message in messages]
        # The head of a thread is on every page.
        once = {message.ts: message for message in read if message is not None}
        return sorted(once.values(), key=lambda message: float(message.ts))

    def unlike(self, shown: str, entries: Sequence[AuditEntry]) -> AuditEntry | None:
        """The first of these entries that a message which shows this does not show as it would be drawn, or None."""
        return trail_lines.unlike(shown, entries)

    def permalink(self, channel_id: str, ts: str) -> str:
        """A link to a message. `chat.getPermalink`."""
        with self._calls.of("chat.getPermalink"):
            answer = self._client.chat_getPermalink(channel=channel_id, message_ts=ts)
            return _text(answer.get("permalink"), "chat.getPermalink")

    def answer(self, request: Request, card: Card) -> None:
        """A private answer through the request's `response_url`; where there is none or it is used up, as an
        ephemeral message in the channel (`chat.postEphemeral`), and failing that as a direct message."""
        drawn = render(card)
        if request.response_url and self._respond(request.response_url, drawn):
            return
        if request.channel_id and self._whisper(request.channel_id, request.user_id, drawn):
            return
        self._post(Place(self.open_direct(request.user_id)), drawn, None)

    def measure(self, content: Content) -> int:
        """How many characters the content takes of Slack's limit for one message."""
        return blocks.measure(content)

    def digest(self, content: Content) -> str:
        """A short fingerprint of how the content would be drawn."""
        return blocks.digest(content)

    def _post(self, place: Place, drawn: Rendered, metadata: dict[str, Any] | None, urgent: str | None = None) -> str:
        is_direct = place.channel_id.startswith(_DIRECT)
        with self._calls.message(place.channel_id, urgent), self._calls.of("chat.postMessage", is_direct=is_direct):
            answer = self._client.chat_postMessage(
                channel=place.channel_id,
                thread_ts=place.thread_ts,
                text=drawn.text,
                blocks=drawn.blocks,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
            return _text(answer.get("ts"), "chat.postMessage")

    def _respond(self, url: str, drawn: Rendered) -> bool:
        """Whether Slack took the answer; False where it takes no more on this address."""
        with sorted_errors("response_url"):
            response = webhook_client(url, self._client.timeout).send(
                text=drawn.text,
                blocks=drawn.blocks,
                response_type="ephemeral",
                replace_original=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        told = _told(response.body)
        if response.status_code == 200 and told.get("ok"):
            return True
        refusal = of_answer("response_url", response.status_code, response.headers, told)
        if isinstance(refusal, Refused) and refusal.code in _URL_IS_OVER:
            return False
        raise refusal

    def _whisper(self, channel_id: str, user_id: str, drawn: Rendered) -> bool:
        """Whether Slack showed it there; False where the bot or the person is not in that channel."""
        try:
            with self._calls.of("chat.postEphemeral"):
                self._client.chat_postEphemeral(channel=channel_id, user=user_id, text=drawn.text, blocks=drawn.blocks)
        except Refused as refused:
            if refused.code in _NOT_IN_THE_CHANNEL:
                return False
            raise
        return True

    def _own(self, place: Place, since: datetime, wanted: Callable[[Mapping[str, Any]], bool]) -> list[str]:
        """The `ts` of each message of the bot's that is wanted, oldest first."""
        me = self._identity.me()
        messages = self._messages(place, since - _CLOCKS_APART)
        found = {str(message["ts"]) for message in messages if _is_by(message, me) and wanted(message)}
        return sorted(found, key=float)

    def _messages(self, place: Place, since: datetime) -> Iterator[Mapping[str, Any]]:
        oldest, cursor = f"{since.timestamp():.6f}", ""
        while True:
            with self._calls.of("conversations.replies" if place.thread_ts else "conversations.history"):
                page = self._page(place, oldest, cursor)
                messages = page.get("messages")
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not isinstance(messages, list):
                raise Uncertain("Slack's answer has no messages in it.")
            yield from messages
            if not cursor:
                return

    def _page(self, place: Place, oldest: str, cursor: str) -> Mapping[str, Any]:
        if place.thread_ts is None:
            answer = self._client.conversations_history(
                channel=place.channel_id,
                oldest=oldest,
                inclusive=True,
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor or None,
            )
        else:
            answer = self._client.conversations_replies(
                channel=place.channel_id,
                ts=place.thread_ts,
                oldest=oldest,
                inclusive=True,
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor or None,
            )
        return answer.data if isinstance(answer.data, dict) else {}


def _name(marker: Marker) -> str:
    return f"{marker.kind} {marker.key}"


def _metadata(marker: Marker) -> dict[str, Any]:
    return {
        "event_type": f"{PREFIX}{marker.kind}",
        # The key comes last: no detail may take its place.
        "event_payload": {**marker.details, "key": marker.key},
    }


def _has(message: Mapping[str, Any], marker: Marker) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == f"{PREFIX}{marker.kind}" and payload.get("key") == marker.key


def _is_by(message: Mapping[str, Any], me: Me) -> bool:
    # Anybody's app can post metadata like ours.
    return message.get("bot_id") == me.bot_id or message.get("user") == me.user_id


def _text(value: object, method: str) -> str:
    if not isinstance(value, str) or not value:
        raise Uncertain(f"Slack's answer to {method} lacks what was asked for.")
    return value


def _told(body: str) -> dict[str, Any]:
    """What a `response_url` answered: an object like the Web API's, or a bare `ok` or error code."""
    word = body.strip()
    if not word.startswith("{"):
        return {"ok": True} if word in ("ok", "") else {"error": word}
    try:
        found = json.loads(word)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
