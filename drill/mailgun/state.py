"""The whole account as `GET /_drill/state` tells it: what Mailgun's API would never say, secrets included."""

from __future__ import annotations

from drill.mailgun.model import Account, Credential, Domain, Key, SentMessage, User
from drill.mailgun.outlets import Alert, AllowedAddress, Archive, Kept, QueuedMessage, Route, Webhook
from drill.mailgun.times import drill_time

Told = dict[str, object]


def told_account(account: Account) -> Told:
    """All there is to know about an account; what was deleted or removed is still there, and says so."""
    estates = list(account.estates())
    return {
        "account": {
            "id": account.id,
            "disabled": account.disabled,
            "key_limit": account.estate.key_limit,
            "http_signing_key": account.http_signing_key,
            "public_key": account.public_key,
            "calls_come_from": account.calls_come_from,
            "refuses_calls": account.refuses_calls,
            "calls_a_second": account.calls_a_second,
            "burst": account.burst,
        },
        "domains": [told_domain(domain, owner) for owner, estate in estates for domain in estate.domains],
        "keys": [told_key(key, owner) for owner, estate in estates for key in estate.keys],
        "users": [told_user(user) for user in account.users],
        "subaccounts": [{"id": sub.id, "name": sub.name} for sub in account.subaccounts],
        "sent": [_told_message(message) for message in account.sent],
        "sent_by_day": {
            name: {day.isoformat(): count for day, count in sorted(by_day.items())}
            for name, by_day in account.sent_by_day.items()
        },
        "routes": [_told_route(route, owner) for owner, estate in estates for route in estate.routes],
        "webhooks": [
            _told_webhook(webhook, domain, owner)
            for owner, estate in estates
            for domain in estate.domains
            for webhook in domain.webhooks
        ],
        "allowlist": [_told_address(entry) for entry in account.allowlist],
        "alerts": [_told_alert(alert, owner) for owner, estate in estates for alert in estate.alerts],
        "queued": [_told_queued(message) for message in account.queued],
    }


def told_domain(domain: Domain, subaccount_id: str | None) -> Told:
    return {
        "name": domain.name,
        "region": domain.region,
        "subaccount_id": subaccount_id,
        "smtp_login": domain.smtp_login,
        "is_disabled": domain.disabled is not None,
        "disabled_code": domain.disabled.code if domain.disabled else None,
        "archive_to": domain.archive_to,
        "archives": [_told_archive(archive) for archive in domain.archives],
        "credentials": [told_credential(credential) for credential in domain.credentials],
    }


def told_credential(credential: Credential) -> Told:
    return {
        "login": credential.login,
        "password": credential.password,
        "listed": credential.listed,
        "created_at": drill_time(credential.created_at),
        "set_at": drill_time(credential.set_at),
        "set_by": credential.set_by,
    }


def told_key(key: Key, subaccount_id: str | None) -> Told:
    return {
        "id": key.id,
        "secret": key.secret,
        "kind": key.kind,
        "role": key.role,
        "description": key.description,
        "domain_name": key.domain_name,
        "user_id": key.user_id,
        "subaccount_id": subaccount_id,
        "expires_at": drill_time(key.expires_at),
        "disabled_reason": key.disabled_reason,
        **_told_kept(key),
    }


def told_user(user: User) -> Told:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "is_master": user.is_master,
        "is_disabled": user.is_disabled,
        "activated": user.activated,
        "removed": user.removed,
        "auth_method": user.auth_method,
        "migration_status": user.migration_status,
        "tfa_active": user.tfa_active,
        "tfa_created_at": drill_time(user.tfa_created_at),
        "password_updated_at": drill_time(user.password_updated_at),
    }


def _told_message(message: SentMessage) -> Told:
    return {
        "at": drill_time(message.at),
        "domain": message.domain,
        "key_id": message.key_id,
        "recipient": message.recipient,
        "subject": message.subject,
    }


def _told_kept(kept: Kept) -> Told:
    return {
        "created_at": drill_time(kept.created_at),
        "created_by": kept.created_by,
        "deleted": not kept.present,
        "deleted_at": drill_time(kept.deleted_at),
        "deleted_by": kept.deleted_by,
    }


def _told_route(route: Route, subaccount_id: str | None) -> Told:
    return {
        "id": route.id,
        "region": route.region,
        "subaccount_id": subaccount_id,
        "expression": route.expression,
        "actions": list(route.actions),
        "priority": route.priority,
        "description": route.description,
        **_told_kept(route),
    }


def _told_webhook(webhook: Webhook, domain: Domain, subaccount_id: str | None) -> Told:
    return {
        "domain": domain.name,
        "region": domain.region,
        "subaccount_id": subaccount_id,
        "event": webhook.event,
        "url": webhook.url,
        **_told_kept(webhook),
    }


def _told_archive(archive: Archive) -> Told:
    return {"url": archive.url, **_told_kept(archive)}


def _told_address(entry: AllowedAddress) -> Told:
    return {"address": entry.address, "description": entry.description, **_told_kept(entry)}


def _told_queued(message: QueuedMessage) -> Told:
    return {
        "domain": message.domain,
        "recipient": message.recipient,
        "subject": message.subject,
        "due_at": drill_time(message.due_at),
        "host": message.host,
        **_told_kept(message),
    }


def _told_alert(alert: Alert, subaccount_id: str | None) -> Told:
    return {
        "id": alert.id,
        "subaccount_id": subaccount_id,
        "name": alert.name,
        "metric": alert.metric,
        "comparator": alert.comparator,
        "limit": alert.limit,
        "dimension": alert.dimension,
        "period": alert.period,
        "channels": list(alert.channels),
        "created_at": drill_time(alert.created_at),
    }
