"""The list of the people, for approvers: everybody, with what they need to know of each."""

from datetime import timedelta

from recovery.account import SignIn
from recovery.content import Card
from recovery.whos_left import A_PAGE
from tests.recovery.builders import a_member, a_user
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World


def listed(world: World, text: str = "people") -> Card:
    world.type(text)
    return world.answer_card


def row_of(world: World, name: str) -> str:
    rows = ["".join(map(str, row.line)) for row in listed(world).rows]
    return next(row for row in rows if f"{name}@acme.example" in row)


def test_it_says_how_somebody_signs_in_what_is_done_how_often_they_were_reminded_and_when_next(ann: World) -> None:
    ann.approved("3", "4").later(timedelta(hours=4, minutes=5))
    turn_on(ann, at=ann.clock.now())
    poll(ann)

    said = row_of(ann, "ann")
    assert "new password: not yet" in said and "two-factor authentication: done" in said
    assert "1 reminder" in said and "the next at" in said and "U-ANN" in said


def test_who_signs_in_elsewhere_is_listed_with_where(world: World) -> None:
    world.mailgun.has_user(a_user("sid", sign_in=SignIn.SAML))
    world.opened().approved("4")

    assert "signs in through your company's single sign-on" in row_of(world, "sid")


def test_who_is_done_is_listed_after_who_is_left(ann: World) -> None:
    ann.mailgun.has_user(a_user("bob"))
    ann.approved("4")
    turn_on(ann)
    poll(ann)

    first, *_, last = ["".join(map(str, row.line)) for row in listed(ann).rows]
    assert "bob@acme.example" in first and "ann@acme.example" in last
    assert "Who is left: 1 of 2 people" in ann.answer


def test_who_was_stopped_is_listed_with_the_reason(ann: World) -> None:
    ann.approved("4")
    ann.type("stop ann@acme.example on leave until June")

    assert "not reminded any longer (on leave until June)" in row_of(ann, "ann")


def test_many_come_in_pages_and_each_says_how_to_get_the_next(world: World) -> None:
    many = 2 * A_PAGE + 1
    for number in range(many):
        world.mailgun.has_user(a_user(f"u{number:02}"))
        world.directory.has(a_member(f"U-{number:02}", email=f"u{number:02}@acme.example"))
    world.opened().approved("4")

    pages = [listed(world, f"people {page}") for page in (1, 2, 3)]
    addresses = {str(row.line) for card in pages for row in card.rows}
    assert len(addresses) == many
    world.type("people 2")
    assert "Page 2 of 3" in world.answer and "/mailgun-compromised people 3" in world.answer


def test_before_anybody_was_asked_it_says_so(ann: World) -> None:
    assert "Nobody has been asked for anything yet" in ann.type("people")


def test_it_can_be_looked_at_after_the_incident_is_closed(ann: World) -> None:
    ann.approved("4")
    ann.type("cancel false alarm")

    assert "ann@acme.example" in ann.type("people")
