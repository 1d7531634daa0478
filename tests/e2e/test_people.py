"""Who is asked what, who is back in, and when nobody is left."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.recovery_run import PASSWORD, TWO_FACTOR, Run, recovery_run


def test_a_confirmation_for_somebody_whom_mailgun_shows_is_refused(asking: Run) -> None:
    before = asking.state()["obligations"]
    asking.says(asking.priya, "confirm olivia@example.com 4")
    assert asking.state()["obligations"] == before


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everybody has been asked for both. Each test has a person of its own; Olivia never does her part."""
    with recovery_run(tmp_path_factory.mktemp("asking")) as run:
        for name in ("max", "noah", "sam"):
            run.mailgun.orders.give("users", email=f"{name}@example.com")
        run.mailgun.orders.change("users/noah@example.com", password_updated_at="2026-01-01T00:00:00")
        run.open_incident()
        for step in (3, 4):
            run.approve(step)
            run.everyone_is_asked(step)
        yield run


def test_both_things_are_in_one_message(asking: Run) -> None:
    (message,) = asking.person("noah").inbox("checklist")
    assert f"☐ {PASSWORD}" in message.words
    assert f"☐ {TWO_FACTOR}" in message.words


def test_what_is_done_is_ticked_and_what_is_left_stays(asking: Run) -> None:
    asking.mailgun.turns_on_two_factor("dana@example.com")
    words = asking.checklist("dana", f"☑ {TWO_FACTOR}: done").words
    assert f"☐ {PASSWORD}" in words


def test_whose_2fa_is_off_again_is_back_in(asking: Run) -> None:
    asking.mailgun.turns_on_two_factor("dana@example.com")
    asking.checklist("dana", f"☑ {TWO_FACTOR}: done")
    asking.mailgun.orders.change("users/dana@example.com", tfa_active=False)
    assert asking.checklist("dana", f"☐ {TWO_FACTOR}").button("check")


def test_who_had_2fa_from_the_start_and_turns_it_off_is_asked(asking: Run) -> None:
    asking.checklist("priya", f"☑ {TWO_FACTOR}: done")
    asking.mailgun.orders.change("users/priya@example.com", tfa_active=False)
    assert asking.checklist("priya", f"☐ {TWO_FACTOR}").button("check")


def test_a_user_who_joins_later_is_asked_too(asking: Run) -> None:
    asking.mailgun.orders.give("users", email="chen@example.com")
    words = asking.checklist("chen", f"☐ {TWO_FACTOR}").words
    assert f"☐ {PASSWORD}" in words


def test_nothing_more_is_asked_of_a_user_who_was_removed(asking: Run) -> None:
    asking.mailgun.orders.change("users/max@example.com", removed=True)
    assert not asking.checklist("max", "Nothing is asked of you").buttons


def test_a_password_reset_before_the_incident_does_not_count(asking: Run) -> None:
    assert asking.checklist("noah", f"☐ {PASSWORD}").button("check")


def test_check_now_is_answered_with_what_mailgun_shows(asking: Run) -> None:
    noah = asking.person("noah")
    assert "does not show it yet" in asking.clicked(noah, asking.checklist("noah"), "check")
    asking.mailgun.turns_on_two_factor("noah@example.com")
    said = asking.says(noah, "check")
    assert f"{TWO_FACTOR}: done" in said
    assert f"{PASSWORD}: Mailgun does not show it yet" in said


def test_who_has_a_mailgun_password_is_told_how_and_that_the_link_expires(asking: Run) -> None:
    words = asking.checklist("olivia").words
    assert "Forgot password" in words
    assert "20 minutes" in words
    assert "olivia@example.com" in words


def test_who_asks_is_named_so_that_people_can_ask_whether_it_is_real(asking: Run) -> None:
    assert "Asked by <@UOLIVIA>" in asking.checklist("noah").words


def test_who_puts_it_off_is_told_when_the_next_reminder_comes(asking: Run) -> None:
    sam = asking.person("sam")
    before = asking.answers_to(sam)
    sam.chooses(asking.checklist("sam"), "Remind me later", "In an hour")
    assert "The next reminder comes at" in asking.answer_after(sam, before)
    assert asking.rows("SELECT put_off, urged_by FROM people WHERE email = 'sam@example.com'") == [(1, None)]


def test_who_cannot_says_why_and_only_the_requester_hears_it(asking: Run) -> None:
    sam = asking.person("sam")
    asking.press(sam, asking.checklist("sam"), "cannot", "I have no phone for the codes")
    told = asking.notice("I have no phone for the codes")
    assert "<@USAM>" in told.words
    assert "no phone" not in "\n".join(message.words for message in asking.slack.messages())
    asking.press(asking.olivia, told, "stop", "IT hands him one on Monday")
    assert not asking.checklist("sam", f"☒ {TWO_FACTOR}").buttons


def test_the_thread_shows_how_many_are_left_and_not_who(asking: Run) -> None:
    asking.wait("the count", lambda: "people done" in asking.card(4).words)
    assert "olivia@" not in asking.card(4).words.lower()
    assert "UOLIVIA> has" not in asking.card(4).words


@dataclass
class Reminding:
    """Support was told while 2FA reminders went on; then the last person did their part."""

    run: Run
    status_when_it_works: object
    board_when_it_works: str
    reminders_before: int
    reminders_after: int


@pytest.fixture(scope="module")
def reminding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reminding]:
    with recovery_run(tmp_path_factory.mktemp("reminding"), REMIND_EVERY="1s") as run:
        run.open_incident()
        run.approve(4)
        run.everyone_is_asked(4)
        for step in (1, 2, 3, 6, 7):
            run.skip(step)
        run.olivia.clicks(run.card(4), "keep", confirmed=True)
        run.wait_status(5, "waits for a decision")
        run.says(run.olivia, "sent 4711")
        run.wait("its recovery", lambda: run.value("SELECT status FROM incidents") != "open")
        status, dana = run.value("SELECT status FROM incidents"), run.person("dana")
        board = run.wait("the board to say so", lambda: "ecovered" in (now := run.slack.board().words) and now)
        before = len(dana.inbox("reminder"))
        after = run.wait("another reminder", lambda: (now := len(dana.inbox("reminder"))) > before and now)
        run.people_do_their_part()
        run.wait("its end", lambda: run.value("SELECT status FROM incidents") == "closed")
        run.wait("the board to say so", lambda: "closed" in run.slack.board().words)
        run.rest()
        yield Reminding(run, status, board, before, after)


def test_go_on_keep_reminding_lets_support_be_told_while_reminders_go_on(reminding: Reminding) -> None:
    assert reminding.status_when_it_works == "recovered"
    assert reminding.reminders_after > reminding.reminders_before


def test_the_board_says_how_many_are_still_without_2fa(reminding: Reminding) -> None:
    assert "2 of 3" in reminding.board_when_it_works


def test_a_recovered_incident_closes_when_the_last_person_is_done(reminding: Reminding) -> None:
    assert "closed" in reminding.run.slack.board().words


def test_a_step_that_was_done_runs_again_when_2fa_is_off_again(opened: Run) -> None:
    opened.approve(4)
    opened.everyone_is_asked(4)
    opened.people_do_their_part()
    opened.wait_status(4, "done")
    opened.mailgun.orders.change("users/dana@example.com", tfa_active=False)
    opened.wait_status(4, "running")
