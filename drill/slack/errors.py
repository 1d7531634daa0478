"""The one way in which the practice Slack refuses something."""

from typing import Any


class SlackError(Exception):
    """A refusal with Slack's own error code, e.g. ``SlackError("channel_not_found")``.

    ``messages`` go into ``response_metadata.messages``, as Slack does for blocks and arguments; ``fields``
    stand beside ``error`` in the answer, as ``needed`` and ``provided`` do for ``missing_scope``.
    """

    def __init__(
        self, code: str, *messages: str, status: int = 200, retry_after: int | None = None, **fields: str
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages
        self.status = status
        self.retry_after = retry_after
        self.fields = fields

    def answer(self) -> dict[str, Any]:
        """The body that Slack would answer with."""
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.fields}
        if self.messages:
            body["response_metadata"] = {"messages": list(self.messages)}
        return body


class OrderRefused(Exception):
    """A well-formed order that cannot be carried out now: the words for whoever gave it, and a status."""

    def __init__(self, words: str, status: int = 404, **fields: Any) -> None:
        super().__init__(words)
        self.words = words
        self.status = status
        self.fields = fields
