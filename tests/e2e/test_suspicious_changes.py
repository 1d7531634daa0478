"""A change from before its owner was first reached may be the attacker's: the owner is asked."""

from collections.abc import Iterator

import pytest

from drill.messages import Message
from tests.e2e.recovery_run import Run, recovery_run

TFA = "Turn on two-factor authentication"


PASSWORD = "Reset your Mailgun password"


def asked(run: Run, name: str, title: str) -> Message | None:
    """Somebody's message about one thing, as it stands now."""
    return next((m for m in run.person(name).inbox("obligation") if m.title == title), None)


def wait_asked(run: Run, name: str, title: str, words: str = "") -> Message:
    return run.wait(
        f"{name} to be asked {title!r} ({words})",
        lambda: (found := asked(run, name, title)) and words in found.words and found,
    )


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
            wait_asked(run, who, TFA, "Was that you")
        yield run


def test_2fa_from_before_its_owner_was_reached_is_a_question(suspicious: Run) -> None:
    question = asked(suspicious, "dana", TFA)
    assert {button.label for button in question.buttons} == {"Yes, that was me", "No"}


def test_nobody_else_answers_it_for_them(suspicious: Run) -> None:
    assert "no question open for you" in suspicious.says(suspicious.priya, "mine yes")


def test_a_yes_to_it_counts_as_done(suspicious: Run) -> None:
    suspicious.person("dana").clicks(asked(suspicious, "dana", TFA), "Yes, that was me")
    wait_asked(suspicious, "dana", TFA, "Done. Thank you.")


def test_a_no_to_it_counts_as_not_done(suspicious: Run) -> None:
    said = suspicious.clicked(suspicious.person("sam"), asked(suspicious, "sam", TFA), "No")
    assert "not done" in said
    assert "<@UOLIVIA>" in said
    assert wait_asked(suspicious, "sam", TFA, "compromised").button("check")
