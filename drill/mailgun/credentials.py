"""SMTP credentials: `/v3/domains/{domain_name}/credentials`."""

from __future__ import annotations

import secrets

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request, not_found
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import Credential
from drill.mailgun.times import credential_time

_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 5, 32
_LIST = "/v3/domains/{domain_name}/credentials"
_ONE = "/v3/domains/{domain_name}/credentials/{spec}"


def _list_credentials(call: Call) -> dict[str, object]:
    """GET /v3/domains/{domain_name}/credentials. `total_count` counts the page, as Mailgun's does."""
    page = call.domain("domain_name").listed()[call.page().part]
    return {"items": [_shape(credential) for credential in page], "total_count": len(page)}


def _create_credential(call: Call) -> dict[str, object]:
    """POST /v3/domains/{domain_name}/credentials, for one login a call. Makes a password if none is given."""
    domain = call.domain("domain_name")
    fields = call.form.multipart(known={"login", "mailbox", "system", "password"}, required=())
    login = fields.get("login") or fields.get("mailbox")
    if not login:
        raise bad_request("Parameter 'login' is missing")
    full = domain.full_login(login)
    if not full.endswith(f"@{domain.name}"):
        raise bad_request(f"'{login}' is not a login of {domain.name}")
    if domain.credential(full) is not None:
        raise bad_request(f"Credentials for '{full}' exist")
    password = fields.get("password")
    answer: dict[str, object] = {"message": "Created 1 credentials pair(s)"}
    if password is None:
        password = secrets.token_hex(16)
        answer |= {"note": "Store the password, it is not shown again", "credentials": {full: password}}
    check_password(password)
    domain.credentials.append(Credential(full, password, call.at, call.at, set_by=call.key.id))
    return answer


def _update_credential(call: Call) -> dict[str, object]:
    """PUT /v3/domains/{domain_name}/credentials/{spec}, which sets the password of one login.

    Works for a domain's `smtp_login` also where the list leaves it out. The description lets the password
    be left out, for Mailgun to make one; here it is required, since the bot always chooses it.
    """
    domain = call.domain("domain_name")
    fields = call.form.multipart(known={"password"}, required=("password",))
    check_password(fields["password"])
    credential = domain.credential(call.part("spec"))
    if credential is None:
        raise not_found("Credentials not found")
    credential.set_password(fields["password"], call.at, call.key.id)
    return {"message": "Password changed"}


def _delete_credential(call: Call) -> dict[str, object]:
    """DELETE /v3/domains/{domain_name}/credentials/{spec}."""
    domain = call.domain("domain_name")
    credential = domain.credential(call.part("spec"))
    if credential is None:
        raise not_found("Credentials not found")
    if credential.login == domain.smtp_login:
        raise bad_request(f"Cannot delete system mailbox: {credential.login}")
    domain.credentials.remove(credential)
    return {"message": "Credentials have been deleted", "spec": credential.login}


def check_password(password: str) -> None:
    """Raise the `Refusal`, 400, of a password that is too short or too long."""
    between = f"It must be between {_SHORTEST_PASSWORD} and {_LONGEST_PASSWORD} characters."
    if len(password) < _SHORTEST_PASSWORD:
        raise bad_request(f"Password is too short. {between}")
    if len(password) > _LONGEST_PASSWORD:
        raise bad_request(f"Password is too long. {between}")


def _shape(credential: Credential) -> dict[str, object]:
    return {
        "mailbox": credential.login,
        "login": credential.login,
        "created_at": credential_time(credential.created_at),
        "size_bytes": None,
    }


ENDPOINTS = (
    Endpoint("GET", _LIST, Power.READ, _list_credentials),
    Endpoint("POST", _LIST, Power.CHANGE, _create_credential),
    Endpoint("PUT", _ONE, Power.CHANGE, _update_credential),
    Endpoint("DELETE", _ONE, Power.CHANGE, _delete_credential),
)
