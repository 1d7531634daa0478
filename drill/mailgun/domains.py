"""Domains and their settings: `/v4/domains`."""

from __future__ import annotations

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.credentials import check_password
from drill.mailgun.model import Credential, Domain
from drill.mailgun.times import domain_time
from drill.mailgun.webhooks import is_url

_SORTS = {"name": False, "name:asc": False, "name:desc": True}
_SETTINGS = frozenset(
    {
        "archive_to",
        "mailfrom_host",
        "message_ttl",
        "require_tls",
        "skip_verification",
        "smtp_password",
        "spam_action",
        "use_automatic_sender_security",
        "web_prefix",
        "web_scheme",
        "wildcard",
    }
)


def _list_domains(call: Call) -> dict[str, object]:
    """GET /v4/domains. `total_count` counts all that match, on this page or not."""
    query = call.request.query_params
    owned = [(None, domain) for domain in call.estate.in_region(call.region)]
    found: list[tuple[str | None, Domain]] = list(owned)
    if query.get("include_subaccounts") == "true" and call.estate is call.account.estate:
        for subaccount in call.account.subaccounts:
            found += [(subaccount.id, domain) for domain in subaccount.estate.in_region(call.region)]
    found = [
        (owner, domain)
        for owner, domain in found
        if query.get("search", "") in domain.name and query.get("state", _state(domain)) == _state(domain)
    ]
    sort = query.get("sort")
    if sort is None:
        found.sort(key=lambda pair: pair[1].created_at, reverse=True)
    elif sort in _SORTS:
        found.sort(key=lambda pair: pair[1].name, reverse=_SORTS[sort])
    else:
        raise bad_request(f"The 'sort' parameter must be one of: {', '.join(_SORTS)}")
    items = [shape(domain, owner) for owner, domain in found[call.page().part]]
    return {"total_count": len(found), "items": items}


def _get_domain(call: Call) -> dict[str, object]:
    """GET /v4/domains/{name}, with the one DNS record that says least."""
    return _with_records(call.domain("name"))


def _update_domain(call: Call) -> dict[str, object]:
    """PUT /v4/domains/{name}. Of the settings, `archive_to` and `smtp_password` do something here.

    An empty `archive_to` is none. Nothing is changed if either is wrong.
    """
    domain = call.domain("name")
    fields = call.form.multipart(known=_SETTINGS, required=())
    archive_to, password = fields.get("archive_to"), fields.get("smtp_password")
    if archive_to and not is_url(archive_to):
        raise bad_request("Parameter 'archive_to' must be a URL")
    if password is not None:
        check_password(password)
        _set_smtp_password(domain, password, call)
    if archive_to is not None:
        domain.set_archive_to(archive_to, call.at, call.key.id)
    return {"message": "Domain has been updated", **_with_records(domain)}


def _set_smtp_password(domain: Domain, password: str, call: Call) -> None:
    credential = domain.credential(domain.smtp_login)
    if credential is None:
        credential = Credential(domain.smtp_login, password, call.at, call.at)
        domain.credentials.append(credential)
    credential.set_password(password, call.at, call.key.id)


def _with_records(domain: Domain) -> dict[str, object]:
    spf = "v=spf1 include:mailgun.org ~all"
    record = {"is_active": True, "cached": [spf], "name": domain.name, "record_type": "TXT", "valid": "valid"}
    return {
        "domain": shape(domain),
        "receiving_dns_records": [],
        "sending_dns_records": [{**record, "value": spf}],
    }


def _state(domain: Domain) -> str:
    return "active" if domain.disabled is None else "disabled"


def shape(domain: Domain, subaccount_id: str | None = None) -> dict[str, object]:
    """A domain in Mailgun's fields."""
    fields: dict[str, object] = {
        "created_at": domain_time(domain.created_at),
        "id": domain.id,
        "is_disabled": domain.disabled is not None,
        "name": domain.name,
        "require_tls": False,
        "skip_verification": False,
        "smtp_login": domain.smtp_login,
        "spam_action": "disabled",
        "state": _state(domain),
        "type": "custom",
        "use_automatic_sender_security": True,
        "web_prefix": "email",
        "web_scheme": "https",
        "wildcard": False,
        "encrypt_incoming_message": False,
        "message_ttl": 259200,
    }
    if domain.disabled is not None:
        fields["disabled"] = {
            "code": domain.disabled.code,
            "note": domain.disabled.note,
            "permanently": domain.disabled.permanently,
            "reason": domain.disabled.reason,
        }
    if domain.archive_to is not None:
        fields["archive_to"] = domain.archive_to
    if subaccount_id is not None:
        fields["subaccount_id"] = subaccount_id
    return fields


ENDPOINTS = (
    Endpoint("GET", "/v4/domains", Power.READ, _list_domains),
    Endpoint("GET", "/v4/domains/{name}", Power.READ, _get_domain),
    Endpoint("PUT", "/v4/domains/{name}", Power.CHANGE, _update_domain),
)
