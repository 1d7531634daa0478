"""A decision happens once; whoever comes second is told who decided and when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from drill.actors import Person
from tests.e2e.recovery_run import Run, recovery_run


def at_once(run: Run, step: int, *people: Person) -> None:
    """All of them press Approve on the same card, before it is redrawn."""
    card = run.card(step)
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda who: who.clicks(card, "approve", confirmed=True), people))


@pytest.fixture(scope="module")
def undrawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An incident whose cards Slack does not redraw: whoever presses sees what was there before."""
    with recovery_run(tmp_path_factory.mktemp("undrawn")) as run:
        run.open_incident()
        run.keep_cards_as_they_are()
        yield run


def test_a_double_click_is_one_decision(undrawn: Run) -> None:
    answered = undrawn.answers_to(undrawn.olivia)
    at_once(undrawn, 1, undrawn.olivia, undrawn.olivia)
    undrawn.wait("both clicks to be answered", lambda: undrawn.answers_to(undrawn.olivia) >= answered + 2)
    undrawn.wait("step 1 to be done", lambda: undrawn.audit("finished step 1"))
    assert len(undrawn.audit("approved step 1")) == 1
    assert len([k for k in undrawn.keys("user") if k["description"].startswith("Mailgun recovery bot")]) == 1


def test_of_two_approvers_at_once_one_decides_and_the_other_is_told_who_and_when(undrawn: Run) -> None:
    before = {who.id: undrawn.answers_to(who) for who in (undrawn.olivia, undrawn.priya)}
    at_once(undrawn, 3, undrawn.olivia, undrawn.priya)
    said = {who.id: undrawn.answer_after(who, before[who.id]) for who in (undrawn.olivia, undrawn.priya)}
    (decided,) = undrawn.audit("approved step 3")
    winner = decided.split()[0]
    (loser,) = set(said) - {winner}
    assert f"approved by <@{winner}> at 20" in said[loser]
    assert "nothing was changed" in said[loser]


def test_a_click_on_a_button_with_an_old_version_is_refused_in_words(undrawn: Run) -> None:
    undrawn.says(undrawn.priya, "skip 2 nobody sends by SMTP")
    before = undrawn.state()["steps"]
    said = undrawn.clicked(undrawn.olivia, undrawn.card(2), "approve")
    assert "skipped by <@UPRIYA> at 20" in said
    assert "nothing was changed" in said
    assert undrawn.state()["steps"] == before


def test_a_button_that_was_drawn_before_a_restart_works_after_it(opened: Run) -> None:
    opened.bot.kill()
    opened.restart()
    opened.approve(1)
    opened.wait_status(1, "done")
