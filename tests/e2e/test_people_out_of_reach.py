"""The awkward ones: who cannot be written to, who has no address or two users, who leads it and is asked too.

Each has a sentence to somebody, and none is missed.
"""

from collections.abc import Iterator

import pytest

from drill.messages import Message
from tests.e2e.recovery_run import PASSWORD, TWO_FACTOR, Run, recovery_run

DANAS = ("dana@example.com", "dana+staging@example.com")
KIOSK = "Kiosk"
"""How Mailgun calls the user that has no address."""


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Noah's direct messages are closed, Sam is deactivated once he was asked, Dana has two Mailgun users, the kiosk
    has no address, Olivia leads the recovery."""
    with recovery_run(tmp_path_factory.mktemp("awkward"), REMIND_EVERY="1s") as run:
        run.slack.orders.change("users/UNOAH", dm_closed=True)
        for email in ("noah@example.com", "sam@example.com", DANAS[1]):
            run.mailgun.orders.give("users", email=email)
        run.mailgun.orders.give("users", email="", name=KIOSK)
        run.open_incident()
        run.approve(3)
        run.checklist("sam")
        run.slack.orders.change("users/USAM", deleted=True)
        for email in DANAS:
            run.checklist("dana", f"access to it as {email}.")
        yield run


def row(run: Run, called: str) -> str:
    """What Olivia's list says of somebody."""
    (beside,) = {menu.beside for menu in run.list_of_strays(called).menus if called in menu.beside}
    return beside


def decided(run: Run, called: str, button: str) -> str:
    """What Olivia is told when she presses that button beside somebody."""
    before = run.answers_to(run.olivia)
    run.olivia.clicks(run.list_of_strays(called), button, beside=called)
    return run.answer_after(run.olivia, before)


def is_listed(run: Run, called: str) -> bool:
    """Whether Olivia is asked who that is."""
    return any(called in menu.beside for menu in run.list_of_strays().menus)


# --- Each is told of -------------------------------------------------------------------------------------


def test_of_whose_direct_messages_are_closed_the_requester_is_told(awkward: Run) -> None:
    assert "Slack does not deliver the bot's direct messages to them" in row(awkward, "noah@example.com")


def test_of_a_user_without_an_address_the_requester_is_told_with_their_name(awkward: Run) -> None:
    said = row(awkward, KIOSK)
    assert "Mailgun has no address for this user" in said
    assert "Mailgun user " in said


def test_of_who_is_deactivated_after_the_first_message_the_requester_is_told_at_the_next_reminder(awkward: Run) -> None:
    assert "their Slack user is deactivated" in row(awkward, "sam@example.com")
    assert awkward.reminders("sam") == []


def test_the_trail_in_the_thread_does_not_say_who_they_are(awkward: Run) -> None:
    def told() -> list[Message]:
        return [message for message in awkward.slack.messages(kind="audit") if "could not write" in message.words]

    assert awkward.wait("the trail to tell of it", told)
    trail = "\n".join(message.words for message in awkward.slack.messages(kind="audit"))
    assert "noah" not in trail and "sam" not in trail


def test_each_of_two_mailgun_users_of_one_person_has_a_message_that_names_the_other(awkward: Run) -> None:
    messages = awkward.person("dana").inbox("checklist")
    assert len(messages) == 2
    for mine, other in (DANAS, DANAS[::-1]):
        (words,) = [message.words for message in messages if f"access to it as {mine}." in message.words]
        assert f"You have another Mailgun user too, with a message of its own: {other}." in words


def test_they_are_reminded_of_both_in_one_reminder(awkward: Run) -> None:
    first = awkward.wait("Dana to be reminded", lambda: awkward.reminders("dana"))[0]
    assert all(f"As {email}:" in first.words for email in DANAS)
    at_once = {message.thread_ts for message in awkward.reminders("dana")}
    assert len(at_once) == 1, "they all stand under the first of the two messages"


def test_check_now_typed_tells_of_both_of_their_users(awkward: Run) -> None:
    said = awkward.says(awkward.person("dana"), "check")
    assert all(f"{PASSWORD} ({email}): Mailgun does not show it yet" in said for email in DANAS)


def test_who_leads_the_recovery_is_asked_in_words_of_their_own(awkward: Run) -> None:
    words = awkward.checklist("olivia").words
    assert "You lead this recovery yourself; this is your own part as a user of the account." in words
    assert "Asked by" not in words


def test_who_leads_the_recovery_and_cannot_do_their_part_is_told_so_themselves(awkward: Run) -> None:
    run = awkward
    run.says(run.olivia, "cannot My mailbox is full")
    assert "<@UOLIVIA> (olivia@example.com) says" in run.notice("My mailbox is full").words


# --- Each is settled -------------------------------------------------------------------------------------


def test_who_is_told_by_somebody_else_counts_once_mailgun_shows_it(awkward: Run) -> None:
    run, noah = awkward, "noah@example.com"
    assert f"you tell {noah}" in decided(run, noah, "I tell them myself")
    run.wait("Noah to be off the list", lambda: not is_listed(run, noah))
    run.mailgun.resets_password(noah)
    run.wait("it to count", lambda: "done" in status_of(run, noah))


def test_who_has_left_counts_once_mailgun_lists_them_no_more(awkward: Run) -> None:
    run, sam = awkward, "sam@example.com"
    row(run, sam)
    assert f"Please remove {sam} at Mailgun now" in decided(run, sam, "Has left")
    assert status_of(run, sam) == ["open"]
    run.list_of_strays(f"• {sam}")
    run.mailgun.orders.change(f"users/{sam}", removed=True)
    run.wait("it to be asked no more", lambda: status_of(run, sam) == ["dropped"])


def test_a_bot_is_nobody_to_be_written_to(awkward: Run) -> None:
    run = awkward
    before = run.answers_to(run.olivia)
    run.olivia.chooses(run.list_of_strays(KIOSK), "Who is it in Slack?", "Slackbot", beside=KIOSK)
    assert "not to bots" in run.answer_after(run.olivia, before)
    assert is_listed(run, KIOSK)


def test_who_is_named_is_asked_as_everybody_is(awkward: Run) -> None:
    run = awkward
    before = run.answers_to(run.olivia)
    run.olivia.chooses(run.list_of_strays(KIOSK), "Who is it in Slack?", "Max Meyer", beside=KIOSK)
    assert "is <@UMAX>. The bot writes to them now." in run.answer_after(run.olivia, before)
    assert f"☐ {PASSWORD}" in run.checklist("max").words
    run.wait("the kiosk to be off the list", lambda: not is_listed(run, KIOSK))


def test_nobody_is_missed(awkward: Run) -> None:
    run = awkward
    run.approve(4)
    run.everyone_is_asked(4)
    run.people_do_their_part()
    for step in (3, 4):
        run.wait_status(step, "done")
    run.list_of_strays("Nobody is left here")
    for name in ("dana", "max", "olivia"):
        for message in run.person(name).inbox("checklist"):
            assert f"☑ {TWO_FACTOR}: done" in run.wait(
                f"{name} to be thanked",
                lambda name=name, ts=message.ts: next(
                    (m.words for m in run.person(name).inbox("checklist") if m.ts == ts and "Thank you." in m.words),
                    None,
                ),
            )


def status_of(run: Run, email: str) -> list[str]:
    """How what was asked of somebody stands."""
    rows = run.rows(
        "SELECT o.status FROM obligations o JOIN people p ON p.id = o.person_id"
        f" WHERE p.email = '{email}' ORDER BY o.id"
    )
    return [str(row[0]) for row in rows]
