"""What happens outside Slack while a person plays: Mailgun Support reads the ticket and enables the account."""

import time
from collections.abc import Callable

from drill.company import Company

SUPPORT_TAKES = 4.0


class Outside:
    """Looks at what is done in Slack, and does what would follow from it elsewhere."""

    def __init__(self, company: Company, say: Callable[[str], None]) -> None:
        self._company = company
        self._say = say
        self._read = 0
        self._told_at: float | None = None

    def look(self) -> None:
        """See whether Support was told; a few seconds later, the account is enabled."""
        for entry in self._company.slack.log(self._read):
            self._read = int(entry["seq"])
            if entry["kind"] == "event" and _is_sent(entry["payload"]):
                self._told_at = time.monotonic()
        if self._told_at is not None and time.monotonic() - self._told_at > SUPPORT_TAKES:
            self._told_at = None
            self._company.mailgun.support_enables_the_account()
            self._say("Mailgun Support has enabled the account.")


def _is_sent(payload: dict[str, object]) -> bool:
    view = payload.get("view")
    return (
        payload.get("type") == "view_submission" and isinstance(view, dict) and view.get("callback_id") == "form:sent"
    )
