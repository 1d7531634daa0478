"""`views.*`: modals."""

from drill.slack.api.call import Call, Method, Tier
from drill.slack.errors import SlackError
from drill.slack.limits import check_view
from drill.slack.model import JsonObject
from drill.slack.views import View


def open_view(call: Call) -> JsonObject:
    """`views.open`: a modal for whoever's `trigger_id` it is, within three seconds, once."""
    definition = _definition(call)
    view = call.slack.views.open(call.slack.triggers.redeem(call.text("trigger_id")), definition)
    return _changed(call, view)


def update(call: Call) -> JsonObject:
    """`views.update`: what an open modal shows; `hash_conflict` if it changed since the given hash."""
    definition = _definition(call)
    view = call.slack.views.find(call.optional("view_id"), call.optional("external_id"))
    expected = call.optional("hash")
    if expected is not None and expected != view.hash:
        raise SlackError("hash_conflict")
    call.slack.views.update(view, definition)
    return _changed(call, view)


def _definition(call: Call) -> JsonObject:
    view = call.json("view")
    if view is None:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    return check_view(view)


def _changed(call: Call, view: View) -> JsonObject:
    call.workspace.touch()
    return {"view": view.as_slack(call.workspace.app, call.workspace.team_id)}


METHODS = (
    Method("views.open", open_view, tier=Tier.FOUR),
    Method("views.update", update, tier=Tier.FOUR),
)
