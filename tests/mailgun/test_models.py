"""Mailgun's JSON, read: what is needed, what may be missing, what is new."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailgun import models
from mailgun.models import Unreadable
from recovery.account import AccountUser, ApiKey, SignIn

KEY = {"id": "1", "kind": "user", "role": "admin", "created_at": "2026-01-23T10:16:00"}
USER = {"id": "1", "email": "a@example.com"}


def key(**fields: object) -> ApiKey:
    return models.read_keys({"items": [{**KEY, **fields}]})[0]


def user(**fields: object) -> AccountUser:
    return models.read_users({"users": [{**USER, **fields}]}).items[0]


def test_times_of_keys_are_utc() -> None:
    assert key().created_at == datetime(2026, 1, 23, 10, 16, tzinfo=UTC)


def test_times_with_an_offset_become_utc() -> None:
    assert key(created_at="2026-01-23T12:16:00+02:00").created_at.isoformat() == "2026-01-23T10:16:00+00:00"


def test_times_of_users_have_microseconds() -> None:
    expected = datetime(2022, 12, 20, 16, 52, 1, 892000, tzinfo=UTC)
    assert user(tfa_created_at="2022-12-20T16:52:01.892000").tfa_created_at == expected


def test_what_is_missing_and_not_needed_is_nothing() -> None:
    assert (key().domain_name, key().requestor, key().expires_at, key().is_disabled) == (
        None,
        None,
        None,
        False,
    )


def test_what_is_new_is_passed_over() -> None:
    assert key(colour="blue") == key()


def test_a_number_is_an_id_too() -> None:
    assert user(id=7).id == "7"


@pytest.mark.parametrize("missing", ["id", "kind", "role", "created_at"])
def test_a_key_without_what_is_needed_is_unreadable(missing: str) -> None:
    with pytest.raises(Unreadable, match=missing):
        key(**{missing: None})


def test_a_user_without_what_is_needed_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="id"):
        user(id="")


@pytest.mark.parametrize("nobody", [{"id": "2"}, {"id": "2", "email": None}, {"id": "2", "email": ""}])
def test_a_user_without_an_address_hides_no_other(nobody: dict[str, object]) -> None:
    users = models.read_users({"users": [nobody, USER]}).items
    assert [user.email for user in users] == ["", "a@example.com"]


def test_a_kind_of_key_that_nobody_knows_is_not_passed_over() -> None:
    with pytest.raises(Unreadable, match="does not know"):
        key(kind="oauth")


@pytest.mark.parametrize("answer", [None, [], {"items": None}, {"items": ["key"]}, {"keys": []}])
def test_what_is_no_list_of_objects_is_unreadable(answer: object) -> None:
    with pytest.raises(Unreadable):
        models.read_keys(answer)


@pytest.mark.parametrize(
    ("method", "migration", "expected"),
    [
        ("sinch", "", SignIn.SINCH),
        ("password", "done", SignIn.SINCH),
        (None, "done", SignIn.SINCH),
        ("saml", None, SignIn.SAML),
        ("okta_saml2", None, SignIn.SAML),
        ("password", None, SignIn.PASSWORD),
        ("Password", "", SignIn.PASSWORD),
        ("mailgun", None, SignIn.PASSWORD),
        ("google", None, SignIn.UNKNOWN),
        ("", None, SignIn.UNKNOWN),
        (None, None, SignIn.UNKNOWN),
    ],
)
def test_only_who_is_known_to_sign_in_with_a_password_does(
    method: str | None, migration: str | None, expected: SignIn
) -> None:
    assert user(auth={"method": method}, migration_status=migration).sign_in is expected


def test_a_user_without_auth_signs_in_in_an_unknown_way() -> None:
    assert user().sign_in is SignIn.UNKNOWN


@pytest.mark.parametrize("login", ["bob", "bob@mg.example.com"])
def test_a_login_is_a_full_address(login: str) -> None:
    page = models.logins_of("us", "mg.example.com")({"items": [{"login": login}]})
    assert page.items[0].login == "bob@mg.example.com"


def test_a_login_may_be_called_mailbox() -> None:
    page = models.logins_of("us", "mg.example.com")({"items": [{"mailbox": "bob@mg.example.com"}]})
    assert page.items[0].login == "bob@mg.example.com"


@pytest.mark.parametrize(
    ("disabled", "told"),
    [
        ({"code": "blacklisted", "reason": "bad customer"}, "blacklisted: bad customer"),
        ({"code": "blacklisted"}, "blacklisted"),
        (None, None),
        ({}, None),
    ],
)
def test_why_a_domain_is_disabled(disabled: object, told: str | None) -> None:
    item = {"name": "mg.example.com", "smtp_login": "postmaster@mg.example.com", "disabled": disabled}
    assert models.domains_of("us")({"items": [item]}).items[0].disabled_for == told


def test_a_domain_in_the_state_disabled_is_disabled() -> None:
    item = {"name": "mg.example.com", "smtp_login": "postmaster", "state": "disabled"}
    domain = models.domains_of("us")({"items": [item]}).items[0]
    assert domain.is_disabled
    assert domain.smtp_login == "postmaster@mg.example.com"
