"""Which domains must work before the account counts as recovered."""

from recovery.account import Subaccount, watched_domains
from tests.recovery.builders import a_domain


def disabled(name: str, reason: str | None) -> object:
    return a_domain(name, is_disabled=True, disabled_for=reason)


def test_while_any_domain_works_the_account_is_not_disabled() -> None:
    assert watched_domains([a_domain("a"), a_domain("b")]) == (("us/a", "us/b"), False)


def test_a_domain_disabled_beside_working_ones_has_a_reason_of_its_own_and_is_not_waited_for() -> None:
    assert watched_domains([a_domain("a"), disabled("b", "unpaid")]) == (("us/a",), False)


def test_where_none_works_the_commonest_reason_is_the_accounts() -> None:
    domains = [disabled("a", "compromised"), disabled("b", "unpaid"), disabled("c", "compromised")]

    assert watched_domains(domains) == (("us/a", "us/c"), True)


def test_domains_disabled_without_a_reason_count_as_disabled_with_the_account() -> None:
    assert watched_domains([disabled("a", None), disabled("b", None)]) == (("us/a", "us/b"), True)


def test_an_account_without_domains_is_not_disabled() -> None:
    assert watched_domains([]) == ((), False)


def test_one_name_in_two_regions_is_two_domains() -> None:
    assert watched_domains([a_domain("a", "us"), a_domain("a", "eu")])[0] == ("us/a", "eu/a")


def test_a_subaccount_that_works_does_not_hide_that_the_account_is_disabled() -> None:
    shop = Subaccount("sub-1", "Shop", is_open=True)

    assert watched_domains([disabled("a", "compromised"), a_domain("shop", owner=shop)]) == (("us/a", "us/shop"), True)


def test_a_subaccount_that_is_disabled_is_waited_for_beside_an_account_that_works() -> None:
    shop = Subaccount("sub-1", "Shop", is_open=True)
    domains = [a_domain("a"), a_domain("shop", owner=shop, is_disabled=True, disabled_for="compromised")]

    assert watched_domains(domains) == (("us/a", "us/shop"), True)
