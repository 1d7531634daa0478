"""Mail that waits to be sent: `/v3/{domain_name}/envelopes`, on the storage hosts only."""

from __future__ import annotations

from drill.mailgun.access import Power
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.outlets import present


def _delete_envelopes(call: Call) -> dict[str, object]:
    """DELETE /v3/{domain_name}/envelopes: all that this host keeps of the domain, and nothing that another does.

    Mailgun answers the same whether there was any.
    """
    domain = call.domain("domain_name", otherwise="domain not found")
    for message in present(call.account.queued):
        if message.host is call.host and message.domain == domain.name:
            message.delete(call.at, call.key.id)
    return {"message": "done"}


ENDPOINTS = (Endpoint("DELETE", "/v3/{domain_name}/envelopes", Power.CHANGE, _delete_envelopes),)
