"""The IP allowlist of the practice Mailgun: from where the account may be called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drill.mailgun.accounts import drill_account, with_subaccount
from tests.drill.mailgun_client import Mailgun, running

PATH = "/v2/ip_whitelist"
OWN, OTHER = "203.0.113.7", "198.51.100.66"


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    with running(prepared) as mailgun:
        yield mailgun


def allow(mailgun: Mailgun, *addresses: str) -> None:
    for address in addresses:
        assert mailgun.call("POST", PATH, fields={"address": address}).status_code == 200


def test_an_empty_list_keeps_nobody_out(mailgun: Mailgun) -> None:
    assert mailgun.call("GET", PATH).json() == {"addresses": []}


def test_an_address_is_added_with_its_description(mailgun: Mailgun) -> None:
    answer = mailgun.call("POST", PATH, fields={"address": OWN, "description": "Office"})
    assert answer.json() == {"addresses": [{"ip_address": OWN, "description": "Office"}]}


def test_a_description_may_be_left_out(mailgun: Mailgun) -> None:
    allow(mailgun, OWN)
    assert mailgun.call("GET", PATH).json() == {"addresses": [{"ip_address": OWN, "description": ""}]}


@pytest.mark.parametrize("region", ["us", "eu"])
def test_an_address_that_is_not_in_the_list_is_refused_everywhere(mailgun: Mailgun, region: str) -> None:
    allow(mailgun, OTHER)
    answer = mailgun.call("GET", "/v4/domains", region=region)
    assert (answer.status_code, answer.text) == (401, "Forbidden")


def test_the_storage_hosts_refuse_it_too(mailgun: Mailgun) -> None:
    allow(mailgun, OTHER)
    answer = mailgun.call("DELETE", "/v3/mg.example.com/envelopes", region="storage-us-east4")
    assert answer.status_code == 401


@pytest.mark.parametrize("entry", [OWN, "203.0.113.0/24", "203.0.113.7/24", "0.0.0.0/0"])
def test_an_entry_lets_its_addresses_in(mailgun: Mailgun, entry: str) -> None:
    allow(mailgun, entry)
    assert mailgun.call("GET", "/v4/domains").status_code == 200


@pytest.mark.parametrize("entry", ["203.0.113.8", "203.0.112.0/24", "2001:db8::/32", "::/0"])
def test_an_entry_lets_no_others_in(mailgun: Mailgun, entry: str) -> None:
    allow(mailgun, entry)
    assert mailgun.call("GET", "/v4/domains").status_code == 401


def test_calls_come_from_where_the_drill_says(mailgun: Mailgun) -> None:
    allow(mailgun, OWN)
    told = mailgun.order("PATCH", "/account", calls_come_from=OTHER).json()
    assert told["calls_come_from"] == OTHER
    assert mailgun.call("GET", PATH).status_code == 401
    mailgun.order("PATCH", "/account", calls_come_from=OWN)
    assert mailgun.call("GET", PATH).status_code == 200


@pytest.mark.parametrize("address", ["", "here", "203.0.113.0/24"])
def test_calls_come_from_one_address_only(mailgun: Mailgun, address: str) -> None:
    answer = mailgun.order("PATCH", "/account", calls_come_from=address)
    assert (answer.status_code, answer.json()) == (400, {"error": "'calls_come_from' must be an IP address"})
    assert mailgun.state()["account"]["calls_come_from"] == OWN


@pytest.mark.parametrize("address", ["", "everywhere", "203.0.113", "203.0.113.0/33", "203.0.113.7, 203.0.113.8"])
def test_what_is_no_address_is_refused(mailgun: Mailgun, address: str) -> None:
    answer = mailgun.call("POST", PATH, fields={"address": address})
    assert (answer.status_code, answer.json()) == (400, {"message": "Invalid IP Address or CIDR"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"description": "Office"}, "Parameter 'address' is missing"),
        ({"address": OWN, "descripton": "Office"}, "Unknown parameter 'descripton'"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_in_words(mailgun: Mailgun, fields: dict[str, str], words: str) -> None:
    answer = mailgun.call("POST", PATH, fields=fields)
    assert (answer.status_code, answer.json()) == (400, {"message": words})


def test_an_address_is_added_once(mailgun: Mailgun) -> None:
    allow(mailgun, OWN)
    assert mailgun.call("POST", PATH, fields={"address": OWN}).status_code == 400


def test_an_entry_in_a_body_of_another_type_is_refused(mailgun: Mailgun) -> None:
    answer = mailgun.call("POST", PATH, data={"address": OWN})
    assert (answer.status_code, answer.json()) == (400, {"message": "The body must be multipart/form-data"})


def test_a_deleted_address_is_listed_no_more_and_kept_in_the_state(mailgun: Mailgun) -> None:
    allow(mailgun, OWN, OTHER)
    answer = mailgun.call("DELETE", PATH, params={"address": OTHER})
    assert [entry["ip_address"] for entry in answer.json()["addresses"]] == [OWN]
    own, other = mailgun.state()["allowlist"]
    assert (own["deleted"], other["address"], other["deleted"]) == (False, OTHER, True)
    assert other["deleted_by"] == mailgun.key_of(description="Production backend")["id"]


def test_a_caller_may_lock_itself_out(mailgun: Mailgun) -> None:
    allow(mailgun, OWN, OTHER)
    assert mailgun.call("DELETE", PATH, params={"address": OWN}).status_code == 200
    assert mailgun.call("GET", PATH).status_code == 401


def test_without_its_last_address_the_list_keeps_nobody_out(mailgun: Mailgun) -> None:
    allow(mailgun, OWN)
    mailgun.call("DELETE", PATH, params={"address": OWN})
    mailgun.order("PATCH", "/account", calls_come_from=OTHER)
    assert mailgun.call("GET", PATH).json() == {"addresses": []}


@pytest.mark.parametrize(
    ("query", "words"), [({}, "IP address can not be blank"), ({"address": OTHER}, "IP not found")]
)
def test_deleting_what_is_not_there_is_refused(mailgun: Mailgun, query: dict[str, str], words: str) -> None:
    answer = mailgun.call("DELETE", PATH, params=query)
    assert (answer.status_code, answer.json()) == (400, {"message": words})


@pytest.mark.parametrize(("role", "status"), [("Production backend", 200), ("Staging", 403), ("Dashboard", 403)])
def test_only_admins_may_change_the_list(mailgun: Mailgun, role: str, status: int) -> None:
    secret = mailgun.key_of(description=role)["secret"]
    assert mailgun.call("POST", PATH, key=secret, fields={"address": OWN}).status_code == status


def test_a_subaccount_may_not_see_the_list(mailgun: Mailgun) -> None:
    headers = {"X-Mailgun-On-Behalf-Of": mailgun.account.subaccounts[0].id}
    assert mailgun.call("GET", PATH, headers=headers).status_code == 403
