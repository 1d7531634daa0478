"""Routes, which say what becomes of mail that comes in: `/v3/routes`."""

from __future__ import annotations

import re

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request, not_found
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.outlets import Route
from drill.mailgun.times import domain_time

_FIELDS = frozenset({"priority", "description", "expression", "action"})
_EXPRESSION = re.compile(r"(match_recipient|match_header|catch_all)\(.*\)", re.DOTALL)
_ACTION = re.compile(r"""forward\((["']).+\1\)|store\(.*\)|stop\(\)""")
_PRIORITY = re.compile(r"-?\d{1,9}", re.ASCII)


def _list_routes(call: Call) -> dict[str, object]:
    """GET /v3/routes, of this region. `total_count` counts all, on this page or not."""
    found = call.estate.routes_in(call.region)
    return {"total_count": len(found), "items": [shape(route) for route in found[call.page().part]]}


def _create_route(call: Call) -> dict[str, object]:
    """POST /v3/routes. `action` may be there several times, or not at all."""
    fields = call.form.urlencoded(known=_FIELDS, required=("expression",), repeatable=("action",))
    (expression,) = fields["expression"]
    actions, priority = fields.get("action", []), fields.get("priority", ["0"])[0]
    if not _EXPRESSION.fullmatch(expression):
        raise bad_request(f"Invalid expression: {expression}")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise bad_request(f"Invalid action: {action}")
    if not _PRIORITY.fullmatch(priority):
        raise bad_request("Parameter 'priority' must be a number")
    route = Route(
        region=call.region,
        expression=expression,
        actions=tuple(actions),
        priority=int(priority),
        description=fields.get("description", [""])[0],
        created_at=call.at,
        created_by=call.key.id,
    )
    call.estate.routes.append(route)
    return {"message": "Route has been created", "route": shape(route)}


def _get_route(call: Call) -> dict[str, object]:
    """GET /v3/routes/{id}."""
    return {"route": shape(_named(call))}


def _delete_route(call: Call) -> dict[str, object]:
    """DELETE /v3/routes/{id}."""
    route = _named(call)
    route.delete(call.at, call.key.id)
    return {"message": "Route has been deleted", "id": route.id}


def _named(call: Call) -> Route:
    """The route that the path names; raises 404 where this region has none of that id."""
    routes = call.estate.routes_in(call.region)
    route = next((route for route in routes if route.id == call.part("id")), None)
    if route is None:
        raise not_found("Route not found")
    return route


def shape(route: Route) -> dict[str, object]:
    """A route in Mailgun's fields."""
    return {
        "id": route.id,
        "priority": route.priority,
        "description": route.description,
        "expression": route.expression,
        "actions": list(route.actions),
        "created_at": domain_time(route.created_at),
    }


ENDPOINTS = (
    Endpoint("GET", "/v3/routes", Power.READ, _list_routes),
    Endpoint("POST", "/v3/routes", Power.CHANGE, _create_route),
    Endpoint("GET", "/v3/routes/{id}", Power.READ, _get_route),
    Endpoint("DELETE", "/v3/routes/{id}", Power.CHANGE, _delete_route),
)
