"""What happens when something that the bot stands on fails: a clear message, no traceback, and it goes on.

docs/operations.md has the same as a table, under "When something is down".
"""

import os
import resource
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from drill.actors import NotTaken
from drill.process import ROOT
from recovery.secret import Secret
from storage.clock import DatabaseClock
from storage.database import Database
from storage.urls import parsed
from storage.vault import DatabaseVault
from tests.databases import KINDS, drop_connections, empty_url, migrated_url
from tests.e2e.handed_over import handed_over
from tests.e2e.networks import run_through_a_forwarder
from tests.e2e.recovery_run import Run, recovery_run
from tests.forks import forked_command

A_PASSWORD = {"method": "PUT", "contains": "app@mg.example.com"}


# --- A database that goes away and comes back -------------------------------------------------------------


def test_a_postgresql_that_is_away_for_a_moment_costs_nothing_but_that_moment(tmp_path: Path) -> None:
    with run_through_a_forwarder(tmp_path) as (run, forwarder):
        run.open_incident()
        run.mailgun.orders.fault(A_PASSWORD, "hang", when="after", seconds=1)
        run.approve(2)
        run.wait("a password to be set", lambda: run.mailgun.orders.look("faults")["faults"][0]["fired"])
        forwarder.cut()
        with pytest.raises(NotTaken):
            run.approve(1)
        run.wait("the log to say so", lambda: "The database cannot be used at the moment" in run.log_text())
        forwarder.mend()
        it_goes_on(run)


def test_a_postgresql_that_hangs_takes_no_clicks_and_when_it_answers_again_all_goes_on(tmp_path: Path) -> None:
    with run_through_a_forwarder(tmp_path) as (run, forwarder):
        run.open_incident()
        run.approve(2)
        run.wait("a password to be set", lambda: run.changes_at_mailgun())
        forwarder.silence()
        with pytest.raises(NotTaken):
            run.approve(1)
        forwarder.mend()
        it_goes_on(run)


def test_a_postgresql_that_restarts_again_and_again_costs_nothing_but_time(tmp_path: Path) -> None:
    with recovery_run(tmp_path, kind="postgresql") as run:
        run.open_incident()
        run.approve(2)
        for password in range(1, 5):
            run.wait("another password to be set", lambda n=password: len(run.changes_at_mailgun()) >= n)
            drop_connections(run.database_url)
        it_goes_on(run)


def test_while_the_disk_is_full_clicks_are_not_taken_and_with_room_again_it_goes_on(
    begin_run: Callable[..., Run],
) -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux limits the files of a process that runs")
    run = begin_run(LOG_LEVEL="INFO")
    run.open_incident()
    run.mailgun.orders.fault(A_PASSWORD, "hang", when="after", seconds=1)
    run.approve(2)
    run.wait("a password to be set", lambda: run.mailgun.orders.look("faults")["faults"][0]["fired"])
    before = run.state()
    with no_room_in_files(run):
        with pytest.raises(NotTaken):
            run.approve(1)
        run.wait("the log to say so", lambda: "Make room on the disk" in run.log_text())
    assert run.state()["steps"] == before["steps"]
    it_goes_on(run)


def it_goes_on(run: Run) -> None:
    """Step 2 gets done and step 1 can be approved; each password that works was handed over, no secret twice."""
    run.wait_status(2, "done", seconds=40)
    run.complete(1, seconds=40)
    run.wait("no message to be in doubt", lambda: not run.rows("SELECT 1 FROM handovers WHERE status = 'sending'"))
    assert run.handed_passwords() == run.passwords()
    assert set(Counter(sent.secret for sent in handed_over(run.slack)).values()) == {1}
    assert "Traceback" not in run.log_text()
    assert "Traceback" not in str(run.slack.log())


# --- Slack is down, or refuses ---------------------------------------------------------------------------


def test_a_slack_that_cannot_be_reached_at_the_start_is_tried_until_it_can(tmp_path: Path) -> None:
    with recovery_run(tmp_path, start=False) as run:
        for method in ("auth.test", "apps.connections.open"):
            run.slack.orders.fault({"path": method}, "drop", times=2)
        run.bot.start()
        try:
            run.bot.wait_until_connected(run.slack)
            assert "Slack cannot be asked yet: No answer came from Slack to auth.test." in run.log_text()
            assert "No answer came from Slack to apps.connections.open. Trying again in" in run.log_text()
            assert "Traceback" not in run.log_text()
        finally:
            run.bot.kill()


# --- What a start refuses ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everything is there, and the bot was not started."""
    with recovery_run(tmp_path_factory.mktemp("idle"), start=False) as run:
        yield run


def refusal(run: Run, *arguments: str, **changes: str) -> str:
    """What a start with these variables says, on one line, before it exits with 1."""
    return said_on_refusing(run, forked_command(run.bot.environ | changes, *arguments))


