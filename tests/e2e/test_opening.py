"""Where and by whom an incident is opened, and what everybody else is told."""

import json
from collections.abc import Iterator

import pytest

from drill.actors import COMMAND
from drill.slack.workspaces import GENERAL, PARTNERS
from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An incident that Olivia has opened with the command alone."""
    with recovery_run(tmp_path_factory.mktemp("opened")) as run:
        run.open_incident("")
        yield run


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """No incident; whatever is tried here opens none."""
    with recovery_run(tmp_path_factory.mktemp("quiet")) as run:
        yield run


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Dana, who may not start one, has reported it with awkward words, and Priya has pressed Start."""
    with recovery_run(tmp_path_factory.mktemp("started")) as run:
        run.says(run.person("dana"), "<!channel> the key & more <b>bold</b>")
        report = run.wait("the report", lambda: run.slack.messages(kind="report"))[0]
        run.priya.clicks(report, "Start", confirmed=True)
        run.wait("the thread", run.thread_is_complete)
        yield run


def test_a_second_command_is_answered_with_a_link_to_the_open_incident(opened: Run) -> None:
    before = opened.state()
    assert "open already" in opened.says(opened.priya, "they are in again and again")
    permalink = opened.value("SELECT permalink FROM incidents")
    assert str(permalink) in json.dumps(opened.raw_answer(opened.priya)["blocks"])
    assert opened.state() == before


def test_the_command_alone_opens_an_incident(opened: Run) -> None:
    assert "incident 1" in opened.slack.board().title


def test_each_card_says_what_it_will_touch_and_who_receives_the_secrets(opened: Run) -> None:
    assert "1 account key and 1 domain sending key" in opened.card(1).words
    assert "1 control panel session" in opened.card(1).words
    assert "6 SMTP logins" in opened.card(2).words
    for step in (1, 2):
        assert "<@UOLIVIA>" in opened.card(step).words
        assert "Breaks" in opened.card(step).words
    assert "an old key could undo this" in opened.card(2).words


def test_a_destructive_step_asks_once_more_before_it_is_approved(opened: Run) -> None:
    for step in (1, 2):
        block = next(b for b in opened.card(step).blocks if b["type"] == "actions")
        approve = next(e for e in block["elements"] if e["text"]["text"] == "Approve")
        assert approve["confirm"]["text"]["text"]


def test_who_may_not_start_one_is_told_privately_and_the_channel_hears_of_it(quiet: Run) -> None:
    dana = quiet.person("dana")
    said = quiet.says(dana, "our key is on a forum")
    assert "not among those who may start" in said
    report = quiet.wait("the report", lambda: quiet.slack.messages(kind="report"))[0]
    assert "<@UDANA> reports" in report.words
    assert "our key is on a forum" in report.words
    assert quiet.state()["incidents"] == []


def test_a_plain_member_who_presses_start_is_refused(quiet: Run) -> None:
    quiet.says(quiet.person("dana"), "our key is on a forum")
    report = quiet.wait("the report", lambda: quiet.slack.messages(kind="report"))[0]
    max_ = quiet.person("max")
    quiet.clicked(max_, report, "Start")
    assert "not among those who may start" in "".join(quiet.all_answers(max_))
    assert quiet.state()["incidents"] == []


def test_an_approver_who_presses_start_is_the_requester(started: Run) -> None:
    assert started.value("SELECT requester_id FROM incidents") == "UPRIYA"
    started.complete(2)
    assert started.priya.inbox("handover")
    assert not started.olivia.inbox("handover")


def test_the_words_of_the_report_are_the_description(started: Run) -> None:
    assert "the key & more" in started.slack.board().words


def test_words_like_a_mention_page_nobody(started: Run) -> None:
    said = json.dumps([message.blocks for message in started.slack.messages()])
    assert "<!channel>" not in said
    assert "&lt;!channel&gt; the key &amp; more" in said


def test_a_bot_that_is_not_in_the_channel_says_so_and_what_to_do(quiet: Run) -> None:
    said = quiet.says(quiet.olivia, "our key is on a forum", GENERAL)
    assert "not in" in said
    assert "/invite" in said
    assert quiet.state()["incidents"] == []
    assert quiet.slack.messages(GENERAL) == []


def test_in_a_channel_shared_with_another_organisation_it_declines_and_says_where_to_go(quiet: Run) -> None:
    said = quiet.says(quiet.olivia, "our key is on a forum", PARTNERS)
    assert "another organisation" in said
    assert "channel of your own workspace" in said
    assert "/invite" in said
    assert quiet.state()["incidents"] == []
    assert quiet.slack.messages(PARTNERS) == []


def test_a_member_of_another_workspace_opens_nothing(quiet: Run) -> None:
    rita = quiet.person("rita")
    rita.types(f"{COMMAND} let me in please now", PARTNERS)
    quiet.answer_after(rita, 0)
    assert quiet.state()["incidents"] == []


def test_an_incident_that_is_over_can_be_followed_by_another(opened: Run) -> None:
    opened.says(opened.olivia, "cancel a false alarm")
    opened.wait("its end", lambda: opened.value("SELECT status FROM incidents") == "cancelled")
    opened.open_incident("and now for real this time")
    assert "incident 2" in opened.slack.board().title
