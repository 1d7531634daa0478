"""People whom Mailgun cannot show or Slack cannot reach: never led astray, and vouched for."""

from collections.abc import Iterator

import pytest

from tests.e2e.recovery_run import Run, recovery_run

CARL = "carl@contractor.example.net"
ITEMS = {3: "new password", 4: "two-factor authentication"}
ELSEWHERE = ("sam@example.com", "noah@example.com")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Sam signs in through Sinch ID, Noah through SAML, Carl is not in Slack; all the others do their part."""
    with recovery_run(tmp_path_factory.mktemp("elsewhere")) as run:
        run.mailgun.orders.give("users", email="sam@example.com", auth_method="sinch", migration_status="done")
        run.mailgun.orders.give("users", email="noah@example.com", auth_method="saml")
        run.mailgun.orders.give("users", email=CARL)
        run.open_incident()
        for step in (3, 4):
            run.approve(step)
            run.everyone_is_asked(step)
        for user in ("olivia", "priya", "dana"):
            run.mailgun.resets_password(f"{user}@example.com")
            run.mailgun.turns_on_two_factor(f"{user}@example.com")
        run.wait("the others to be done", lambda: len(run.rows("SELECT 1 FROM obligations WHERE status = 'open'")) == 6)
        yield run


@pytest.mark.parametrize("who", ["sam", "noah"])
def test_who_signs_in_elsewhere_is_never_shown_mailguns_steps(elsewhere: Run, who: str) -> None:
    words = "\n".join(message.words for message in elsewhere.person(who).inbox())
    assert words
    for step_of_mailguns in ("Forgot password", "Mailgun login page", "your profile at the top right", "Check now"):
        assert step_of_mailguns not in words
    assert "login.mailgun.com" not in str([message.blocks for message in elsewhere.person(who).inbox()])


@pytest.mark.parametrize(("who", "where"), [("sam", "Sinch ID"), ("noah", "single sign-on")])
def test_they_are_pointed_to_their_provider(elsewhere: Run, who: str, where: str) -> None:
    assert elsewhere.checklist(who).words.count(where) >= 2


def test_the_card_says_that_some_are_to_be_confirmed(elsewhere: Run) -> None:
    words = "2 of the others to be confirmed by an approver"
    elsewhere.wait("the card to say so", lambda: words in elsewhere.card(3).words)


def test_a_plain_member_is_not_shown_who_is_left(elsewhere: Run) -> None:
    said = elsewhere.clicked(elsewhere.person("dana"), elsewhere.card(3), "people")
    assert "not among those" in said
    assert CARL not in said


def test_who_says_that_it_is_done_is_reminded_no_more_and_shown_to_approvers(elsewhere: Run) -> None:
    run, sam = elsewhere, elsewhere.person("sam")
    for number, said in enumerate(("I have reset my password", "I have two-factor on"), start=1):
        assert "An approver confirms it" in run.clicked(sam, run.checklist("sam"), said)
        told = "You said that it is done"
        run.wait("his message to say so", lambda n=number, told=told: run.checklist("sam").words.count(told) == n)
    assert run.checklist("sam").button("done") is None
    assert run.rows("SELECT next_message_at FROM people WHERE email = 'sam@example.com'") == [(None,)]
    run.clicked(run.priya, run.card(3), "people")
    assert "says that it is done" in run.priya.told("Who is left").words


def test_an_approver_confirms_for_them_through_who_is_left_and_their_name_is_recorded(elsewhere: Run) -> None:
    run = elsewhere
    # Carl has heard of it: nobody can ask him whether that was him.
    run.mailgun.resets_password(CARL)
    run.mailgun.turns_on_two_factor(CARL)
    questioned = "SELECT 1 FROM obligations WHERE status = 'questioned'"
    run.wait("what Carl did to be seen", lambda: len(run.rows(questioned)) == 2)
    for step in (3, 4):
        for who in (*ELSEWHERE, CARL):
            run.clicked(run.priya, run.card(step), "people")
            listed = run.priya.told("Who is left")
            before = run.answers_to(run.priya)
            several = f"Confirmed: {ITEMS[step]}"
            button = several if listed.button(several, beside=who) else "Confirmed"
            run.priya.clicks(listed, button, beside=who)
            assert f"Confirmed for {who}" in run.answer_after(run.priya, before)
        run.wait_status(step, "done")
    vouched = [entry for entry in run.audit("confirmed for a person") if entry.startswith("UPRIYA")]
    assert len(vouched) == 6
    for who in ("sam", "noah"):
        thanked = f"{who} to be thanked for both"
        run.wait(thanked, lambda who=who: run.checklist(who).words.count("done. Thank you.") == len(ITEMS))
