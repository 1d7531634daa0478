"""What looks like an attacker's doing, and what does not."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from recovery.account import AllowedAddress, DaySent, KeyKind, Login, Route, SendAlert, Subaccount, Webhook
from recovery.holdings import Holdings, Trace, there
from recovery.suspicion import CREATED_LATELY, NOT_KNOWN, Circumstances, host_of, suspicions, targets
from tests.recovery.builders import DAY, NOON, a_domain, a_key, a_user

LONG_AGO = NOON - 200 * DAY
KNOWN = Circumstances(suspect_from=NOON - 14 * DAY, now=NOON + DAY)
STRANGER = "https://collect.stranger.example/in"
OWN = "https://hooks.acme.example/mailgun"


def a_route(*actions: str, created_at: datetime = LONG_AGO, **fields: Any) -> Route:
    ordinary = {"region": "us", "id": "r1", "priority": 0, "description": "", "expression": "catch_all()"}
    return Route(**{**ordinary, **fields}, actions=actions, created_at=created_at)


def a_webhook(url: str, domain: str = "mg.acme.example") -> Webhook:
    return Webhook("us", domain, url, ("delivered",))


def holdings(**fields: Any) -> Holdings:
    """The company's account, with these."""
    return Holdings(**{"asked_at": NOON, "domains": (a_domain(),), "users": (a_user("ann", is_master=True),), **fields})


def found(known: Circumstances = KNOWN, **fields: Any) -> dict[str, tuple[str, ...]]:
    """Why each thing is suspicious, by its subject."""
    return {one.subject: one.reasons for one in suspicions(holdings(**fields), known)}


# --- When it was created --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "is_suspicious"),
    [
        (NOON - 14 * DAY - timedelta(seconds=1), False),
        (NOON - 14 * DAY, True),
        (NOON - DAY, True),
        (NOON + timedelta(hours=1), True),
    ],
)
def test_a_key_created_shortly_before_the_incident_or_since_is_suspicious(at: datetime, is_suspicious: bool) -> None:
    assert ("k" in found(keys=(a_key("k", created_at=at),))) is is_suspicious


def test_whatever_has_a_date_is_held_against_the_incident() -> None:
    new = NOON - DAY
    suspicious = found(
        domains=(a_domain(created_at=new),),
        logins=(Login("us", "mg.acme.example", "new@mg.acme.example", new),),
        routes=(a_route(f'forward("{OWN}")', created_at=new),),
        alerts=(SendAlert("a1", "volume", "sent", ">", "1", ("email",), new),),
    )

    assert set(suspicious) == {
        "us/mg.acme.example",
        "us/mg.acme.example/new@mg.acme.example",
        "us/r1",
        "a1",
    }


def test_a_new_subaccount_is_suspicious_and_says_whose_its_things_are() -> None:
    owner = Subaccount("sub-1", "Shop", is_open=True, created_at=NOON)
    account = holdings(subaccounts=(owner,), keys=(a_key("k", description="", owner=owner), a_key("ours")))

    assert [(one.trace, one.owner) for one in suspicions(account, KNOWN)] == [
        (Trace.SUBACCOUNT, owner),
        (Trace.KEY, owner),
    ]


# --- Keys -----------------------------------------------------------------------------------------------


def test_a_key_without_a_description_is_suspicious() -> None:
    assert found(keys=(a_key("k", description=""),))["k"] == ("it has no description",)


def test_a_key_asked_for_by_nobody_of_the_account_is_suspicious() -> None:
    (reason,) = found(keys=(a_key("k", requestor="eve@stranger.example"),))["k"]

    assert "eve@stranger.example" in reason


@pytest.mark.parametrize("requestor", ["ann@acme.example", "Ann@Acme.example", "mailgun-ann", None])
def test_a_key_asked_for_by_a_user_is_not(requestor: str | None) -> None:
    assert not found(keys=(a_key("k", requestor=requestor),))


def test_the_bots_own_keys_and_the_sessions_of_the_control_panel_are_not() -> None:
    keys = (a_key("own", created_at=NOON), a_key("session", KeyKind.WEB, created_at=NOON, description=""))
    known = Circumstances(NOON - 14 * DAY, NOON + DAY, own_keys=frozenset({"own"}))

    assert not found(known, keys=keys)


# --- Where mail and events go ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action", [f'forward("{STRANGER}")', "forward('eve@stranger.example')", f'store(notify="{STRANGER}")']
)
def test_a_route_to_a_stranger_is_suspicious(action: str) -> None:
    route = a_route(action, "stop()", created_at=NOON - 15 * DAY + 2 * DAY)

    assert len(found(routes=(route,))["us/r1"]) == 2


