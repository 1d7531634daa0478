"""Whatever is typed is answered in words, to the one who typed it; and what is not understood changes nothing."""

from collections.abc import Iterator

import pytest

from tests.e2e.handed_over import accepted
from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with recovery_run(tmp_path_factory.mktemp("typed")) as run:
        run.open_incident()
        yield run


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """No incident was ever opened."""
    with recovery_run(tmp_path_factory.mktemp("idle")) as run:
        yield run


CHANGES_NOTHING = {
    "status": "Mailgun account compromised: incident 1",
    "STATUS": "Mailgun account compromised: incident 1",
    "help": "/mailgun-compromised skip <step> <reason>",
    "statsu": "Did you mean status",
    "aprove 1": "Did you mean approve",
    "banana": "is not a command",
    "help me": "takes nothing after it",
    "approve": "Which step",
    "approve 9": "Which step",
    "approve one": "Which step",
    "approve 5": "is not approved",
    "approve 6": "is not approved",
    "skip": "Which step",
    "skip 3": "give a reason",
    "skip 5 too early": "not",
    "retry": "Which step",
    "retry 1": "nothing was changed",
    "retry 1 please": "Nothing goes after the step",
    "reissue": "Which login or domain",
    "reissue nothing@example.com": "goes by that name",
    "reissue all": "",
    "confirm": "Whose",
    "confirm dana@example.com": "Whose",
    "confirm dana@example.com 1": "Whose",
    "confirm dana@example.com 3": "Nobody with that e-mail address",
    "note": "What about",
    "note weather fine": "What about",
    "mine": "Yes or no",
    "mine yes": "no question open",
    "saved": "Which handover",
    "saved 7": "no such handover",
    "check": "Nothing is asked of you",
    "people": "Nobody has been asked for anything yet",
    "people page": "Nobody has been asked for anything yet",
    "people everybody": "takes the number of a page",
    "done": "Nothing is asked of you",
    "done 1": "Which step",
    "later": "Until when",
    "later hour": "Nothing is asked of you",
    "cannot": "What keeps you from it",
    "cannot I have no phone": "Nothing is asked of you",
    "identify dana@example.com": "Which Mailgun user, and who in Slack",
    "identify dana@example.com <@UDANA>": "is <@UDANA> already",
    "identify nobody@example.com <@UDANA>": "Nobody of that name is a user",
    "identify dana@example.com <@USLACKBOT>": "active people of this workspace only",
    "by-hand": "Whom?",
    "by-hand nobody@example.com": "Nobody of that name is a user",
    "has-left nobody@example.com": "Nobody of that name is a user",
    "remind dana@example.com": "cannot be reminded",
    "stop dana@example.com": "give a reason",
    "stop dana@example.com no phone": "has nothing left to do",
    "remind nobody@example.com": "Nobody of that name is a user",
    "stop nobody@example.com no phone": "Nobody of that name is a user",
    "sent": "ticket number",
    "sent 4711": "not settled yet",
    "keep-reminding": "",
    "take-over": "already",
    "cancel": "give a reason",
}


@pytest.mark.parametrize("typed", CHANGES_NOTHING)
def test_it_is_answered_in_words_and_changes_nothing(opened: Run, typed: str) -> None:
    before = opened.state()
    said = opened.says(opened.olivia, typed)
    assert CHANGES_NOTHING[typed] in said
    assert len(said.split()) > 2
    assert opened.state() == before


@pytest.mark.parametrize(
    "typed", ["approve 1", "skip 3 why not", "retry 2", "cancel it", "sent 1", "people", "saved 1"]
)
def test_without_an_incident_it_is_answered_and_changes_nothing(idle: Run, typed: str) -> None:
    before = idle.state()
    assert "no" in idle.says(idle.olivia, typed).lower()
    assert idle.state() == before


@pytest.mark.parametrize("typed", ["banana", "statsu", "oepn", "aprove 1"])
def test_a_single_word_or_a_near_miss_opens_no_incident(idle: Run, typed: str) -> None:
    idle.says(idle.olivia, typed)
    assert idle.state()["incidents"] == []
    assert idle.slack.board() is None


def test_status_without_an_incident_says_how_to_open_one(idle: Run) -> None:
    assert "There is no incident" in idle.says(idle.olivia, "status")


def test_an_answer_is_for_its_sender_alone(opened: Run) -> None:
    opened.says(opened.olivia, "status")
    assert opened.raw_answer(opened.olivia)["response_type"] == "ephemeral"


def test_help_names_everything_that_a_button_does(opened: Run) -> None:
    said = opened.says(opened.olivia, "help")
    for command in (
        "approve",
        "skip",
        "retry",
        "cancel",
        "status",
        "help",
        "reissue",
        "saved",
        "check",
        "sent",
        "note",
    ):
        assert f"/mailgun-compromised {command}" in said


def test_a_pasted_key_is_cut_out_before_anything_is_stored_or_posted(tmp_path_factory: pytest.TempPathFactory) -> None:
    with recovery_run(tmp_path_factory.mktemp("pasted")) as run:
        key = run.mailgun.admin_key
        (sending,) = (k["secret"] for k in run.keys("domain"))
        said = run.says(run.olivia, f"somebody posted {key} and {sending}, password: Tr0ub4dor&3xyz")
        run.wait("the thread", run.thread_is_complete)
        assert "cut out" in said
        assert "change it" in said
        assert "somebody posted" in run.slack.board().words
        bot_said = str([call["body"] for call in accepted(run.slack)])
        for secret in (key, sending, "Tr0ub4dor"):
            assert secret not in bot_said
            assert secret not in run.database_dump()
            assert secret not in run.log_text()


def test_a_key_pasted_into_a_form_is_cut_out_and_its_sender_told(opened: Run) -> None:
    key = opened.mailgun.admin_key
    answered = opened.answers_to(opened.priya)
    opened.press(opened.priya, opened.card(6), "Public repositories checked", f"found {key} in one")
    assert "cut out" in opened.answer_after(opened.priya, answered)
    opened.wait("the note", lambda: "found [removed] in one" in opened.card(6).words)
    assert key not in opened.database_dump()
