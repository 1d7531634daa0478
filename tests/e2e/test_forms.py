"""Decisions that need words: a reason, what was found, a ticket number."""

from collections.abc import Callable, Iterator

import pytest

from drill.actors import NotTaken
from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An incident in which each test decides a step of its own, through its form."""
    with recovery_run(tmp_path_factory.mktemp("forms")) as run:
        run.open_incident()
        yield run


def test_a_step_skipped_through_the_form_shows_the_reason_and_by_whom(forms: Run) -> None:
    forms.press(forms.priya, forms.card(4), "skip", "Everyone has it <!channel>")
    forms.wait_status(4, "skipped")
    assert "Everyone has it" in forms.card(4).words
    assert "<@UPRIYA>" in forms.card(4).words


def test_words_from_a_form_page_nobody(forms: Run) -> None:
    forms.press(forms.priya, forms.card(3), "skip", "All of them did <!channel>")
    forms.wait_status(3, "skipped")
    drawn = str([call["body"] for call in forms.slack.log() if call["kind"] == "call"])
    assert "All of them did" in drawn
    assert "<!channel>" not in drawn


def test_a_blank_reason_is_refused_in_the_form(forms: Run) -> None:
    before = forms.state()
    form = forms.form_after(forms.priya, forms.card(1), "skip")
    with pytest.raises(NotTaken, match="why this step is skipped"):
        forms.priya.submits(form, "   ")
    assert forms.priya.form() is not None, "the form stays open, so that the reason can be given"
    assert forms.state() == before


def test_a_skipped_step_can_be_approved_later(forms: Run) -> None:
    forms.press(forms.priya, forms.card(2), "skip", "Not now")
    forms.wait_status(2, "skipped")
    forms.complete(2)
    assert forms.handed_passwords() == forms.passwords()


def test_the_note_is_done_with_both_of_its_forms(forms: Run) -> None:
    forms.press(forms.priya, forms.card(6), "Hosting provider contacted", "No break-in")
    forms.wait("one half", lambda: "No break-in" in forms.card(6).words)
    assert forms.slack.step_status(6) == "waits for a decision"
    forms.press(forms.olivia, forms.card(6), "Public repositories checked", "One key, removed")
    forms.wait_status(6, "done")
    assert "No break-in" in forms.card(6).words
    assert "One key, removed" in forms.card(6).words


def test_support_cannot_be_told_before_the_rest_is_settled(forms: Run) -> None:
    before = forms.state()
    assert forms.card(5).button("sent") is None
    assert "not settled yet" in forms.says(forms.olivia, "sent 4711")
    assert forms.state() == before


def settle_all_but_support(run: Run) -> None:
    for step in (1, 2, 3, 4, 6, 7):
        run.says(run.olivia, f"skip {step} done by hand")
    run.wait_status(5, "waits for a decision")


def test_sent_keeps_the_ticket_number_and_ends_an_incident_of_an_account_that_works(opened: Run) -> None:
    settle_all_but_support(opened)
    opened.press(opened.priya, opened.card(5), "sent", "4711")
    opened.wait_status(5, "done")
    assert "ticket 4711" in opened.card(5).words
    assert opened.value("SELECT ticket FROM incidents") == "4711"


def test_a_disabled_account_is_recovered_once_its_domains_work_again(begin_run: Callable[..., Run]) -> None:
    run = begin_run()
    run.mailgun.orders.change("account", disabled=True)
    run.open_incident()
    settle_all_but_support(run)
    run.press(run.priya, run.card(5), "sent", "4711")
    run.wait_status(5, "running")
    assert run.value("SELECT status FROM incidents") == "open"
    run.mailgun.support_enables_the_account()
    run.wait_status(5, "done")
    run.wait("the board to say so", lambda: "Recovered" in run.slack.board().words)
