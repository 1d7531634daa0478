"""The process and its command line: how it starts, ends, refuses, and what `check`, `key` and the others say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from drill.process import BotProcess, run_command
from recovery.secret import Secret
from storage.clock import DatabaseClock
from storage.database import Database
from storage.vault import DatabaseVault
from tests.databases import KINDS, migrated_url
from tests.e2e.recovery_run import Run, recovery_run, seconds_of
from tests.e2e.terminal import typed_key
from tests.forks import forked_command

PROCESS = BotProcess
"""The shipped command, for how it starts and ends is a part of what is looked at here."""

WRONG_KEY = "0123456789abcdef0123456789abcdef-01234567-89abcdef"


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Run]:
    """Everything is there, and the bot was not started."""
    with recovery_run(tmp_path, start=False) as run:
        yield run


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The same, for commands that change nothing."""
    with recovery_run(tmp_path_factory.mktemp("commands"), start=False) as run:
        yield run


# --- Ending ---------------------------------------------------------------------------------------------


def test_sigterm_ends_it_within_ten_seconds_with_status_0(opened: Run) -> None:
    assert seconds_of(lambda: ended(opened)) < 10


def test_what_sigterm_interrupted_is_finished_after_a_restart(opened: Run) -> None:
    opened.slack.orders.fault({"path": "chat.postMessage", "contains": "Save these now"}, "429", seconds=3)
    opened.approve(2)
    opened.wait("the passwords to be set", lambda: len(opened.changes_at_mailgun()) == 6)
    ended(opened)
    opened.restart()
    opened.wait_status(2, "done")
    assert opened.handed_passwords() == opened.passwords()


def ended(run: Run) -> None:
    assert run.bot.stop() == 0, run.bot.log_end()


# --- Starting ---------------------------------------------------------------------------------------------


def test_a_second_process_on_the_same_sqlite_file_refuses_with_a_sentence(run: Run) -> None:
    second = run_command(run.bot.environ)
    assert second.returncode == 1
    assert "Traceback" not in second.stderr
    assert len(second.stderr.split()) > 5
    run.bot.check()


def test_missing_variables_are_all_named_in_one_message() -> None:
    bare = run_command({})
    assert bare.returncode == 2
    for variable in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "MAILGUN_API_KEY"):
        assert variable in bare.stderr
    assert "Traceback" not in bare.stderr


def test_malformed_variables_are_all_named_and_no_secret_is_shown(company: Run) -> None:
    wrong = {"SLACK_BOT_TOKEN": "xapp-not-a-bot-token", "REMIND_EVERY": "often", "APPROVERS": "olivia", "LEASE": "1s"}
    bare = run_command(company.bot.environ | wrong)
    assert bare.returncode == 2
    for variable in wrong:
        assert variable in bare.stderr
    assert "xapp-not-a-bot-token" not in bare.stderr
    assert company.mailgun.admin_key not in bare.stderr


def test_a_disk_that_is_thrown_away_is_refused(company: Run) -> None:
    refused = run_command(company.bot.environ | {"DYNO": "worker.1"})
    assert refused.returncode == 2
    assert "DATABASE_URL" in refused.stderr


# --- migrate and manifest ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_migrate_may_be_repeated(tmp_path: Path, kind: str) -> None:
    with recovery_run(tmp_path, kind=kind, start=False) as run:
        for _ in range(2):
            migrated = forked_command(run.bot.environ, "migrate")
            assert migrated.returncode == 0, migrated.stderr
            assert "up to date" in migrated.stdout


def test_the_manifest_is_json_with_all_that_the_app_needs() -> None:
    printed = run_command({}, "manifest")
    manifest = json.loads(printed.stdout)
    assert printed.returncode == 0
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
    assert manifest["features"]["app_home"]["home_tab_enabled"] is False
    assert [c["command"] for c in manifest["features"]["slash_commands"]] == ["/mailgun-compromised"]
    assert "im:write" in manifest["oauth_config"]["scopes"]["bot"]
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


# --- check --------------------------------------------------------------------------------------------------


def check(run: Run, *arguments: str, **changes: str) -> tuple[int, str]:
    """The status, and all the words on one line."""
    done = forked_command(run.bot.environ | changes, "check", *arguments)
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join(done.stdout.split())


def test_check_says_that_all_is_fine(company: Run) -> None:
    status, said = check(company)
    assert status == 0, said
    for what in ("Settings", "Database", "Slack token", "Slack scopes", "Mailgun key", "region US", "region EU"):
        assert f"fine {what}" in said or what in said
    assert "not yet" not in said


def test_check_changes_nothing_at_mailgun(company: Run) -> None:
    check(company)
    assert company.changes_at_mailgun() == []


def test_check_sends_a_test_message_to_whom_it_is_told(company: Run) -> None:
    status, said = check(company, "--to", "UDANA")
    assert status == 0, said
    assert "test message" in company.person("dana").inbox()[-1].words


