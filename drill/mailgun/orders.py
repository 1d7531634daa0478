"""What the drill's actors, tests and scripts may ask of the account, and do to it: `/_drill/...`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.mailgun.calls import CallLog, Clock
from drill.mailgun.model import (
    PANEL,
    Account,
    AuthMethod,
    Credential,
    Domain,
    Key,
    KeyKind,
    KeyRole,
    User,
    UserRole,
    new_key_id,
    new_secret,
)
from drill.mailgun.outlets import is_address
from drill.mailgun.state import told_account, told_credential, told_key, told_user
from drill.orders import Order, OrderError, order_handler

Found = TypeVar("Found")


class Orders:
    """The orders about one account."""

    def __init__(self, account: Account, log: CallLog, now: Clock) -> None:
        self._account = account
        self._log = log
        self._now = now

    def routes(self) -> list[Route]:
        return [
            Route("/_drill/state", self._tell_state, methods=["GET"]),
            Route("/_drill/log", self._tell_log, methods=["GET"]),
            Route("/_drill/account", order_handler(self._change_account), methods=["PATCH"]),
            Route("/_drill/users", order_handler(self._add_user), methods=["POST"]),
            Route("/_drill/users/{user_id}", order_handler(self._change_user), methods=["PATCH"]),
            Route("/_drill/keys", order_handler(self._add_key), methods=["POST"]),
            Route("/_drill/keys/{key_id}", order_handler(self._change_key), methods=["PATCH"]),
            Route("/_drill/credentials", order_handler(self._add_credential), methods=["POST"]),
            Route("/_drill/credentials/{login}", order_handler(self._change_credential), methods=["PATCH"]),
        ]

    async def _tell_state(self, request: Request) -> Response:
        """GET /_drill/state: everything, passwords and secrets too."""
        return JSONResponse(told_account(self._account))

    async def _tell_log(self, request: Request) -> Response:
        """GET /_drill/log: every API call, in order."""
        return JSONResponse({"calls": [call.told() for call in self._log.calls]})

    async def _change_account(self, request: Request) -> Response:
        """PATCH /_drill/account {disabled, key_limit, largest_page, calls_come_from, refuses_calls, ...}.

        A limit of null is none. `largest_page` is how many items of a list are given at once, however many are asked
        for. `calls_come_from` is the IP address that every call from now on counts as coming from. `refuses_calls` is
        the status, 401 or 403, with which every call is refused while the account is disabled; null means that none
        is. `calls_a_second` are taken of all hosts and subaccounts together, and `burst` at once after a pause; the
        others are answered 429.
        """
        order = await Order.read(request)
        disabled = order.optional_flag("disabled")
        has_limit, key_limit = order.has("key_limit"), order.optional_whole("key_limit")
        has_page, largest_page = order.has("largest_page"), order.optional_whole("largest_page", at_least=1)
        calls_come_from = order.optional_text("calls_come_from")
        has_rate, calls_a_second = order.has("calls_a_second"), order.optional_whole("calls_a_second", at_least=1)
        burst = order.optional_whole("burst", at_least=1)
        may_refuse, refuses_calls = order.has("refuses_calls"), order.optional_whole("refuses_calls")
        order.finish()
        if refuses_calls not in (None, 401, 403):
            raise OrderError("'refuses_calls' must be 401, 403 or null")
        if may_refuse:
            self._account.refuses_calls = refuses_calls
        if calls_come_from is not None and not is_address(calls_come_from):
            raise OrderError("'calls_come_from' must be an IP address")
        if disabled is not None:
            self._account.set_disabled(disabled)
        if has_limit:
            self._account.estate.key_limit = key_limit
        if has_page:
            self._account.largest_page = largest_page
        if has_rate:
            self._account.calls_a_second = calls_a_second
        if burst is not None:
            self._account.burst = burst
        if calls_come_from is not None:
            self._account.calls_come_from = calls_come_from
        return JSONResponse(told_account(self._account)["account"])

    async def _add_user(self, request: Request) -> Response:
        """POST /_drill/users {email, name, role, is_master, tfa_active, auth_method, migration_status, ...}.

        `tfa_created_at` and `password_updated_at` (ISO 8601) date what was done before. The address may be ""
        or null.
        """
        order = await Order.read(request)
        email = _address(order)
        user = User(
            id=secrets.token_hex(12),
            email=email,
            name=order.optional_text("name") or (email or "").partition("@")[0].title(),
            role=order.choice("role", UserRole, UserRole.DEVELOPER),
            is_master=order.flag("is_master"),
            auth_method=order.choice("auth_method", AuthMethod, AuthMethod.PASSWORD),
            migration_status=order.optional_text("migration_status"),
            tfa_created_at=_time(order, "tfa_created_at"),
            password_updated_at=_time(order, "password_updated_at"),
        )
        tfa_active = order.optional_flag("tfa_active")
        order.finish()
        self._turn_tfa(user, tfa_active)
        self._account.users.append(user)
        return JSONResponse(told_user(user), status_code=201)

    async def _change_user(self, request: Request) -> Response:
        """PATCH /_drill/users/{id}: what a person, an admin or an attacker does to a user.

        `tfa_active: true` dates 2FA now, `password_reset: true` the password; `tfa_created_at` and
        `password_updated_at` (ISO 8601) date them otherwise; `tfa_active: false` turns 2FA off. Beside these:
        `email` ("" or null: none), `is_disabled`, `activated`, `removed`, `role`, `auth_method`,
        `migration_status`. The id may be an e-mail address.
        """
        named = request.path_params["user_id"]
        user = _found(self._account.known_user(named), f"there is no user {named!r}")
        order = await Order.read(request)
        tfa_active, password_reset = order.optional_flag("tfa_active"), order.flag("password_reset")
        email = _address(order) if order.has("email") else user.email
        password_updated_at = _time(order, "password_updated_at")
        changes: dict[str, object] = {
            "is_disabled": order.optional_flag("is_disabled"),
            "activated": order.optional_flag("activated"),
            "removed": order.optional_flag("removed"),
            "role": order.choice("role", UserRole, user.role),
            "auth_method": order.choice("auth_method", AuthMethod, user.auth_method),
            "migration_status": order.optional_text("migration_status"),
            "tfa_created_at": _time(order, "tfa_created_at"),
            "password_updated_at": password_updated_at or (self._now() if password_reset else None),
        }
        order.finish()
        for field, value in changes.items():
            if value is not None:
                setattr(user, field, value)
        user.email = email
        self._turn_tfa(user, tfa_active)
        return JSONResponse(told_user(user))

    def _turn_tfa(self, user: User, active: bool | None) -> None:
        """Turn 2FA on, as of now unless it is on already, or off; None leaves it."""
        if active is False:
            user.tfa_created_at = None
        elif active and not user.tfa_active:
            user.tfa_created_at = self._now()

    async def _add_key(self, request: Request) -> Response:
        """POST /_drill/keys {kind, role, description, domain_name, user_id, email, secret}, limit or not."""
        order = await Order.read(request)
        key_id = new_key_id()
        kind = order.choice("kind", KeyKind, KeyKind.USER)
        default_role = KeyRole.SENDING if kind is KeyKind.DOMAIN else KeyRole.ADMIN
        key = Key(
            id=key_id,
            secret=order.optional_text("secret") or new_secret(key_id),
            kind=kind,
            role=order.choice("role", KeyRole, default_role),
            description=order.optional_text("description") or "",
            created_at=self._now(),
            created_by=PANEL,
            domain_name=order.text("domain_name") if kind is KeyKind.DOMAIN else None,
            user_id=order.optional_text("user_id"),
            requestor=order.optional_text("email"),
        )
        order.finish()
        if key.domain_name is not None and not self._account.estate.has_domain(key.domain_name):
            raise OrderError(f"there is no domain {key.domain_name!r}")
        self._account.estate.keys.append(key)
        return JSONResponse(told_key(key, None), status_code=201)

    async def _change_key(self, request: Request) -> Response:
        """PATCH /_drill/keys/{id} {disabled_reason, deleted}: Mailgun disables a key, and an empty reason enables it;
        or somebody deletes it in the control panel."""
        named = request.path_params["key_id"]
        key = _found(self._account.estate.key(named), f"there is no key {named!r}")
        order = await Order.read(request)
        reason = order.optional_text("disabled_reason")
        deleted = order.flag("deleted")
        order.finish()
        if reason is not None:
            key.disabled_reason = reason or None
        if deleted:
            key.delete(self._now(), PANEL)
        return JSONResponse(told_key(key, None))

    async def _add_credential(self, request: Request) -> Response:
        """POST /_drill/credentials {domain, login, password, listed}."""
        order = await Order.read(request)
        domain = self._domain(order.text("domain"))
        at = self._now()
        credential = Credential(
            login=domain.full_login(order.text("login")),
            password=order.optional_text("password") or secrets.token_hex(16),
            created_at=at,
            set_at=at,
            listed=order.flag("listed", default=True),
        )
        order.finish()
        if domain.credential(credential.login) is not None:
            raise OrderError(f"{credential.login!r} exists")
        domain.credentials.append(credential)
        return JSONResponse(told_credential(credential), status_code=201)

    async def _change_credential(self, request: Request) -> Response:
        """PATCH /_drill/credentials/{login} {password}: somebody sets it in the control panel; one is made if none is
        given."""
        named = request.path_params["login"]
        domain = self._domain(named.rpartition("@")[2])
        credential = _found(domain.credential(named), f"there is no login {named!r}")
        order = await Order.read(request)
        password = order.optional_text("password") or secrets.token_hex(16)
        order.finish()
        credential.set_password(password, self._now(), PANEL)
        return JSONResponse(told_credential(credential))

    def _domain(self, name: str) -> Domain:
        domains = [domain for _, estate in self._account.estates() for domain in estate.domains]
        return _found(next((domain for domain in domains if domain.name == name), None), f"no domain {name!r}")


def _found(thing: Found | None, otherwise: str) -> Found:
    if thing is None:
        raise OrderError(otherwise)
    return thing


def _address(order: Order) -> str | None:
    """The e-mail address in an order that has to say which, if any: "" and null are none."""
    if not order.has("email"):
        raise OrderError("the order lacks the field 'email'")
    return order.optional_text("email")


def _time(order: Order, field: str) -> datetime | None:
    text = order.optional_text(field)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderError(f"{field!r} must be a time in ISO 8601") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
