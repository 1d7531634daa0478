"""What Slack hands out for a short time: `trigger_id`s and `response_url`s."""

import secrets
from dataclasses import dataclass

from drill.slack.errors import SlackError
from drill.slack.model import Clock

_RESPONSE_SECONDS = 30 * 60
_RESPONSE_USES = 5


@dataclass
class _Trigger:
    user_id: str
    expires_at: float
    used: bool = False


class Triggers:
    """Hands out `trigger_id`s: each opens one modal, for the person who caused it, within seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._triggers: dict[str, _Trigger] = {}

    def issue(self, user_id: str) -> str:
        """A new trigger for something that this person just did."""
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = _Trigger(user_id, self._clock() + self._seconds)
        return trigger_id

    def redeem(self, trigger_id: str) -> str:
        """The person whose trigger it is; from now on it is used.

        Raises:
            SlackError: `invalid_trigger_id`, `exchanged_trigger_id` or `expired_trigger_id`.
        """
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() > trigger.expires_at:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user_id


@dataclass
class ResponseUrl:
    """Where an answer to one command or click goes. `source_ts` is the message or ephemeral clicked on."""

    id: str
    channel_id: str
    user_id: str
    source_ts: str | None
    expires_at: float
    uses: int = 0


class ResponseUrls:
    """Hands out `response_url`s: good for five answers within 30 minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._urls: dict[str, ResponseUrl] = {}

    def issue(self, channel_id: str, user_id: str, source_ts: str | None = None) -> ResponseUrl:
        """A new one for something that this person did in that conversation."""
        expires_at = self._clock() + _RESPONSE_SECONDS
        url = ResponseUrl(secrets.token_urlsafe(18), channel_id, user_id, source_ts, expires_at)
        self._urls[url.id] = url
        return url

    def use(self, url_id: str) -> ResponseUrl:
        """What the answer is for, and one use less.

        Raises:
            SlackError: with status 404: `no_service`, `expired_url` or `used_url`.
        """
        url = self._urls.get(url_id)
        if url is None:
            raise SlackError("no_service", status=404)
        if self._clock() > url.expires_at:
            raise SlackError("expired_url", status=404)
        if url.uses >= _RESPONSE_USES:
            raise SlackError("used_url", status=404)
        url.uses += 1
        return url