@pytest.mark.parametrize("action", [f'forward("{OWN}")', "forward('ann@acme.example')", "stop()", "store()"])
def test_an_old_route_to_the_company_itself_is_not(action: str) -> None:
    assert not found(routes=(a_route(action),))


def test_a_webhook_to_a_stranger_is_suspicious() -> None:
    assert list(found(webhooks=(a_webhook(STRANGER),))) == [f"us/mg.acme.example/{STRANGER}"]


def test_copies_of_all_mail_that_go_to_a_stranger_are_suspicious() -> None:
    assert list(found(domains=(a_domain(archive_to=STRANGER),))) == [f"us/mg.acme.example/{STRANGER}"]


def test_what_leads_to_one_stranger_in_three_ways_is_suspicious_each_time() -> None:
    account = holdings(
        domains=(a_domain(archive_to=STRANGER),),
        webhooks=(a_webhook(STRANGER),),
        routes=(a_route(f'forward("{STRANGER}")', created_at=NOON),),
    )

    assert [one.trace for one in suspicions(account, KNOWN)] == [Trace.ARCHIVE, Trace.ROUTE, Trace.WEBHOOK]


def test_a_host_that_an_old_route_uses_is_no_stranger() -> None:
    vendor = "https://in.vendor.example/mailgun"
    old = [a_route(f'forward("{vendor}")', id=name) for name in ("r1", "r2")]

    assert not found(routes=tuple(old), webhooks=(a_webhook("https://in.vendor.example/e"),))


def test_an_old_route_does_not_vouch_for_itself_since_it_keeps_its_date_when_it_is_changed() -> None:
    assert list(found(routes=(a_route(f'forward("{STRANGER}")'),))) == ["us/r1"]


def test_a_host_that_gets_the_events_of_most_domains_is_no_stranger() -> None:
    names = [f"mg{number}.acme.example" for number in range(4)]
    vendor = tuple(a_webhook("https://in.vendor.example/e", name) for name in names[:3])
    webhooks = (*vendor, a_webhook(STRANGER, names[3]))

    assert list(found(domains=tuple(map(a_domain, names)), webhooks=webhooks)) == [f"us/{names[3]}/{STRANGER}"]


@pytest.mark.parametrize("host", ["evil-acme.example", "acme.example.stranger.example", "example"])
def test_a_host_that_only_looks_like_the_companys_is_a_stranger(host: str) -> None:
    assert found(webhooks=(a_webhook(f"https://{host}/x"),))


@pytest.mark.parametrize(
    ("own", "stranger"),
    [
        ("acme.co.uk", "https://collect.other.co.uk/in"),
        ("sandbox0123456789abcdef.mailgun.org", "https://sandboxfedcba9876543210.mailgun.org/in"),
    ],
)
def test_what_shares_a_registry_or_mailguns_sandbox_with_the_company_is_a_stranger(own: str, stranger: str) -> None:
    assert found(domains=(a_domain(own),), webhooks=(a_webhook(stranger, own),))


def test_a_domain_that_came_as_lately_as_an_attacker_makes_no_host_the_companys() -> None:
    domains = (a_domain(), a_domain("stranger.example", created_at=NOON))

    assert f"us/mg.acme.example/{STRANGER}" in found(domains=domains, webhooks=(a_webhook(STRANGER),))


@pytest.mark.parametrize("address", ["eve@stranger.example", "eve@collect.stranger.example"])
def test_a_user_of_the_attackers_makes_no_host_the_companys(address: str) -> None:
    users = tuple(a_user(name, is_master=name == "ann") for name in ("ann", "ben", "cem"))

    assert found(users=(*users, a_user("eve", email=address)), webhooks=(a_webhook(STRANGER),))


def test_mail_that_is_forwarded_to_where_anybody_may_have_an_address_is_suspicious() -> None:
    users = (a_user("ann", is_master=True, email="ann@gmail.com"), a_user("ben", email="ben@gmail.com"))

    old = [a_route('forward("ann@gmail.com")', id=name) for name in ("old", "older")]
    new = a_route('forward("eve@gmail.com")', created_at=NOON)

    assert found(users=users, routes=(*old, new)) == {"us/r1": (CREATED_LATELY, NOT_KNOWN)}


