"""The whole account as `GET /_drill/state` tells it: what Mailgun's API would never say, secrets included."""

from __future__ import annotations

from drill.mailgun.model import Account, Credential, Domain, Key, SentMessage, User
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
        },
        "domains": [told_domain(domain, owner) for owner, estate in estates for domain in estate.domains],
        "keys": [told_key(key, owner) for owner, estate in estates for key in estate.keys],
        "users": [told_user(user) for user in account.users],
        "subaccounts": [{"id": sub.id, "name": sub.name} for sub in account.subaccounts],
        "sent": [_told_message(message) for message in account.sent],
    }


def told_domain(domain: Domain, subaccount_id: str | None) -> Told:
    return {
        "name": domain.name,
        "region": domain.region,
        "subaccount_id": subaccount_id,
        "smtp_login": domain.smtp_login,
        "is_disabled": domain.disabled is not None,
        "disabled_code": domain.disabled.code if domain.disabled else None,
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
        "created_at": drill_time(key.created_at),
        "expires_at": drill_time(key.expires_at),
        "disabled_reason": key.disabled_reason,
        "deleted": key.deleted_at is not None,
        "deleted_at": drill_time(key.deleted_at),
        "deleted_by": key.deleted_by,
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
