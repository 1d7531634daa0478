"""The modals that are open, for whom, and what they were told."""

import secrets
from dataclasses import dataclass, field

from drill.slack.errors import SlackError
from drill.slack.model import JsonObject, SlackApp
from drill.slack.workspace import with_ids


@dataclass
class View:
    """One open modal. `errors` are the app's complaints by block id; `notice` is Slack's own."""

    id: str
    user_id: str
    definition: JsonObject
    hash: str
    errors: dict[str, str] = field(default_factory=dict)
    notice: str | None = None

    @property
    def blocks(self) -> list[JsonObject]:
        blocks: list[JsonObject] = self.definition["blocks"]
        return blocks

    def as_slack(self, app: SlackApp, team_id: str, values: JsonObject | None = None) -> JsonObject:
        """The view object of `views.open` and of `view_submission` payloads."""
        return {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "submit": None,
            "close": None,
            **self.definition,
            "id": self.id,
            "team_id": team_id,
            "hash": self.hash,
            "state": {"values": values or {}},
            "root_view_id": self.id,
            "previous_view_id": None,
            "app_id": app.id,
            "app_installed_team_id": team_id,
            "bot_id": app.bot_id,
        }


class Views:
    """The open modals: at most one a person, as nothing here pushes a second onto it."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}

    def open(self, user_id: str, definition: JsonObject) -> View:
        """Open a modal for that person, in place of the one that is open."""
        for earlier in self.of(user_id):
            self.close(earlier)
        view = View(f"V{secrets.token_hex(5).upper()}", user_id, _kept(definition), _new_hash())
        self._views[view.id] = view
        return view

    def update(self, view: View, definition: JsonObject) -> None:
        """Replace what the modal shows."""
        view.definition, view.hash = _kept(definition), _new_hash()
        view.errors, view.notice = {}, None

    def close(self, view: View) -> None:
        """Close it, if it is still open."""
        self._views.pop(view.id, None)

    def find(self, view_id: str | None, external_id: str | None = None) -> View:
        """The open view with that id, or with that external id.

        Raises:
            SlackError: `not_found`.
        """
        for view in self._views.values():
            if view.id == view_id or (external_id and view.definition.get("external_id") == external_id):
                return view
        raise SlackError("not_found")

    def of(self, user_id: str) -> list[View]:
        """What that person has open."""
        return [view for view in self._views.values() if view.user_id == user_id]


def _kept(definition: JsonObject) -> JsonObject:
    return {**definition, "blocks": with_ids(definition["blocks"])}


def _new_hash() -> str:
    return f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}"
