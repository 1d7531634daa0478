"""What Slack's refusals mean, and what a person can do about each.

No error made here carries what was sent: Slack's answer, the request and slack_sdk's own exception are left
behind, because a message may hold secrets.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from socket import gaierror
from ssl import SSLCertVerificationError
from typing import Any
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError

from recovery.errors import Gone, Later, OutsideError, Refused, TooLong, Uncertain, Unreachable

DEFAULT_WAIT = 30.0
"""Seconds to wait where Slack asks for patience and does not say how much."""
UNREACHED_WAIT = 5.0


class SlowDown(Later):
    """Slack answered 429: it takes no more of such calls for a while."""


_CODE = re.compile(r"[a-z][a-z0-9_]{1,79}")
_PERHAPS_DONE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LIMITED = frozenset({"ratelimited", "rate_limited"})
_TOO_LONG = frozenset({"msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format"})
_ABOUT_ONE_PERSON = frozenset(
    {"user_disabled", "user_not_found", "users_not_found", "user_not_visible", "cannot_dm_bot"}
)
_ABOUT_WHOM_IT_IS_WITH = frozenset(
    {
        "restricted_action",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "invalid_user_combination",
    }
)
"""In a direct message these are about the person whom it is with; elsewhere they are about the channel or the app."""
_NEVER_SENT = (ConnectionRefusedError, gaierror, SSLCertVerificationError)

_REINSTALL = "Install the app into the workspace again, and put its new token into SLACK_BOT_TOKEN."
_CONNECTING = (
    "Slack does not accept SLACK_APP_TOKEN: at api.slack.com/apps, under Basic Information, make an "
    "app-level token with the scope connections:write. (apps.connections.open: {})"
)
_CANNOT_CONNECT = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "not_allowed_token_type",
        "missing_scope",
    }
)
_WHAT_TO_DO = {
    "not_in_channel": "The bot is not in that channel. Invite it there with /invite.",
    "channel_not_found": "Slack shows the bot no such channel. If it is private, invite the bot: /invite.",
    "is_archived": "That conversation is archived. Unarchive it, or use another channel.",
    "restricted_action": "A setting of the workspace keeps the bot from posting there. Ask an admin.",
    "restricted_action_read_only_channel": "Only some people may post in that channel. Let the bot, too.",
    "restricted_action_thread_only_channel": "Only threads are allowed in that channel. Use another channel.",
    "messages_tab_disabled": (
        "Nobody can get direct messages from the bot: at api.slack.com/apps, under App Home, turn on the Messages tab."
    ),
    "user_disabled": "That person's Slack account is deactivated.",
    "user_not_found": "Slack knows no such person.",
    "user_not_visible": "The bot may not see that person.",
    "user_not_in_channel": "That person is not in the channel.",
    "users_not_found": "Nobody in Slack has that e-mail address.",
    "cannot_dm_bot": "That is a bot, and bots get no direct messages.",
    "invalid_channel": "Slack shows the bot no such channel. If it is private, invite the bot: /invite.",
    "posting_to_channel_denied": "The bot may not post in that channel. Ask an admin.",
    "file_uploads_disabled": "A setting of the workspace allows no files. Ask an admin.",
    "file_type_not_allowed": "A setting of the workspace allows no files of that kind. Try another form.",
    "message_not_found": "That message is not there any more.",
    "cant_update_message": "Slack lets the bot change only its own messages.",
    "cant_delete_message": "Slack lets the bot delete only its own messages.",
    "edit_window_closed": "Slack no longer lets that message be changed: the workspace limits how long.",
    "thread_not_found": "The message that started the thread is not there any more.",
    "missing_scope": "The app lacks a permission. Compare it with `bot.py manifest`, and install it again.",
    "invalid_auth": f"Slack does not accept the bot's token. {_REINSTALL}",
    "not_authed": f"The bot has no token for Slack. {_REINSTALL}",
    "token_revoked": f"The bot's token was revoked. {_REINSTALL}",
    "token_expired": f"The bot's token has expired. {_REINSTALL}",
    "account_inactive": f"The app was removed from the workspace. {_REINSTALL}",
    "not_allowed_token_type": (
        "That is the wrong kind of token: SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with xapp-."
    ),
    "expired_trigger_id": "Slack took too long to open the form. Click again, or type the command.",
    "expired_url": "Slack no longer takes an answer to that click.",
    "used_url": "Slack takes no more answers to that click.",
    "no_service": "Slack no longer takes an answer to that click.",
}

_WHAT_TO_DO_THERE = {
    "channel_not_found": "Slack shows the bot no direct message with that person.",
    "not_in_channel": "Slack shows the bot no direct message with that person.",
    "is_archived": "The direct message with that person is archived: their Slack account may be deactivated.",
    "is_inactive": "The direct message with that person is not active: their Slack account may be deactivated.",
    "invalid_user_combination": "That person is from outside, and shares no channel with the bot.",
}
"""The same in a direct message, where it is something else."""


@contextmanager
def sorted_errors(method: str, *, is_direct: bool = False) -> Iterator[None]:
    """Turn whatever a call of that Slack method raises into an error of `recovery.errors`.

    `is_direct` says that the call opens a direct message or posts into one. Every other exception is a mistake in
    this program and passes.
    """
    try:
        yield
    except SlackApiError as error:
        answer = error.response
        raise of_answer(method, answer.status_code, answer.headers, answer.data, is_direct=is_direct) from None
    except (OSError, HTTPException) as error:
        raise of_failure(method, error) from None
    except (SlackClientError, ValueError, AttributeError):
        # slack_sdk trips over an answer that is no text, or JSON but no object.
        raise Uncertain(f"Slack gave an answer to {method} that cannot be read.") from None


def of_answer(
    method: str, status: int, headers: Mapping[str, str], data: object, *, is_direct: bool = False
) -> OutsideError:
    """The error for an answer that is not `ok`: Slack's status, headers, and body if it is a JSON object."""
    body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    code = str(body.get("error", ""))
    if status == 429 or code in _LIMITED:
        return SlowDown(f"Slack asks the bot to slow down ({method}).", seconds=_wait(headers))
    if status >= 500 or code in _PERHAPS_DONE:
        return Uncertain(f"Slack had an error of its own in {method}.")
    # slack_sdk puts the beginning of an answer that is no JSON where the code would be.
    if _CODE.fullmatch(code) is None:
        return Uncertain(f"Slack gave an answer to {method} that cannot be read.")
    if code in _TOO_LONG:
        return TooLong(f"Slack does not take a message of this size or form ({method}: {code}).", code=code)
    if code in _ABOUT_ONE_PERSON or (is_direct and code in _ABOUT_WHOM_IT_IS_WITH):
        return Unreachable(_words(method, code, body, is_direct=is_direct), code=code)
    kind = Gone if code == "message_not_found" else Refused
    return kind(_words(method, code, body), code=code)


def of_failure(method: str, error: Exception) -> OutsideError:
    """The error for a call that got no answer."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, _NEVER_SENT):
        return Later(f"Slack cannot be reached ({method}).", seconds=UNREACHED_WAIT)
    return Uncertain(f"No answer came from Slack to {method}.")


def _wait(headers: Mapping[str, str]) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = value[0] if isinstance(value, list) else value
            return float(text) if str(text).isdecimal() else DEFAULT_WAIT
    return DEFAULT_WAIT


def _words(method: str, code: str, body: Mapping[str, Any], *, is_direct: bool = False) -> str:
    if method == "apps.connections.open" and code in _CANNOT_CONNECT:
        return _CONNECTING.format(code)
    needed = str(body.get("needed", ""))
    if code == "missing_scope" and re.fullmatch(r"[a-z:._,]+", needed):
        return (
            f"The app lacks the permission {needed} ({method}). Add it at api.slack.com/apps under OAuth & "
            "Permissions, or paste what `bot.py manifest` prints, and install the app again."
        )
    advice = _WHAT_TO_DO | (_WHAT_TO_DO_THERE if is_direct else {})
    if code in advice:
        return f"{advice[code]} ({method}: {code})"
    return f"Slack refused {method}: {code}."
