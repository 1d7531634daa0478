"""Mail that is queued for later: the real bot deletes it on every storage host, save what people left out."""

from collections.abc import Callable

import pytest

from drill.mailgun.accounts import small_account, with_subaccount
from drill.mailgun.model import Subaccount
from drill.mailgun.outlets import QueuedMessage
from drill.mailgun.places import Region, StorageHost
from drill.mailgun.times import utc_now
from tests.e2e.recovery_run import Run

US, EU, SHOP = "mg.example.com", "eu.example.com", "shop.example.com"
QUEUED = (
    (US, StorageHost.US_EAST),
    (US, StorageHost.US_WEST),
    (EU, StorageHost.EUROPE_WEST),
    (SHOP, StorageHost.EUROPE_WEST),
)


@pytest.fixture
def shop_and_run(begin_run: Callable[..., Run]) -> tuple[Subaccount, Run]:
    """A message of each domain waits on each of its hosts, one of a subaccount's domain among them."""
    prepared = small_account()
    shop = with_subaccount(prepared, "Shop", SHOP, Region.EU)
    prepared.account.queued += [
        QueuedMessage(
            domain=domain, recipient="a@example.org", subject="Later", due_at=utc_now(), host=host, created_at=utc_now()
        )
        for domain, host in QUEUED
    ]
    run = begin_run(prepared=prepared)
    run.open_incident()
    return shop, run


def left(run: Run) -> list[tuple[str, str]]:
    return [(one["domain"], one["host"]) for one in run.mailgun.state()["queued"] if not one["deleted"]]


def test_it_is_deleted_on_every_host_and_on_behalf_of_the_subaccount(shop_and_run: tuple[Subaccount, Run]) -> None:
    shop, run = shop_and_run
    assert left(run) == list(QUEUED)
    run.complete(7)

    assert left(run) == []
    calls = [(c["path"], c["host"], c["on_behalf_of"]) for c in run.changes_at_mailgun()]
    assert sorted(calls) == sorted(
        (f"/v3/{domain}/envelopes", host, shop.id if domain == SHOP else None) for domain, host in QUEUED
    )
    assert "queued mail of 3 of 3 domains deleted" in run.card(7).words


def test_a_domain_is_left_out_by_its_button_and_an_older_approve_comes_too_late(
    shop_and_run: tuple[Subaccount, Run],
) -> None:
    _, run = shop_and_run
    older = run.card(7)
    assert [button.label for button in older.buttons].count("Leave out") == 3
    run.slack.orders.fault({"path": "chat.update"}, "429", seconds=2)
    first = run.clicked(run.priya, older, "leave_out")
    assert first.startswith(f"{EU} (EU): left out.")
    assert "Its message has changed" in run.clicked(run.olivia, older, "approve")
    assert left(run) == list(QUEUED)

    run.wait("the card to show it", lambda: "Left out" in run.card(7).words)
    run.complete(7)
    assert left(run) == [(EU, StorageHost.EUROPE_WEST)]


def test_the_bot_may_die_in_the_middle_and_deletes_the_rest_when_it_is_back(
    shop_and_run: tuple[Subaccount, Run],
) -> None:
    _, run = shop_and_run
    run.dies_at(run.mailgun, "after", {"method": "DELETE", "path": f"/storage-us-east4/v3/{US}/envelopes"})
    run.approve(7)
    run.restart()
    run.wait_status(7, "done")

    assert left(run) == []
    assert len(run.audit("deleted the queued mail of")) == 3
