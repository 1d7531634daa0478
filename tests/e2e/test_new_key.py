"""A dead key, and the form for a fresh one: over the real process, no key is left anywhere but sealed in the vault."""

import json
from collections.abc import Iterator

import pytest

from drill.actors import NotTaken
from tests.e2e.recovery_run import Run, recovery_run

NO_KEY = "two words, and no key"
BUTTON = "Give the bot a new key"
FORM = "A new key for the bot"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The bot's key dies; a malformed one, a dead one, one of somebody who may not, and a fresh one are entered."""
    with recovery_run(tmp_path_factory.mktemp("new-key")) as run:
        run.open_incident()
        run.mailgun.deletes_keys(description="Backend")
        run.approve(2)
        run.wait_status(2, "needs attention")
        form = run.form_after(run.priya, run.card(2), BUTTON)
        with pytest.raises(NotTaken, match="space or another character"):
            run.priya.submits(form, NO_KEY)
        before = run.answers_to(run.priya)
        run.priya.submits(form, run.mailgun.admin_key)
        assert "That key was not taken" in run.answer_after(run.priya, before)

        fresh = run.mailgun.makes_key("For the bot", kind="user", role="admin")
        stranger = run.person("max")
        before = run.answers_to(stranger)
        run.press(stranger, run.card(2), BUTTON, fresh)
        assert "Nothing was changed" in run.answer_after(stranger, before)

        before = run.answers_to(run.priya)
        run.press(run.priya, run.card(2), BUTTON, fresh)
        assert "The key works and is in the vault" in run.answer_after(run.priya, before)
        run.wait_status(2, "done")
        yield run


def test_what_was_refused_went_on_by_itself(given: Run) -> None:
    assert given.passwords() == given.handed_passwords()
    assert len(given.audit("gave the bot a new key")) == 1


def test_no_key_that_was_entered_is_in_the_database_or_the_log(given: Run) -> None:
    kept = given.database_dump() + given.log_text()
    assert not [secret for secret in (*given.secrets(), NO_KEY) if secret in kept]


def test_the_bot_said_no_key_to_slack(given: Run) -> None:
    said = [entry for entry in given.slack.log() if entry["kind"] == "call" and "handover" not in json.dumps(entry)]
    keys = [str(key["secret"]) for key in given.mailgun.state()["keys"]]
    assert not [key for key in keys if key in json.dumps(said)]


def test_the_stored_requests_carry_no_sealed_key_any_more(given: Run) -> None:
    about = [str(row) for row in given.rows("SELECT about FROM requests WHERE action = 'give_key'")]
    assert len(about) == 3 and not [row for row in about if "sealed" in row]


def test_what_was_no_key_was_not_stored_at_all(given: Run) -> None:
    assert given.value("SELECT count(*) FROM requests WHERE action = 'give_key' AND outcome IS NULL") == 0


def test_the_form_says_what_the_key_is_for(given: Run) -> None:
    opened = [entry for entry in given.slack.log() if entry.get("method") == "views.open"]
    assert FORM in json.dumps(opened) and "made for the bot alone" in json.dumps(opened)