def said_on_refusing(run: Run, ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 1, ended.stderr
    said = " ".join((ended.stderr + ended.stdout).split())
    assert "Traceback" not in said
    for secret in (run.mailgun.admin_key, run.slack.workspace.app.bot_token, run.slack.workspace.app.app_token):
        assert secret not in said
    return said


def test_a_bot_token_that_slack_refuses(idle: Run) -> None:
    said = refusal(idle, SLACK_BOT_TOKEN="xoxb-1-1-wrong")
    assert "Slack does not accept the bot's token." in said
    assert "SLACK_BOT_TOKEN" in said


def test_an_app_token_that_slack_refuses(idle: Run) -> None:
    said = refusal(idle, SLACK_APP_TOKEN="xapp-1-AWRONG-1-wrong")
    assert "Slack does not accept SLACK_APP_TOKEN" in said
    assert "connections:write" in said


@pytest.mark.parametrize("command", [(), ("migrate",), ("check",)], ids=["run", "migrate", "check"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_a_newer_version_has_migrated(
    idle: Run, tmp_path: Path, kind: str, command: tuple[str, ...]
) -> None:
    url = migrated_url(kind, tmp_path)
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    said = refusal(idle, *command, DATABASE_URL=url, ENCRYPTION_KEY=Fernet.generate_key().decode())
    assert "A newer version of the bot has worked on this database (its migration 9999;" in said
    assert "Install that version again" in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_another_program_uses(idle: Run, tmp_path: Path, kind: str) -> None:
    url = empty_url(kind, tmp_path)
    execute(url, "CREATE TABLE people (name TEXT)")
    said = refusal(idle, DATABASE_URL=url, ENCRYPTION_KEY=Fernet.generate_key().decode())
    assert "The database could not be migrated, and nothing was changed" in said
    assert "give the bot a database of its own in DATABASE_URL" in said


def test_a_file_that_is_no_database(idle: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("These are our notes about what happened that night.\n" * 100)
    said = refusal(idle, DATABASE_URL=f"sqlite:///{file}")
    assert "file is not a database" in said
    assert "change DATABASE_URL" in said


def test_a_folder_that_is_not_there(idle: Run, tmp_path: Path) -> None:
    said = refusal(idle, DATABASE_URL=f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    assert "No such file or directory" in said


@pytest.mark.parametrize("what", ["the folder", "the database", "the key"])
def test_files_that_the_bot_may_not_write_or_read(idle: Run, tmp_path: Path, what: str) -> None:
    url = migrated_url("sqlite", tmp_path)
    file = Path(url.removeprefix("sqlite:///"))
    key = file.with_name(f"{file.name}.key")
    key.write_text(Fernet.generate_key().decode())
    file.with_name(f"{file.name}.lock").touch()
    target, mode = {"the folder": (tmp_path, 0o500), "the database": (file, 0o400), "the key": (key, 0o000)}[what]
    target.chmod(mode)
    try:
        said = refusal_by_permissions(idle, url)
    finally:
        target.chmod(0o700)
    assert str(tmp_path) in said
    assert "Let the bot's user" in said or "let the bot's user" in said


def test_a_postgresql_that_is_not_there(idle: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://somebody:hunter2@127.0.0.1:{port}/name"
    said = refusal(idle, DATABASE_URL=url, ENCRYPTION_KEY=Fernet.generate_key().decode())
    assert "Connection refused" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("kind", KINDS)
def test_an_encryption_key_that_does_not_open_the_vault(idle: Run, tmp_path: Path, kind: str) -> None:
    url, sealed_with, another = migrated_url(kind, tmp_path), *(Fernet.generate_key().decode() for _ in range(2))
    with Database.open(url) as database, database.write() as tx:
        vault = DatabaseVault(database, [sealed_with], Secret(idle.mailgun.admin_key), DatabaseClock(database))
        vault.keep(tx, Secret("key-of-the-bot"), None, None)
    said = refusal(idle, DATABASE_URL=url, ENCRYPTION_KEY=another)
    assert "No key in ENCRYPTION_KEY opens the vault" in said
    assert "python bot.py key" in said


# --- What it takes ----------------------------------------------------------------------------------------


@contextmanager
def no_room_in_files(run: Run) -> Iterator[None]:
    """The bot's files cannot grow: what it writes beyond their present end fails, as on a full disk."""
    wal = Path(f"{run.database_url.removeprefix('sqlite:///')}-wal")
    unlimited = resource.prlimit(run.bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(run.bot.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(run.bot.pid, resource.RLIMIT_FSIZE, unlimited)


def refusal_by_permissions(run: Run, url: str) -> str:
    """What a start on that database says. Root reads and writes everything, unless that right is taken away."""
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    environ = run.bot.environ | {"DATABASE_URL": url, "PATH": os.environ["PATH"]}
    command = [*prefix, sys.executable, "bot.py"]
    return said_on_refusing(
        run, subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    )


def execute(url: str, statement: str) -> None:
    """Do something to a database behind the bot's back."""
    engine = sa.create_engine(parsed(url))
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
