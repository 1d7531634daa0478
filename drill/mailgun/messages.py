"""Sending: `/v3/{domain_name}/messages`. Nothing leaves the machine; what was sent is kept in the account."""

from __future__ import annotations

import secrets
from email.utils import getaddresses

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request, forbidden
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import SentMessage

_CONTENTS = ("text", "html", "amp-html", "template")


def _send(call: Call) -> dict[str, object]:
    """POST /v3/{domain_name}/messages: what a key is for, for its owner and for an attacker."""
    domain = call.domain("domain_name")
    fields = call.form.fields
    for name in ("from", "to", "subject"):
        if not fields.get(name):
            raise bad_request(f"{name} parameter is missing")
    if not any(fields.get(name) for name in _CONTENTS):
        raise bad_request("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
    if domain.disabled is not None:
        raise forbidden(f"Domain {domain.name} is not allowed to send: {domain.disabled.reason}")
    recipients = fields["to"]
    message = SentMessage(call.at, domain.name, call.key.id, ", ".join(recipients), fields["subject"][0])
    call.account.keep_sent(message, len(getaddresses(recipients)))
    return {"id": f"<{secrets.token_hex(12)}@{domain.name}>", "message": "Queued. Thank you."}


ENDPOINTS = (Endpoint("POST", "/v3/{domain_name}/messages", Power.SEND, _send),)