def test_the_domain_of_most_users_is_the_companys() -> None:
    users = tuple(a_user(name, is_master=name == "ann", email=f"{name}@acme.test") for name in ("ann", "ben"))

    assert not found(users=users, webhooks=(a_webhook("https://hooks.acme.test/in"),))


@pytest.mark.parametrize("url", ["https://[stranger", "https://", "stranger", "https://stranger.example]/"])
def test_what_is_no_address_is_suspicious(url: str) -> None:
    assert found(webhooks=(a_webhook(url),), routes=(a_route(f'forward("{url}")', created_at=NOON),))


def test_the_targets_of_a_route_are_its_addresses_and_urls() -> None:
    route = a_route('forward("a@b.example")', "forward('https://c.example/x')", 'store(notify="https://d.example")')

    assert targets(route) == ["a@b.example", "https://c.example/x", "https://d.example"]
    assert [host_of(target) for target in targets(route)] == ["b.example", "c.example", "d.example"]


# --- Users and addresses --------------------------------------------------------------------------------


def test_a_second_owner_is_suspicious_and_so_is_the_first() -> None:
    users = (a_user("ann", is_master=True), a_user("eve", is_master=True))

    assert set(found(users=users)) == {"mailgun-ann", "mailgun-eve"}


def test_who_is_disabled_is_not() -> None:
    users = (a_user("ann", is_master=True), a_user("eve", is_master=True, is_disabled=True))

    assert not found(since_then(), users=users)


def test_each_of_few_allowed_addresses_is_worth_a_look_and_comes_last() -> None:
    addresses = (AllowedAddress("198.51.100.66", ""), AllowedAddress("203.0.113.7", "office"))

    assert list(found(keys=(a_key("k", description=""),), allowlist=addresses))[1:] == [
        "198.51.100.66",
        "203.0.113.7",
    ]


def test_of_many_allowed_addresses_none_is_listed() -> None:
    assert not found(allowlist=tuple(AllowedAddress(f"203.0.113.{number}", "") for number in range(6)))


# --- What Mailgun gives no date of ----------------------------------------------------------------------


def since_then(**fields: Any) -> Circumstances:
    """At a later look, when the first had found these."""
    return Circumstances(NOON - 14 * DAY, NOON + DAY, before=frozenset(there(holdings(**fields))))


@pytest.mark.parametrize(
    "fields",
    [
        {"webhooks": (a_webhook(OWN),)},
        {"users": (a_user("ann", is_master=True), a_user("nina"))},
        {"domains": (a_domain(archive_to=OWN),)},
        {"allowlist": tuple(AllowedAddress(f"203.0.113.{number}", "") for number in range(6))},
    ],
)
def test_what_has_come_since_the_first_look_is_suspicious_whatever_it_is(fields: dict[str, Any]) -> None:
    assert not found(since_then(**fields), **fields)
    assert "was not there" in "".join(next(iter(found(since_then(), **fields).values())))


# --- Sending --------------------------------------------------------------------------------------------


def sending(*counts: int, domain: str = "mg.acme.example") -> tuple[DaySent, ...]:
    """So many on each day, the last of them today."""
    today = KNOWN.now.date()
    return tuple(
        DaySent(domain, today - timedelta(days=len(counts) - 1 - place), many) for place, many in enumerate(counts)
    )


@pytest.mark.parametrize(
    ("counts", "is_suspicious"),
    [
        ((50, 60, 55, 50, 60, 2_200, 2_300), True),
        ((50, 60, 55, 50, 60, 55, 60), False),
        ((0, 0, 0, 0, 0, 0, 5_000), True),
        ((0, 0, 0, 0, 0, 0, 50), False),
        ((50, 60, 55, 2_000, 60, 55, 60), False),
        ((), False),
    ],
)
def test_a_domain_that_sends_far_above_its_usual_is_suspicious(counts: tuple[int, ...], is_suspicious: bool) -> None:
    assert ("mg.acme.example" in found(sent=sending(*counts))) is is_suspicious


def test_the_reason_says_how_many_times_the_usual_it_was() -> None:
    (reason,) = found(sent=sending(50, 50, 50, 50, 50, 2_000, 100))["mg.acme.example"]

    assert "2,000 messages" in reason and "40 times as many as usual" in reason


def test_a_day_in_two_parts_counts_as_one() -> None:
    today = date.fromordinal(KNOWN.now.date().toordinal())
    halves = (DaySent("mg.acme.example", today, 60), DaySent("mg.acme.example", today, 60))

    assert "mg.acme.example" in found(sent=halves)
