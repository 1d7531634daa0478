"""What belongs to the account as a whole: webhook signing key and subaccounts (`/v5/accounts/...`)."""

from __future__ import annotations

import secrets

from drill.mailgun.access import Power
from drill.mailgun.answers import not_found
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.forms import Page
from drill.mailgun.model import Subaccount
from drill.mailgun.times import domain_time

_SIGNING_KEY = "/v5/accounts/http_signing_key"
_SUBACCOUNTS_A_PAGE = 10


def _get_signing_key(call: Call) -> dict[str, object]:
    """GET /v5/accounts/http_signing_key."""
    return {"http_signing_key": call.account.http_signing_key}


def _regenerate_signing_key(call: Call) -> dict[str, object]:
    """POST /v5/accounts/http_signing_key; the one before it is dead at once."""
    call.account.http_signing_key = f"key-{secrets.token_hex(16)}"
    return {
        "message": "regenerated HTTP signing key for account",
        "http_signing_key": call.account.http_signing_key,
    }


def _list_subaccounts(call: Call) -> dict[str, object]:
    """GET /v5/accounts/subaccounts, ten a page unless asked otherwise."""
    query = call.request.query_params
    found = [sub for sub in call.account.subaccounts if query.get("filter", "") in sub.name]
    found.sort(key=lambda sub: sub.name, reverse=query.get("sort") == "desc")
    page = Page.asked(query, default_limit=_SUBACCOUNTS_A_PAGE).at_most(call.account.largest_page)
    return {"subaccounts": [_shape(sub) for sub in found[page.part]], "total": len(found)}


def _get_subaccount(call: Call) -> dict[str, object]:
    """GET /v5/accounts/subaccounts/{subaccount_id}."""
    subaccount = call.account.subaccount(call.part("subaccount_id"))
    if subaccount is None:
        raise not_found("Not Found")
    return {"subaccount": _shape(subaccount)}


def _shape(subaccount: Subaccount) -> dict[str, object]:
    created = domain_time(subaccount.created_at)
    return {
        "id": subaccount.id,
        "name": subaccount.name,
        "status": "open",
        "created_at": created,
        "updated_at": created,
    }


ENDPOINTS = (
    Endpoint("GET", _SIGNING_KEY, Power.READ, _get_signing_key),
    Endpoint("POST", _SIGNING_KEY, Power.MANAGE, _regenerate_signing_key),
    Endpoint("GET", "/v5/accounts/subaccounts", Power.READ, _list_subaccounts),
    Endpoint("GET", "/v5/accounts/subaccounts/{subaccount_id}", Power.READ, _get_subaccount),
)