def test_check_names_a_wrong_mailgun_key_and_what_to_do(company: Run) -> None:
    status, said = check(company, MAILGUN_API_KEY=WRONG_KEY)
    assert status == 1
    assert "not yet Mailgun key" in said
    assert "python bot.py key" in said
    assert WRONG_KEY not in said


def test_check_names_a_sending_key_as_not_enough(company: Run) -> None:
    (sending,) = company.keys("domain")
    status, said = check(company, MAILGUN_API_KEY=sending["secret"])
    assert status == 1
    assert "not yet Mailgun key" in said


def test_check_names_a_missing_scope_and_what_to_do(company: Run) -> None:
    scopes = company.slack.workspace.app.scopes
    scopes.remove("im:write")
    try:
        status, said = check(company)
    finally:
        scopes.add("im:write")
    assert status == 1
    assert "im:write" in said
    assert "python bot.py manifest" in said


def test_check_names_a_messages_tab_that_is_off_and_what_to_do(company: Run) -> None:
    company.slack.workspace.app.messages_tab_enabled = False
    try:
        status, said = check(company, "--to", "UDANA")
    finally:
        company.slack.workspace.app.messages_tab_enabled = True
    assert status == 1
    assert "messages" in said.lower()
    assert "python bot.py manifest" in said


def test_check_says_that_the_database_is_not_migrated(company: Run, tmp_path: Path) -> None:
    status, said = check(company, DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    assert status == 1
    assert "python bot.py migrate" in said


def no_database(folder: Path) -> dict[str, str]:
    """Databases that are not fine, by what is wrong with them."""
    return {
        "not migrated": f"sqlite:///{folder / 'new.db'}",
        "no such folder": f"sqlite:///{folder / 'no' / 'such' / 'folder.db'}",
        "no server": "postgresql://u:hunter2@127.0.0.1:1/name",
    }


@pytest.mark.parametrize("trouble", no_database(Path()))
def test_check_looks_at_mailgun_though_the_database_is_not_fine(company: Run, tmp_path: Path, trouble: str) -> None:
    encryption_key = Fernet.generate_key().decode()
    status, said = check(company, DATABASE_URL=no_database(tmp_path)[trouble], ENCRYPTION_KEY=encryption_key)
    assert status == 1
    assert "not yet Database" in said
    assert "asked with MAILGUN_API_KEY" in said
    assert "fine Mailgun key" in said
    assert "fine Mailgun region EU" in said
    assert "hunter2" not in said


def test_check_looks_at_mailgun_though_the_vault_cannot_be_opened(company: Run, tmp_path: Path) -> None:
    url, (sealed_with, another) = migrated_url("sqlite", tmp_path), (Fernet.generate_key().decode() for _ in "12")
    with Database.open(url) as database, database.write() as tx:
        vault = DatabaseVault(database, [sealed_with], Secret("key-environment"), DatabaseClock(database))
        vault.keep(tx, Secret("key-of-the-bot"), None, None)
    status, said = check(company, DATABASE_URL=url, ENCRYPTION_KEY=another)
    assert status == 1
    assert "not yet Vault" in said
    assert "asked with MAILGUN_API_KEY" in said
    assert "fine Mailgun key" in said


def test_check_says_that_slack_failed_when_its_scopes_were_asked_for(company: Run) -> None:
    company.slack.orders.fault({"path": "auth.test"}, "500", occurrence=2)
    status, said = check(company)
    assert status == 1
    assert "fine Slack token" in said
    assert "not yet Slack scopes" in said
    assert "fine Mailgun key" in said


# --- key ----------------------------------------------------------------------------------------------------


def test_a_key_that_works_is_stored_and_never_echoed(idle: Run) -> None:
    fresh = idle.mailgun.orders.give("keys", kind="user", role="admin", description="Fresh")
    status, shown = typed_key(idle, fresh["secret"])
    assert status == 0, shown
    assert "in the vault" in shown
    assert fresh["secret"] not in shown
    assert fresh["secret"] not in idle.database_dump()


def test_a_stored_key_is_the_one_that_the_bot_works_with(idle: Run) -> None:
    fresh = idle.mailgun.orders.give("keys", kind="user", role="admin", description="Fresh")
    typed_key(idle, fresh["secret"])
    seen = len(idle.mailgun.calls())
    assert check(idle)[0] == 0
    assert {call["key_id"] for call in idle.mailgun.calls()[seen:]} == {fresh["id"]}


@pytest.mark.parametrize("what", ["wrong", "sending", "empty"])
def test_a_key_that_does_not_do_is_refused_and_never_echoed(idle: Run, what: str) -> None:
    sending = idle.keys("domain")[0]["secret"]
    key = {"wrong": WRONG_KEY, "sending": sending, "empty": ""}[what]
    status, shown = typed_key(idle, key)
    assert status == 1
    assert "Traceback" not in shown
    assert "is in the vault" not in shown
    assert not key or key not in shown
    assert idle.value("SELECT count(*) FROM vault_keys") == 0
