"""Subaccounts: what is theirs is recovered with the rest, on their behalf."""

from collections.abc import Callable

import pytest

from drill.mailgun.accounts import small_account, with_subaccount
from drill.mailgun.model import Subaccount
from drill.mailgun.places import Region
from tests.e2e.recovery_run import Run

SHOP = "shop.example.com"


@pytest.fixture
def shop_and_run(begin_run: Callable[..., Run]) -> tuple[Subaccount, Run]:
    """A company with a subaccount that has a domain in the EU; the incident is open."""
    prepared = small_account()
    shop = with_subaccount(prepared, "Shop", SHOP, Region.EU)
    run = begin_run(prepared=prepared)
    run.open_incident()
    return shop, run


def test_the_passwords_of_a_subaccount_are_set_on_its_behalf_and_work_as_handed_over(
    shop_and_run: tuple[Subaccount, Run],
) -> None:
    shop, run = shop_and_run
    before = run.passwords()
    assert "3 of them of a subaccount" in run.card(2).words
    run.complete(2)

    puts = [call for call in run.mailgun.calls() if call["method"] == "PUT"]
    behalf = {call["login"]: call["on_behalf_of"] for call in puts}
    assert {login for login, of in behalf.items() if of == shop.id} == {
        f"{login}@{SHOP}" for login in ("postmaster", "app", "billing")
    }
    assert set(behalf.values()) == {shop.id, None}
    assert run.handed_passwords() == run.passwords()
    assert (f"{SHOP} (EU, subaccount Shop)", f"app@{SHOP}") in run.handed_passwords()
    assert not set(before.values()) & set(run.passwords().values())
