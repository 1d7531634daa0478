"""The account's users: `/v5/users`. No call resets a password or turns on 2FA; people do."""

from __future__ import annotations

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request, forbidden, not_found
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import User, UserRole
from drill.mailgun.times import user_time


def _list_users(call: Call) -> dict[str, object]:
    """GET /v5/users. `total` counts all that match, on this page or not."""
    role = call.request.query_params.get("role")
    if role is not None and role not in list(UserRole):
        raise bad_request(f"The 'role' parameter must be one of: {', '.join(UserRole)}")
    found = [user for user in call.account.present_users() if role in (None, user.role)]
    users = [shape(user, call.account.id) for user in found[call.page().part]]
    return {"users": users, "total": len(found)}


def _get_user(call: Call) -> dict[str, object]:
    """GET /v5/users/{user_id}."""
    user = call.account.user(call.part("user_id"))
    if user is None:
        raise not_found("User not found")
    return shape(user, call.account.id)


def _get_own_user(call: Call) -> dict[str, object]:
    """GET /v5/users/me, for keys that belong to a user: sessions of the control panel, as a rule."""
    user = call.account.user(call.key.user_id) if call.key.user_id else None
    if user is None:
        raise forbidden("Incompatible key for this endpoint")
    return shape(user, call.account.id)


def shape(user: User, account_id: str) -> dict[str, object]:
    """A user in Mailgun's fields."""
    address = user.email or ""
    local_part, _, domain = address.partition("@")
    fields: dict[str, object] = {
        "id": user.id,
        "name": user.name,
        "activated": user.activated,
        "is_disabled": user.is_disabled,
        "email": user.email,
        "email_details": {
            "address": address,
            "is_valid": bool(address),
            "parts": {"local_part": local_part, "domain": domain},
        },
        "role": user.role,
        "account_id": account_id,
        "opened_ip": "192.0.2.10",
        "is_master": user.is_master,
        "metadata": {},
        "tfa_enabled": user.tfa_active,
        "tfa_active": user.tfa_active,
        "tfa_created_at": user_time(user.tfa_created_at),
        "password_updated_at": user_time(user.password_updated_at),
        "preferences": {"time_zone": "UTC"},
        "auth": {"method": user.auth_method, "prior_method": "", "prior_details": {}},
        "github_user_id": None,
        "salesforce_user_id": None,
    }
    if user.migration_status is not None:
        fields["migration_status"] = user.migration_status
    return fields


ENDPOINTS = (
    Endpoint("GET", "/v5/users", Power.READ_USERS, _list_users),
    Endpoint("GET", "/v5/users/me", Power.READ, _get_own_user),
    Endpoint("GET", "/v5/users/{user_id}", Power.READ_USERS, _get_user),
)
