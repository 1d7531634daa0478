"""Who the bot is in Slack."""

import threading
from dataclasses import dataclass

from slack_sdk import WebClient

from handlers.errors import sorted_errors
from recovery.errors import Uncertain


@dataclass(frozen=True)
class Me:
    """The bot: its workspace, its user, and its id as the author of messages."""

    team_id: str
    user_id: str
    bot_id: str


class Identity:
    """Asks Slack once who the bot is; a token never changes its owner."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._me: Me | None = None

    def me(self) -> Me:
        """The bot, by `auth.test`. Asked again after a failure."""
        with self._lock:
            if self._me is None:
                self._me = self._ask()
            return self._me

    @property
    def is_known(self) -> bool:
        """Whether Slack has said it already."""
        return self._me is not None

    def _ask(self) -> Me:
        with sorted_errors("auth.test"):
            answer = self._client.auth_test()
            found = [answer.get(name) for name in ("team_id", "user_id", "bot_id")]
        if not all(isinstance(value, str) and value for value in found):
            raise Uncertain("Slack's answer to auth.test does not say who the bot is: is it a bot token?")
        return Me(*map(str, found))
