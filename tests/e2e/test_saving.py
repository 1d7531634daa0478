"""A handover that somebody saves, and one that nobody does: reminded of, wiped, issued anew."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from drill.messages import Message
from tests.e2e.handed_over import Sent, handed_over, handover_posts
from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A handover that its recipient has saved, after somebody else tried to say so."""
    with recovery_run(tmp_path_factory.mktemp("saved")) as run:
        run.open_incident()
        run.complete(2)
        run.wait("the button", lambda: run.olivia.inbox("handover_controls"))
        run.says(run.priya, "saved 1")
        run.save_handovers()
        run.wait("the message to be wiped", lambda: run.rows("SELECT 1 FROM handovers WHERE wiped_at IS NOT NULL"))
        run.wait("the button to go", lambda: not run.olivia.inbox("handover_controls")[0].buttons)
        yield run


def test_only_the_recipient_may_say_that_it_is_saved(saved: Run) -> None:
    assert "Only <@UOLIVIA> can say that" in saved.all_answers(saved.priya)[-1]
    assert len(saved.audit("UOLIVIA saved")) == 1


def test_the_stub_says_how_many_secrets_the_message_carried_and_when(saved: Run) -> None:
    (stub,) = saved.olivia.inbox("handover")
    assert "6 SMTP passwords" in stub.words
    assert "UTC" in stub.words
    assert "saved by <@UOLIVIA>" in stub.words


def test_the_secrets_are_in_no_message_as_slack_shows_it_now(saved: Run) -> None:
    shown = json.dumps([message.blocks for message in saved.olivia.inbox()])
    assert handed_over(saved.slack)
    assert not [sent for sent in handed_over(saved.slack) if sent.secret in shown]


def test_saying_so_again_changes_nothing(saved: Run) -> None:
    before = saved.state()
    assert "Nothing to wipe" in saved.says(saved.olivia, "saved 1")
    assert saved.state() == before


@dataclass
class Unsaved:
    """A run in which nobody saved anything, and what was there at each stage."""

    run: Run
    expired: list[Message]
    board_then: str
    first: dict[tuple[str, str], str]
    second: dict[tuple[str, str], str]
    third: dict[tuple[str, str], str]
    sent: list[Sent]


@pytest.fixture(scope="module")
def unsaved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unsaved]:
    with recovery_run(tmp_path_factory.mktemp("unsaved"), HANDOVER_TTL="3s") as run:
        run.open_incident()
        run.complete(2)
        first = run.passwords()
        run.wait("the handover to be wiped", lambda: run.rows("SELECT 1 FROM handovers WHERE wiped_at IS NOT NULL"))
        controls = run.wait(
            "the offer to issue it anew",
            lambda: [c for c in run.olivia.inbox("handover_controls") if c.button("Issue anew")],
        )[0]
        run.wait("the board to say so", lambda: "Not saved in time" in run.slack.board().words)
        expired, board = run.olivia.inbox(), run.slack.board().words
        run.olivia.clicks(controls, "Issue anew", confirmed=True)
        run.wait("a second handover", lambda: len(handover_posts(run.slack)) == 2)
        run.wait_status(2, "done")
        second = run.passwords()
        run.says(run.priya, "reissue all")
        run.wait("a third handover", lambda: len(handover_posts(run.slack)) == 3)
        run.wait_status(2, "done")
        run.rest()
        yield Unsaved(run, expired, board, first, second, run.passwords(), handed_over(run.slack))


def test_the_recipient_is_reminded_twice(unsaved: Unsaved) -> None:
    assert sum(message.kind == "reminder" for message in unsaved.expired) == 2


def test_what_nobody_saved_is_wiped(unsaved: Unsaved) -> None:
    shown = json.dumps([message.blocks for message in unsaved.expired])
    assert not [secret for secret in unsaved.first.values() if secret in shown]


def test_its_logins_are_listed_as_not_saved(unsaved: Unsaved) -> None:
    (listed,) = [message.words for message in unsaved.expired if "not saved" in message.title.lower()]
    for _, login in unsaved.first:
        assert login in listed


def test_the_board_says_that_it_was_not_saved(unsaved: Unsaved) -> None:
    assert "Not saved in time" in unsaved.board_then


def test_the_stub_says_that_nobody_saved_it(unsaved: Unsaved) -> None:
    (stub,) = [message.words for message in unsaved.expired if message.kind == "handover"]
    assert "6 SMTP passwords" in stub
    assert "Nobody" in stub


def test_issue_anew_sets_every_one_of_them_and_hands_over_the_new_ones(unsaved: Unsaved) -> None:
    assert not set(unsaved.first.values()) & set(unsaved.second.values())
    handed = {sent.secret for sent in unsaved.sent if sent.channel == "DOLIVIA"}
    assert set(unsaved.second.values()) <= handed


def test_an_approver_who_reissues_takes_the_requesters_role_over(unsaved: Unsaved) -> None:
    assert unsaved.run.value("SELECT requester_id FROM incidents") == "UPRIYA"
    assert unsaved.run.audit("UPRIYA took over")


def test_the_new_secrets_go_to_whoever_took_over(unsaved: Unsaved) -> None:
    assert not set(unsaved.second.values()) & set(unsaved.third.values())
    assert {sent.secret for sent in unsaved.sent if sent.channel == "DPRIYA"} == set(unsaved.third.values())


def test_none_of_them_was_sent_twice(unsaved: Unsaved) -> None:
    assert set(Counter(sent.secret for sent in unsaved.sent).values()) == {1}
