"""What the client asks of Mailgun, and what it makes of the answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drill.mailgun.accounts import drill_account, scaled_account, small_account, with_subaccount
from drill.mailgun.model import ACCOUNT_DISABLED
from recovery import ports
from recovery.account import KeyKind, KeySpec, Login, SignIn
from recovery.errors import KeyLimitReached, KeyRefused, NotFound, Refused
from recovery.secret import Secret, new_password
from tests.mailgun.conftest import Practice, Start

APP = Login("us", "mg.example.com", "app@mg.example.com")


def test_the_client_keeps_the_port(mailgun: Practice) -> None:
    port: ports.Mailgun = mailgun.client
    assert tuple(port.regions) == ("us", "eu")


def test_keys_come_with_all_that_mailgun_tells(mailgun: Practice) -> None:
    keys = mailgun.client.keys()
    assert [key.kind for key in keys] == [KeyKind.USER, KeyKind.DOMAIN, KeyKind.WEB]
    assert keys[1].domain_name == "mg.example.com"
    assert keys[2].expires_at is not None and keys[2].expires_at.utcoffset() == timedelta(0)
    assert len(mailgun.calls("GET")) == 1


def test_a_new_account_key_comes_with_its_secret_and_works(mailgun: Practice) -> None:
    made = mailgun.client.create_key(KeySpec(KeyKind.USER, "admin", "Bot [mc-1]"))
    assert made.secret.reveal().endswith(made.key.id)
    assert made.key.description == "Bot [mc-1]"
    mailgun.client.prove_key(made.secret)


def test_a_new_sending_key_belongs_to_its_domain(mailgun: Practice) -> None:
    made = mailgun.client.create_key(KeySpec(KeyKind.DOMAIN, "sending", "Shop", "mg.example.com"))
    assert (made.key.kind, made.key.domain_name) == (KeyKind.DOMAIN, "mg.example.com")


def test_the_key_limit_has_an_error_of_its_own(mailgun: Practice) -> None:
    mailgun.server.order("PATCH", "/account", key_limit=2).raise_for_status()
    with pytest.raises(KeyLimitReached, match="account limit reached") as caught:
        mailgun.client.create_key(KeySpec(KeyKind.USER, "admin", "Bot"))
    assert caught.value.status == 403


def test_a_deleted_key_is_gone_and_deleting_it_again_finds_nothing(mailgun: Practice) -> None:
    sending = mailgun.client.keys()[1]
    mailgun.client.delete_key(sending.id)
    left = mailgun.client.keys()
    assert sending.id not in [key.id for key in left]
    with pytest.raises(NotFound, match=f"delete the API key {sending.id}"):
        mailgun.client.delete_key(sending.id)


def test_a_key_that_does_not_work_is_not_proven_and_does_not_touch_the_key_source(mailgun: Practice) -> None:
    with pytest.raises(KeyRefused):
        mailgun.client.prove_key(Secret("key-wrong"))
    assert mailgun.keys.refreshes == 0


def test_each_region_has_its_own_domains(mailgun: Practice) -> None:
    assert [domain.subject for domain in mailgun.client.domains("us")] == ["us/mg.example.com"]
    assert [domain.subject for domain in mailgun.client.domains("eu")] == ["eu/eu.example.com"]
    assert mailgun.client.domains("eu")[0].smtp_login == "postmaster@eu.example.com"


def test_a_disabled_domain_says_why(start: Start) -> None:
    domains = {domain.name: domain for domain in start(drill_account()).client.domains("us")}
    reason = ACCOUNT_DISABLED.reason
    assert domains["mg.example.com"].is_disabled
    assert domains["mg.example.com"].disabled_for == f"account_disabled: {reason}"
    assert domains["old.example.com"].disabled_for == "blacklisted: Too many complaints"


def test_a_domain_that_works_has_no_reason(mailgun: Practice) -> None:
    domain = mailgun.client.domains("us")[0]
    assert (domain.is_disabled, domain.disabled_for) == (False, None)


def test_logins_are_listed_beyond_the_largest_page(start: Start) -> None:
    practice = start(scaled_account(domains=2, credentials_per_domain=2100, users=1))
    logins = practice.client.logins("us", "d0001.example.com")
    assert len({login.login for login in logins}) == len(logins) == 2100
    skips = [call["query"] for call in practice.calls("GET")]
    assert skips == [f"limit=1000&skip={skip}" for skip in (0, 1000, 2000)]


def test_domains_are_listed_beyond_the_largest_page(start: Start) -> None:
    practice = start(scaled_account(domains=2050, credentials_per_domain=0, users=1))
    assert len(practice.client.domains("us")) == 1025


def test_a_list_that_just_fills_its_page_is_asked_for_more(start: Start) -> None:
    practice = start(scaled_account(domains=1, credentials_per_domain=1000, users=1))
    assert len(practice.client.logins("us", "d0001.example.com")) == 1000
    assert len(practice.calls("GET")) == 2


@pytest.mark.parametrize("logins", [99, 100, 101, 150, 200, 250])
def test_a_server_that_gives_fewer_at_once_than_it_is_asked_for_is_asked_on(start: Start, logins: int) -> None:
    prepared = scaled_account(domains=1, credentials_per_domain=logins, users=1)
    prepared.account.largest_page = 100
    assert len(start(prepared).client.logins("us", "d0001.example.com")) == logins


def test_a_list_that_is_shorter_than_any_page_takes_one_call(start: Start) -> None:
    practice = start(scaled_account(domains=1, credentials_per_domain=99, users=1))
    practice.client.logins("us", "d0001.example.com")
    assert len(practice.calls("GET")) == 1


def test_domains_whose_total_says_how_many_there_are_take_no_call_more_than_they_have_pages(start: Start) -> None:
    prepared = scaled_account(domains=400, credentials_per_domain=0, users=1)
    prepared.account.largest_page = 100
    practice = start(prepared)
    assert len(practice.client.domains("us")) == 200
    assert len(practice.calls("GET")) == 2


def test_users_are_listed_beyond_one_page(start: Start) -> None:
    practice = start(scaled_account(domains=1, credentials_per_domain=1, users=250))
    assert len({user.id for user in practice.client.users()}) == 250


@pytest.mark.parametrize(("users", "calls"), [(1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (250, 3), (1_000, 10)])
def test_as_many_users_as_fit_on_so_many_pages_take_so_many_calls(start: Start, users: int, calls: int) -> None:
    practice = start(scaled_account(domains=1, credentials_per_domain=1, users=users))
    assert len(practice.client.users()) == users
    assert len(practice.calls("GET")) == calls


def test_only_listed_logins_are_listed(start: Start) -> None:
    logins = start(drill_account()).client.logins("eu", "alerts.example.com")
    assert [login.login for login in logins] == ["pager@alerts.example.com", "status@alerts.example.com"]


def test_logins_of_a_domain_that_is_not_there(mailgun: Practice) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.example\.com"):
        mailgun.client.logins("us", "nowhere.example.com")


def test_a_password_is_set_and_may_be_set_again(mailgun: Practice) -> None:
    password = new_password()
    mailgun.client.set_password(APP, password)
    mailgun.client.set_password(APP, password)
    assert mailgun.server.password(APP.login) == password.reveal()
    assert [call["fields"] for call in mailgun.calls("PUT")] == [["password"], ["password"]]


def test_a_login_with_odd_characters_reaches_mailgun_as_it_is(mailgun: Practice) -> None:
    odd = "a+b%c?e#f@mg.example.com"
    mailgun.server.order("POST", "/credentials", domain="mg.example.com", login=odd).raise_for_status()
    mailgun.client.set_password(Login("us", "mg.example.com", odd), Secret("letters1"))
    assert mailgun.server.password(odd) == "letters1"


def test_the_password_of_a_login_that_is_not_there(mailgun: Practice) -> None:
    with pytest.raises(NotFound, match=r"set the password of eve@mg\.example\.com \(404\)"):
        mailgun.client.set_password(Login("us", "mg.example.com", "eve@mg.example.com"), new_password())


def test_a_password_that_mailgun_refuses_says_so_in_mailguns_words(mailgun: Practice) -> None:
    with pytest.raises(Refused, match=r"set the password of app@mg\.example\.com \(400\).*too short") as caught:
        mailgun.client.set_password(APP, Secret("abcd"))
    assert (type(caught.value), caught.value.status) == (Refused, 400)


def test_a_region_that_is_not_set_is_refused_in_words(mailgun: Practice) -> None:
    with pytest.raises(Refused, match="MAILGUN_REGIONS"):
        mailgun.client.set_password(Login("mars", "mg.example.com", "app@mg.example.com"), new_password())


def test_a_login_is_made_with_its_password_and_is_listed(mailgun: Practice) -> None:
    made, password = Login("us", "mg.example.com", "till@mg.example.com"), new_password()
    mailgun.client.create_login(made, password)
    assert made in mailgun.client.logins("us", "mg.example.com")
    assert mailgun.server.password(made.login) == password.reveal()
    assert [call["fields"] for call in mailgun.calls("POST")] == [["login", "password"]]


def test_a_login_that_is_there_is_not_made_and_keeps_its_password(mailgun: Practice) -> None:
    before = mailgun.server.password(APP.login)
    with pytest.raises(Refused, match=r"create the login app@mg\.example\.com \(400\).*exist") as caught:
        mailgun.client.create_login(APP, new_password())
    assert type(caught.value) is Refused
    assert mailgun.server.password(APP.login) == before


def test_a_login_of_a_domain_that_is_not_there_is_not_made(mailgun: Practice) -> None:
    with pytest.raises(NotFound):
        mailgun.client.create_login(Login("us", "nowhere.example.com", "a@nowhere.example.com"), new_password())


def test_a_login_is_made_and_deleted_on_behalf_of_its_subaccount(start: Start) -> None:
    prepared = small_account()
    shop = with_subaccount(prepared, "Shop", "shop.example.com")
    practice = start(prepared)
    login = Login("us", "shop.example.com", "till@shop.example.com")
    with pytest.raises(NotFound):
        practice.client.create_login(login, new_password())
    theirs = practice.client.for_subaccount(shop.id)
    theirs.create_login(login, new_password())
    assert login in theirs.logins("us", "shop.example.com")
    theirs.delete_login(login)
    assert login not in theirs.logins("us", "shop.example.com")
    assert [call["on_behalf_of"] for call in practice.calls("DELETE")] == [shop.id]


def test_a_deleted_login_is_gone_and_deleting_it_again_finds_nothing(mailgun: Practice) -> None:
    mailgun.client.delete_login(APP)
    assert APP not in mailgun.client.logins("us", "mg.example.com")
    with pytest.raises(NotFound, match=r"delete the login app@mg\.example\.com"):
        mailgun.client.delete_login(APP)


def test_the_postmaster_cannot_be_deleted_and_mailgun_says_so(mailgun: Practice) -> None:
    with pytest.raises(Refused, match="Cannot delete system mailbox"):
        mailgun.client.delete_login(Login("us", "mg.example.com", "postmaster@mg.example.com"))


def test_the_signing_key_is_read_and_stays_as_it_is(mailgun: Practice) -> None:
    assert mailgun.client.signing_key().reveal() == mailgun.server.state()["account"]["http_signing_key"]
    assert mailgun.client.signing_key() == mailgun.client.signing_key()


def test_a_new_signing_key_takes_the_place_of_the_one_before(mailgun: Practice) -> None:
    before = mailgun.client.signing_key()
    made = mailgun.client.new_signing_key()
    assert made != before
    assert mailgun.client.signing_key() == made


def test_a_new_public_key_takes_the_place_of_the_one_before(mailgun: Practice) -> None:
    before = mailgun.server.state()["account"]["public_key"]
    made = mailgun.client.new_public_key()
    assert made.reveal() == mailgun.server.state()["account"]["public_key"] != before


def test_none_of_these_keys_is_shown_by_what_carries_it(mailgun: Practice) -> None:
    for made in (mailgun.client.signing_key(), mailgun.client.new_signing_key(), mailgun.client.new_public_key()):
        assert made.reveal() not in f"{made!r} {made}"


def test_users_come_with_what_their_sign_in_is_known_to_be(start: Start) -> None:
    users = {user.email: user for user in start(drill_account()).client.users()}
    assert users["sam@example.com"].sign_in is SignIn.SINCH
    assert users["noah@example.com"].sign_in is SignIn.SAML
    assert users["dana@example.com"].sign_in is SignIn.PASSWORD


def test_users_come_with_their_two_factor_and_password_dates(mailgun: Practice) -> None:
    users = {user.email: user for user in mailgun.client.users()}
    olivia, priya = users["olivia@example.com"], users["priya@example.com"]
    assert (olivia.is_master, olivia.tfa_active, olivia.tfa_created_at) == (True, False, None)
    assert priya.tfa_active and priya.tfa_created_at is not None
    assert priya.tfa_created_at.utcoffset() == timedelta(0)
    assert priya.password_updated_at is not None


def test_keys_and_users_are_asked_of_the_first_region(mailgun: Practice) -> None:
    mailgun.client.keys()
    mailgun.client.users()
    assert {call["region"] for call in mailgun.calls("GET")} == {"us"}


def test_all_is_well(mailgun: Practice) -> None:
    assert mailgun.client.outage() is None


def test_an_outage_is_told_in_one_sentence(mailgun: Practice) -> None:
    mailgun.server.order("PATCH", "/status", indicator="major", description="Partial System Outage")
    told = mailgun.client.outage()
    assert told is not None
    assert told.startswith("Mailgun's status page says: Partial System Outage.")
    assert "SMTP (partial outage)" in told
