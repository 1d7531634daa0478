"""API keys: `/v1/keys`."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request, forbidden, not_found
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import (
    WEB_KEY_LIFETIME,
    Key,
    KeyKind,
    KeyLimitReached,
    KeyRole,
    new_key_id,
    new_secret,
)
from drill.mailgun.times import key_time

_FIELDS = frozenset({"domain_name", "kind", "description", "expiration", "role", "user_id", "user_name", "email"})


def _list_keys(call: Call) -> dict[str, object]:
    """GET /v1/keys, never with a secret, nor with which of them is calling."""
    query = call.request.query_params
    kind = query.get("kind")
    if kind is not None and kind not in list(KeyKind):
        raise bad_request("expected `kind` param to be one of [domain user web] or absent")
    domain_name = query.get("domain_name")
    items = [
        shape(key)
        for key in call.estate.present_keys()
        if kind in (None, key.kind) and domain_name in (None, key.domain_name)
    ]
    return {"total_count": len(items), "items": items}


def _create_key(call: Call) -> dict[str, object]:
    """POST /v1/keys. The answer is the only place where Mailgun ever shows the secret."""
    key = _new_key(call.form.multipart(known=_FIELDS, required=("role",)), call)
    try:
        call.estate.add_key(key)
    except KeyLimitReached as error:
        raise forbidden("could not create key, account limit reached") from error
    return {"message": "great success", "key": {**shape(key), "secret": key.secret}}


def _delete_key(call: Call) -> dict[str, object]:
    """DELETE /v1/keys/{key_id}. Mailgun lets a key delete itself; it is refused from the next call on."""
    key = call.estate.key(call.part("key_id"))
    if key is None:
        raise not_found("no key matching id")
    key.delete(call.at, call.key.id)
    return {"message": "key deleted"}


def _regenerate_public_key(call: Call) -> dict[str, object]:
    """POST /v1/keys/public; the public key before it is gone."""
    call.account.public_key = f"pubkey-{secrets.token_hex(16)}"
    return {
        "key": call.account.public_key,
        "message": "The public API key has been successfully regenerated.",
    }


def _new_key(fields: dict[str, str], call: Call) -> Key:
    kind_text, role_text = fields.get("kind", KeyKind.USER), fields["role"]
    if kind_text not in list(KeyKind):
        raise bad_request("expected `kind` param to be one of [domain user web] or absent")
    if role_text not in list(KeyRole):
        raise bad_request("expected `role` param to be one of [admin basic sending developer]")
    kind, role = KeyKind(kind_text), KeyRole(role_text)
    domain_name = fields.get("domain_name") or None
    if (kind is KeyKind.DOMAIN) != (role is KeyRole.SENDING):
        raise bad_request("the `sending` role goes with keys of `domain` kind, and no other role does")
    if kind is KeyKind.DOMAIN:
        if domain_name is None:
            raise bad_request("expected `domain_name` param for a key of `domain` kind")
        if not call.estate.has_domain(domain_name):
            raise bad_request(f"no domain matching `{domain_name}`")
    elif domain_name is not None:
        raise bad_request("`domain_name` param goes with keys of `domain` kind only")
    if kind is KeyKind.WEB and not fields.get("user_id"):
        raise bad_request("expected `user_id` param for a key of `web` kind")
    key_id = new_key_id()
    return Key(
        id=key_id,
        secret=new_secret(key_id),
        kind=kind,
        role=role,
        description=fields.get("description", ""),
        created_at=call.at,
        created_by=call.key.id,
        domain_name=domain_name,
        requestor=fields.get("email"),
        user_name=fields.get("user_name"),
        user_id=fields.get("user_id"),
        expires_at=_expiry(fields.get("expiration"), kind, call.at),
    )


def _expiry(expiration: str | None, kind: KeyKind, at: datetime) -> datetime | None:
    latest = at + WEB_KEY_LIFETIME if kind is KeyKind.WEB else None
    if expiration is None:
        return latest
    if not (expiration.isascii() and expiration.isdigit()) or int(expiration) == 0:
        raise bad_request("expected `expiration` param to be a number of seconds greater than 0")
    asked = at + timedelta(seconds=int(expiration))
    return asked if latest is None else min(asked, latest)


def shape(key: Key) -> dict[str, object]:
    """A key in Mailgun's fields, without its secret."""
    fields: dict[str, object] = {
        "id": key.id,
        "description": key.description,
        "kind": key.kind,
        "role": key.role,
        "created_at": key_time(key.created_at),
        "updated_at": key_time(key.created_at),
        "is_disabled": key.disabled_reason is not None,
        "domain_name": key.domain_name,
        "requestor": key.requestor,
        "user_name": key.user_name,
    }
    if key.expires_at is not None:
        fields["expires_at"] = key_time(key.expires_at)
    if key.disabled_reason is not None:
        fields["disabled_reason"] = key.disabled_reason
    return fields


ENDPOINTS = (
    Endpoint("GET", "/v1/keys", Power.READ, _list_keys),
    Endpoint("POST", "/v1/keys", Power.MANAGE, _create_key),
    Endpoint("POST", "/v1/keys/public", Power.MANAGE, _regenerate_public_key),
    Endpoint("DELETE", "/v1/keys/{key_id}", Power.MANAGE, _delete_key),
)
