"""Mail that waits to be sent, on the storage hosts of the practice Mailgun."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drill.mailgun.accounts import drill_account, with_subaccount
from drill.mailgun.outlets import QueuedMessage
from drill.mailgun.places import StorageHost
from tests.drill.mailgun_client import Mailgun, running

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
EAST, WEST, EUROPE = StorageHost.US_EAST, StorageHost.US_WEST, StorageHost.EUROPE_WEST


def message(domain: str, host: StorageHost) -> QueuedMessage:
    due_at = NOW + timedelta(days=1)
    return QueuedMessage(
        domain=domain, recipient="a@example.org", subject="Hello", due_at=due_at, host=host, created_at=NOW
    )


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    prepared.account.queued = [
        message("mg.example.com", EAST),
        message("mg.example.com", WEST),
        message("news.example.com", EAST),
        message("eu.example.com", EUROPE),
        message("shop.example.com", EAST),
    ]
    with running(prepared, now=lambda: NOW) as mailgun:
        yield mailgun


def path(domain: str) -> str:
    return f"/v3/{domain}/envelopes"


def waiting(mailgun: Mailgun) -> list[tuple[str, str]]:
    return [(told["domain"], told["host"]) for told in mailgun.state()["queued"] if not told["deleted"]]


def test_a_host_deletes_what_it_keeps_of_the_domain_and_nothing_else(mailgun: Mailgun) -> None:
    answer = mailgun.call("DELETE", path("mg.example.com"), region=EAST)
    assert (answer.status_code, answer.json()) == (200, {"message": "done"})
    assert waiting(mailgun) == [
        ("mg.example.com", WEST),
        ("news.example.com", EAST),
        ("eu.example.com", EUROPE),
        ("shop.example.com", EAST),
    ]


def test_the_state_tells_when_and_by_which_key_it_was_deleted(mailgun: Mailgun) -> None:
    mailgun.call("DELETE", path("mg.example.com"), region=EAST)
    first = mailgun.state()["queued"][0]
    assert first["deleted_at"] == "2026-03-10T09:30:00.000000+00:00"
    assert first["deleted_by"] == mailgun.key_of(description="Production backend")["id"]
    assert (first["recipient"], first["subject"]) == ("a@example.org", "Hello")
    assert first["due_at"] == "2026-03-11T09:30:00.000000+00:00"


def test_what_was_deleted_once_stays_as_it_was(mailgun: Mailgun) -> None:
    mailgun.call("DELETE", path("mg.example.com"), region=EAST)
    staging = mailgun.key_of(description="Staging")["secret"]
    assert mailgun.call("DELETE", path("mg.example.com"), region=EAST, key=staging).json() == {"message": "done"}
    assert mailgun.state()["queued"][0]["deleted_by"] == mailgun.key_of(description="Production backend")["id"]


def test_the_european_host_keeps_the_mail_of_european_domains(mailgun: Mailgun) -> None:
    assert mailgun.call("DELETE", path("eu.example.com"), region=EUROPE).status_code == 200
    assert ("eu.example.com", EUROPE) not in waiting(mailgun)


@pytest.mark.parametrize(("domain", "host"), [("eu.example.com", EAST), ("mg.example.com", EUROPE), ("none", EAST)])
def test_a_domain_of_another_region_or_of_none_is_not_found(mailgun: Mailgun, domain: str, host: str) -> None:
    answer = mailgun.call("DELETE", path(domain), region=host)
    assert (answer.status_code, answer.json()) == (404, {"message": "domain not found"})


@pytest.mark.parametrize("region", ["us", "eu"])
def test_the_hosts_of_the_api_do_not_have_it(mailgun: Mailgun, region: str) -> None:
    answer = mailgun.call("DELETE", path("mg.example.com"), region=region)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert len(waiting(mailgun)) == 5


def test_the_storage_hosts_have_nothing_else(mailgun: Mailgun) -> None:
    assert mailgun.call("GET", "/v4/domains", region=EAST).status_code == 404


def test_a_subaccounts_mail_is_deleted_in_its_name(mailgun: Mailgun) -> None:
    assert mailgun.call("DELETE", path("shop.example.com"), region=EAST).status_code == 404
    headers = {"X-Mailgun-On-Behalf-Of": mailgun.account.subaccounts[0].id}
    assert mailgun.call("DELETE", path("shop.example.com"), region=EAST, headers=headers).status_code == 200
    assert ("shop.example.com", EAST) not in waiting(mailgun)


@pytest.mark.parametrize(("description", "status"), [("Staging", 200), ("Dashboard", 403), ("Shop checkout", 401)])
def test_developers_may_delete_queued_mail_and_readers_and_senders_may_not(
    mailgun: Mailgun, description: str, status: int
) -> None:
    secret = mailgun.key_of(description=description)["secret"]
    assert mailgun.call("DELETE", path("mg.example.com"), region=EAST, key=secret).status_code == status


def test_the_log_tells_the_host(mailgun: Mailgun) -> None:
    mailgun.call("DELETE", path("eu.example.com"), region=EUROPE)
    logged = mailgun.log()[-1]
    assert (logged["host"], logged["region"], logged["path"]) == (EUROPE, "eu", path("eu.example.com"))


def test_a_fault_may_name_the_path_without_its_host(mailgun: Mailgun) -> None:
    mailgun.order("POST", "/faults", match={"path": path("mg.example.com")}, do="500")
    assert mailgun.call("DELETE", path("mg.example.com"), region=WEST).status_code == 500
