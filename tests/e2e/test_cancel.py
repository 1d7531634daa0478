"""Cancel begins nothing new, and finishes what it cannot take back."""

from collections.abc import Iterator

import pytest

from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import STEPS, Run, recovery_run


@pytest.fixture(scope="module")
def cancelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Cancelled while new passwords were set at Mailgun, and Slack put their message off."""
    with recovery_run(tmp_path_factory.mktemp("cancelled")) as run:
        run.open_incident()
        run.keep_cards_as_they_are()
        run.slack.orders.fault({"path": "chat.postMessage", "contains": "Save these now"}, "429", seconds=2)
        run.approve(2)
        run.wait("the passwords to be set", lambda: len(run.changes_at_mailgun()) == 6)
        run.says(run.olivia, "cancel a false alarm")
        run.wait("the handover", lambda: handed_over(run.slack))
        run.wait("the database to know of it", lambda: run.audit("handed over"))
        yield run


def test_what_was_begun_is_handed_over(cancelled: Run) -> None:
    assert cancelled.handed_passwords() == cancelled.passwords()


def test_the_incident_is_cancelled_with_the_reason_and_by_whom(cancelled: Run) -> None:
    assert cancelled.value("SELECT status FROM incidents") == "cancelled"
    (entry,) = cancelled.audit("cancelled the incident")
    assert entry.startswith("UOLIVIA")
    assert "a false alarm" in entry


def test_a_button_of_a_cancelled_incident_is_answered_and_begins_nothing(cancelled: Run) -> None:
    before = cancelled.state()
    assert "incident that has ended" in cancelled.clicked(cancelled.priya, cancelled.card(1), "approve")
    assert cancelled.state() == before


def test_a_typed_decision_after_it_is_answered_and_begins_nothing(cancelled: Run) -> None:
    before = cancelled.state()
    assert "There is no incident" in cancelled.says(cancelled.priya, "approve 1")
    assert cancelled.state() == before


def test_what_was_handed_over_can_still_be_wiped(cancelled: Run) -> None:
    controls = cancelled.wait("the button", lambda: cancelled.olivia.inbox("handover_controls"))[0]
    said = cancelled.clicked(cancelled.olivia, controls, "saved")
    assert "wiped" in said


def test_a_cancelled_incident_shows_no_buttons(opened: Run) -> None:
    opened.says(opened.olivia, "cancel a false alarm")
    opened.wait("the cards to say so", lambda: opened.slack.step_status(1) == "cancelled")
    opened.wait("every button to go", lambda: not any(opened.card(n).buttons for n in range(STEPS)))
    assert "Cancelled" in opened.slack.board().words


def test_without_a_reason_nothing_is_cancelled(opened: Run) -> None:
    before = opened.state()
    assert "give a reason" in opened.says(opened.olivia, "cancel")
    assert opened.state() == before
