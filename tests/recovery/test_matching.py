"""Who in Slack a user of Mailgun's is, by address."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.matching import ByAddress, candidates, listing_pays
from recovery.ports import Member
from tests.recovery.builders import a_member

RENAMED = {"old.example": "new.example"}

# Few of each, so that addresses meet.
names = st.sampled_from(["a.example", "b.example", "c.example", "d.example"])
locals_ = st.sampled_from(["dana", "dana+mail", "dana+", "+dana", "dana+mail+x", "sam", "Sam", "+"])
addresses = st.builds("{}@{}".format, locals_, names)
domain_maps = st.dictionaries(names, names)
members = st.builds(
    lambda number, email, is_active, is_bot, is_full: a_member(
        f"U-{number}", email=email, is_active=is_active, is_bot=is_bot, is_full=is_full
    ),
    st.integers(0, 9),
    st.none() | addresses,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def found(email: str, *known: Member, domains: Mapping[str, str] = RENAMED) -> Member | None:
    """Who is found by an address among these."""
    book = ByAddress(domains)
    book.add(known)
    return book.find(email)


# --- The forms of an address ---


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("dana@x.example", ["dana@x.example"]),
        (" Dana@X.Example ", ["dana@x.example"]),
        ("dana+mail@x.example", ["dana+mail@x.example", "dana@x.example"]),
        ("dana+a+b@x.example", ["dana+a+b@x.example", "dana@x.example"]),
        ("+mail@x.example", ["+mail@x.example"]),
        ("dana@OLD.example", ["dana@old.example", "dana@new.example"]),
        ("dana@new.example", ["dana@new.example"]),
        (
            "dana+mail@old.example",
            ["dana+mail@old.example", "dana@old.example", "dana+mail@new.example", "dana@new.example"],
        ),
    ],
)
def test_the_most_exact_form_comes_first(email: str, expected: list[str]) -> None:
    assert list(candidates(email, RENAMED)) == expected


def test_a_domain_may_have_changed_more_than_once() -> None:
    domains = {"a.example": "b.example", "b.example": "c.example"}

    assert candidates("dana@a.example", domains) == ("dana@a.example", "dana@b.example", "dana@c.example")


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        ({"a.example": "a.example"}, ["dana@a.example"]),
        ({"a.example": "b.example", "b.example": "a.example"}, ["dana@a.example", "dana@b.example"]),
        ({"a.example": "b.example", "b.example": "b.example"}, ["dana@a.example", "dana@b.example"]),
    ],
)
def test_domains_in_a_circle_come_once(domains: dict[str, str], expected: list[str]) -> None:
    assert list(candidates("dana@a.example", domains)) == expected


@pytest.mark.parametrize("email", ["", " ", "dana", "@", "dana@", "@x.example", "dana@x@y.example", "a@@x.example"])
def test_what_is_no_address_has_no_form_and_is_nobody(email: str) -> None:
    assert candidates(email, RENAMED) == ()
    assert found(email, a_member(email=email), a_member("U-NOBODY", email=None)) is None


@given(email=addresses, domains=domain_maps)
def test_each_form_comes_once_and_is_an_address_in_lower_case(email: str, domains: dict[str, str]) -> None:
    forms = candidates(email, domains)

    assert forms[0] == email.lower()
    assert len(forms) == len(set(forms)) <= 2 * (len(domains) + 1)
    assert all(form == form.lower() and all(form.split("@")) for form in forms)


@given(email=addresses, domains=domain_maps)
def test_case_never_matters_to_the_forms(email: str, domains: dict[str, str]) -> None:
    assert candidates(email.upper(), domains) == candidates(email, domains)


# --- Who is found ---


@pytest.mark.parametrize(
    ("in_mailgun", "in_slack"),
    [
        ("dana@x.example", "dana@x.example"),
        ("Dana@x.example", "dana@X.example"),
        ("dana+mail@x.example", "dana@x.example"),
        ("dana@x.example", "dana+slack@x.example"),
        ("dana+mail@x.example", "dana+slack@x.example"),
        ("dana@old.example", "dana@new.example"),
        ("dana@new.example", "dana@old.example"),
        ("dana+mail@OLD.example", "Dana+slack@new.example"),
    ],
)
def test_somebody_is_found_whichever_form_of_the_address_either_side_has(in_mailgun: str, in_slack: str) -> None:
    dana = a_member("U-DANA", email=in_slack)

    assert found(in_mailgun, a_member("U-SAM"), dana) == dana


@pytest.mark.parametrize("in_slack", ["dan@old.example", "dana@other.example", "dana-mail@old.example", "", None])
def test_somebody_else_is_not_found(in_slack: str | None) -> None:
    assert found("dana@old.example", a_member(email=in_slack)) is None


def test_an_exact_address_comes_before_another_form_of_it() -> None:
    exact = a_member("U-EXACT", email="Dana+mail@old.example")
    others = [a_member("U-1", email="dana@old.example"), a_member("U-2", email="dana@new.example")]

    assert found("dana+mail@old.example", *others, exact) == exact


def test_an_active_member_comes_before_a_deactivated_one_and_a_bot() -> None:
    gone = a_member("U-GONE", email="dana@old.example", is_active=False, is_full=False)
    bot = a_member("U-BOT", email="dana+bot@new.example", is_bot=True, is_full=False)
    active = a_member("U-DANA", email="dana@new.example")

    assert found("dana@old.example", gone, bot, active) == active
    assert found("dana@old.example", gone, bot) == gone


def test_a_full_member_comes_before_a_guest_with_the_same_address() -> None:
    guest = a_member("U-GUEST", email="dana@new.example", is_full=False)
    full = a_member("U-DANA", email="dana@new.example")

    assert found("dana@new.example", guest, full) == full
    assert found("dana@new.example", guest) == guest


@pytest.mark.parametrize("is_full", [True, False])
def test_nobody_is_guessed_between_two_who_have_another_form_of_the_address(is_full: bool) -> None:
    one = a_member("U-1", email="dana@new.example")
    other = a_member("U-2", email="dana+2@new.example", is_full=is_full)

    assert found("dana@old.example", one, other) is None
    assert found("dana+2@new.example", one, other) == other


def test_members_may_be_added_page_by_page() -> None:
    book = ByAddress(RENAMED)
    dana, sam = a_member("U-DANA", email="dana@new.example"), a_member("U-SAM", email="sam@new.example")

    book.add([dana])
    assert book.find("sam@old.example") is None

    # The list moved on by one in between: somebody comes a second time, and is no second person.
    book.add([dana, sam])
    assert (book.find("dana@old.example"), book.find("sam@old.example")) == (dana, sam)


@given(email=addresses, known=st.lists(members, max_size=6), domains=domain_maps)
def test_whoever_is_found_has_a_form_of_the_address_in_common(
    email: str, known: list[Member], domains: dict[str, str]
) -> None:
    member = found(email, *known, domains=domains)

    assert member is None or set(candidates(member.email or "", domains)) & set(candidates(email, domains))


@given(email=addresses, domains=domain_maps, data=st.data())
def test_whoever_alone_has_a_form_of_the_address_is_found(
    email: str, domains: dict[str, str], data: st.DataObject
) -> None:
    dana = a_member("U-DANA", email=data.draw(st.sampled_from(candidates(email, domains))))

    assert found(email, a_member("U-OTHER", email="other@x.example"), dana, domains=domains) == dana
    assert found(dana.email or "", a_member("U-DANA", email=email), domains=domains)


@given(email=addresses, known=st.lists(members, max_size=6), domains=domain_maps)
def test_nobody_who_cannot_be_written_to_is_found_in_the_place_of_who_can(
    email: str, known: list[Member], domains: dict[str, str]
) -> None:
    member = found(email, *known, domains=domains)
    people = [each for each in known if each.is_active and not each.is_bot]

    if member is not None and member not in people:
        assert not any(found(email, each, domains=domains) for each in people if each.id != member.id)


@given(email=addresses, known=st.lists(members, max_size=6, unique_by=lambda member: member.id), domains=domain_maps)
def test_neither_case_nor_order_matters_to_who_is_found(
    email: str, known: list[Member], domains: dict[str, str]
) -> None:
    assert found(email.upper(), *reversed(known), domains=domains) == found(email, *known, domains=domains)


# --- Listing everybody, or asking for each ---


@pytest.mark.parametrize("look_ups", [0, 1, 20])
def test_for_few_nobody_is_listed(look_ups: int) -> None:
    assert not listing_pays(look_ups, 0)


@pytest.mark.parametrize(("look_ups", "most"), [(21, 8), (25, 9), (26, 10), (100, 39), (5000, 1999)])
def test_listing_ends_where_it_would_take_as_long_as_the_look_ups(look_ups: int, most: int) -> None:
    assert all(listing_pays(look_ups, pages) for pages in range(most))
    assert not listing_pays(look_ups, most)


@given(look_ups=st.integers(21, 20_000), whole=st.integers(1, 3_000))
def test_it_takes_at_most_twice_the_cheaper_way(look_ups: int, whole: int) -> None:
    pages = 0
    while pages < whole and listing_pays(look_ups, pages):
        pages += 1

    tenths = 30 * pages + (12 * look_ups if pages < whole else 0)
    assert tenths <= 2 * min(30 * whole, 12 * look_ups)
