"""The addresses that the account may be called from: `/v2/ip_whitelist`.

It is the account's own. A subaccount, with a key of its own or in its name, may not see or change it; Mailgun
says nothing about that, and so nobody should rely on it.
"""

from __future__ import annotations

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request, forbidden
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import Account
from drill.mailgun.outlets import AllowedAddress, is_address, present

_PATH = "/v2/ip_whitelist"


def _list_addresses(call: Call) -> dict[str, object]:
    """GET /v2/ip_whitelist."""
    return _answer(_owned(call))


def _add_address(call: Call) -> dict[str, object]:
    """POST /v2/ip_whitelist: an address or a CIDR range. The first one keeps out everybody else, the caller too."""
    account = _owned(call)
    fields = call.form.multipart(known=("address", "description"), required=("address",))
    address = fields["address"]
    if not is_address(address, or_range=True):
        raise bad_request("Invalid IP Address or CIDR")
    if any(entry.address == address for entry in present(account.allowlist)):
        raise bad_request("IP already exists")
    account.allowlist.append(
        AllowedAddress(
            address=address,
            description=fields.get("description", ""),
            created_at=call.at,
            created_by=call.key.id,
        )
    )
    return _answer(account)


def _delete_address(call: Call) -> dict[str, object]:
    """DELETE /v2/ip_whitelist?address=, written as the list has it. Without the last one, nobody is kept out."""
    account = _owned(call)
    address = call.request.query_params.get("address", "")
    if not address:
        raise bad_request("IP address can not be blank")
    found = [entry for entry in present(account.allowlist) if entry.address == address]
    if not found:
        raise bad_request("IP not found")
    for entry in found:
        entry.delete(call.at, call.key.id)
    return _answer(account)


def _owned(call: Call) -> Account:
    if call.estate is not call.account.estate:
        raise forbidden()
    return call.account


def _answer(account: Account) -> dict[str, object]:
    entries = present(account.allowlist)
    return {"addresses": [{"ip_address": entry.address, "description": entry.description} for entry in entries]}


ENDPOINTS = (
    Endpoint("GET", _PATH, Power.READ, _list_addresses),
    Endpoint("POST", _PATH, Power.MANAGE, _add_address),
    Endpoint("DELETE", _PATH, Power.MANAGE, _delete_address),
)
