"""A change from before its owner was first reached may be the attacker's: the owner is asked."""

from collections.abc import Iterator

import pytest

from tests.e2e.recovery_run import TWO_FACTOR, Run, recovery_run

QUESTION = "Was that you"


@pytest.fixture(scope="module")
def suspicious(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """2FA of Dana's and Sam's was turned on in the incident, before either was first reached."""
    with recovery_run(tmp_path_factory.mktemp("suspicious")) as run:
        run.mailgun.orders.give("users", email="sam@example.com")
        run.open_incident()
        for who in ("dana", "sam"):
            run.mailgun.turns_on_two_factor(f"{who}@example.com")
        run.approve(4)
        for who in ("dana", "sam"):
            run.checklist(who, QUESTION)
        yield run


def test_2fa_from_before_its_owner_was_reached_is_a_question(suspicious: Run) -> None:
    question = suspicious.checklist("dana", QUESTION)
    assert [button.label for button in question.buttons][:2] == ["Yes, that was me", "No"]
    assert question.button("check") is None


def test_nobody_else_answers_it_for_them(suspicious: Run) -> None:
    assert "no question open for you" in suspicious.says(suspicious.priya, "mine yes")


def test_a_yes_to_it_counts_as_done(suspicious: Run) -> None:
    suspicious.person("dana").clicks(suspicious.checklist("dana", QUESTION), "Yes, that was me")
    suspicious.checklist("dana", f"☑ {TWO_FACTOR}: done")


def test_a_no_to_it_counts_as_not_done_and_the_requester_hears_at_once_what_to_do(suspicious: Run) -> None:
    said = suspicious.clicked(suspicious.person("sam"), suspicious.checklist("sam", QUESTION), "No")
    assert "not done" in said
    assert "<@UOLIVIA>" in said
    assert suspicious.checklist("sam", "the change which Mailgun shows was not yours").button("check")
    told = suspicious.notice("was not theirs").words
    assert "<@USAM>" in told
    assert "take two-factor authentication off their user" in told
