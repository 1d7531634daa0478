"""Sending alerts, which tell the company when a rate is unusual: `/v1/thresholds/alerts/send`. Only to read."""

from __future__ import annotations

from drill.mailgun.access import Power
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import Account
from drill.mailgun.outlets import Alert
from drill.mailgun.times import alert_time


def _list_alerts(call: Call) -> dict[str, object]:
    """GET /v1/thresholds/alerts/send: all of them; the description knows no pages here."""
    owners = {id(estate): subaccount_id for subaccount_id, estate in call.account.estates()}
    items = [_shape(alert, call.account, owners[id(call.estate)]) for alert in call.estate.alerts]
    return {"items": items, "total": len(items)}


def _shape(alert: Alert, account: Account, subaccount_id: str | None) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": alert.id,
        "parent_account_id": account.id,
        "name": alert.name,
        "created_at": alert_time(alert.created_at),
        "updated_at": alert_time(alert.created_at),
        "alert_channels": list(alert.channels),
        "metric": alert.metric,
        "comparator": alert.comparator,
        "limit": alert.limit,
        "dimension": alert.dimension,
        "period": alert.period,
    }
    if subaccount_id is not None:
        fields["subaccount_id"] = subaccount_id
    return fields


ENDPOINTS = (Endpoint("GET", "/v1/thresholds/alerts/send", Power.READ, _list_alerts),)
