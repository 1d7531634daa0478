"""The trail of a real recovery: verified, exported, and what is said once somebody has changed it."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import sqlalchemy as sa
from slack_sdk import WebClient

from drill.messages import Message
from drill.slack.workspaces import BOT, GENERAL, INCIDENT
from recovery.audit import FIRST_HASH, chained
from storage.database import Database
from tests.e2e.recovery_run import Run, recovery_run
from tests.forks import forked_command


@dataclass
class Told:
    """A recovery that has stopped half-way, its trail in the thread and in the audit channel."""

    run: Run
    folder: Path
    entries: int

    @property
    def trail(self) -> list[Message]:
        return self.run.slack.messages(kind="audit")

    @property
    def client(self) -> WebClient:
        """Slack, for whoever holds the bot's token."""
        return WebClient(self.run.slack.workspace.app.bot_token, base_url=f"{self.run.slack.url}/api/")

    def audit(self, *words: str, **changes: str) -> CompletedProcess[str]:
        return forked_command(self.run.bot.environ | changes, "audit", *words)

    def copy(self) -> Path:
        """The database in a file of its own, to be tampered with."""
        number = len(list(self.folder.glob("copy-*.db")))
        path = self.folder / f"copy-{number}.db"
        source, target = (sqlite3.connect(p) for p in (self.run.database_url.removeprefix("sqlite:///"), path))
        source.backup(target)
        source.close()
        target.close()
        return path

    @contextmanager
    def restored(self, message: Message) -> Iterator[None]:
        """Whatever is done to the message is undone afterwards, without a mark."""
        kept = self.run.slack.workspace.message(message.channel, message.ts)
        assert kept is not None
        before = (kept.text, kept.blocks, kept.metadata)
        yield
        (kept.text, kept.blocks, kept.metadata), kept.edited_ts, kept.deleted = before, None, False


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("audit")
    with recovery_run(folder, AUDIT_CHANNEL=GENERAL, start=False) as run:
        run.let_in("olivia", channel=GENERAL)
        members = [*run.slack.workspace.channels[GENERAL].members, BOT]
        run.slack.orders.change(f"channels/{GENERAL}", members=members)
        run.bot.start()
        run.bot.wait_until_connected(run.slack)
        run.open_incident()
        run.complete(2)
        run.approve(4)
        run.everyone_is_asked(4)
        run.says(run.priya, "export json")
        run.wait("the file", lambda: [m for m in run.slack.messages() if m.files])
        run.wait("it to be recorded", lambda: run.audit("exported the trail"))
        run.skip(6)
        run.wait(
            "the trail to be everywhere",
            lambda: run.value("SELECT 2 * audit_count - audit_posted - audit_mirrored FROM incidents") == 0,
        )
        run.rest()
        yield Told(run, folder, int(str(run.value("SELECT audit_count FROM incidents"))))


# --- Nobody touched it ------------------------------------------------------------------------------------------


def test_a_trail_that_nobody_touched_is_fine_on_every_side(told: Told) -> None:
    found = told.audit("verify")

    assert (found.returncode, found.stdout.count("agree with it")) == (0, 2), found.stdout
    assert f"the chain of {told.entries} entries in the database is intact" in found.stdout


def test_an_approver_gets_the_trail_into_the_thread_without_private_names(told: Told) -> None:
    (message,) = [message for message in told.run.slack.messages() if message.files]
    (upload,) = [entry for entry in told.run.slack.log() if entry.get("method") == "upload"]
    document = json.loads(upload["body"]["content"])

    board = told.run.slack.board()
    assert board is not None
    assert message.thread_ts == board.ts
    assert document["incident"]["opened_by"]["name"] == "olivia"
    assert "told a person" in upload["body"]["content"]
    assert "@example.com" not in json.dumps([entry for entry in document["entries"] if entry["private"]])
    (recorded,) = told.run.audit("exported the trail")
    assert recorded.startswith(told.run.priya.id)


def test_the_export_on_the_command_line_is_whole_and_without_a_secret(told: Told) -> None:
    found = told.audit("export", "--format", "csv")
    rows = list(csv.reader(io.StringIO(found.stdout)))
    table = rows[rows.index([]) + 1 :]

    assert found.returncode == 0, found.stderr
    assert [row[0] for row in table[1:]] == [str(number) for number in range(1, told.entries + 1)]
    assert "dana@example.com" in found.stdout
    assert "intact in the database" in found.stdout
    assert not [secret for secret in told.run.secrets() if secret in found.stdout]


def test_without_slack_the_export_has_ids_alone_and_the_chain_is_verified_still(told: Told) -> None:
    nowhere = {"SLACK_API_URL": "http://127.0.0.1:9/api/"}
    exported = told.audit("export", "--format", "md", **nowhere)
    verified = told.audit("verify", **nowhere)

    assert exported.returncode == 0, exported.stderr
    assert "| UOLIVIA | opened the incident |" in exported.stdout
    assert verified.returncode == 2
    assert "is intact" in verified.stdout
    assert "the thread could not be read" in verified.stdout


def test_an_incident_that_is_not_there_is_no_traceback(told: Told) -> None:
    found = told.audit("verify", "--incident", "99")

    assert (found.returncode, found.stderr.strip().splitlines()[-1]) == (2, "There is no incident 99.")


# --- Somebody changes the database ------------------------------------------------------------------------------


def test_a_chain_that_was_rewritten_from_an_entry_on_is_named_by_that_entry(told: Told) -> None:
    path = told.copy()
    rewrite(f"sqlite:///{path}", 3)
    found = told.audit("verify", DATABASE_URL=f"sqlite:///{path}")

    assert found.returncode == 1
    first = found.stdout.splitlines()[0]
    assert "Entry 3 has another hash in the thread than in the database" in first
    assert "most likely the database's side was changed" in first


def test_entries_that_were_removed_at_the_end_are_missed(told: Told) -> None:
    path = told.copy()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM audit_entries WHERE number = ?", (told.entries,))
        gone = told.entries - 1
        connection.execute("UPDATE incidents SET audit_count = ?, audit_posted = ?", (gone, gone))
    found = told.audit("verify", DATABASE_URL=f"sqlite:///{path}")

    assert found.returncode == 1
    assert f"Entry {told.entries} is in the thread and not in the database" in found.stdout


# --- Somebody changes the thread --------------------------------------------------------------------------------


def test_a_message_that_was_deleted_is_missed(told: Told) -> None:
    message = told.trail[1]
    with told.restored(message):
        told.client.chat_delete(channel=INCIDENT, ts=message.ts)
        found = told.audit("verify")

    assert found.returncode == 1
    number = numbers(told, message)[0]
    assert f"Entry {number} is in the database and was posted, but is not in the thread" in found.stdout


def test_a_message_whose_words_were_edited_is_named(told: Told) -> None:
    message = told.trail[1]
    with told.restored(message):
        blocks = json.loads(json.dumps(message.blocks))
        blocks[0]["elements"][0]["text"] += " as agreed"
        told.client.chat_update(channel=INCIDENT, ts=message.ts, text="edited", blocks=blocks)
        found = told.audit("verify")

    assert found.returncode == 1
    assert "reads otherwise in the thread than in the database" in found.stdout
    assert "Edited after it was posted" in found.stdout


def test_a_hash_that_was_edited_is_the_threads_fault(told: Told) -> None:
    message = told.trail[0]
    with told.restored(message):
        kept = told.run.slack.workspace.message(INCIDENT, message.ts)
        assert kept is not None and kept.metadata is not None
        metadata = json.loads(json.dumps(kept.metadata))
        metadata["event_payload"]["hashes"][0] = "f" * 64
        told.client.chat_update(
            channel=INCIDENT, ts=message.ts, text=message.text, blocks=list(message.blocks), metadata=metadata
        )
        found = told.audit("verify")

    assert found.returncode == 1
    says = "Entry 1 has another hash in the thread than in the database: the side of the thread was changed"
    assert says in found.stdout


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def test_on_postgresql_a_change_is_named_as_well(tmp_path: Path) -> None:
    with recovery_run(tmp_path, kind="postgresql") as run:
        run.open_incident()
        run.skip(6)
        run.wait("the trail", lambda: run.value("SELECT audit_count - audit_posted FROM incidents") == 0)
        run.rest()
        told = Told(run, tmp_path, 0)
        assert told.audit("verify").returncode == 0
        rewrite(run.database_url, 2)
        found = told.audit("verify")

    assert found.returncode == 1
    assert "Entry 2 has another hash in the thread than in the database" in found.stdout


def numbers(told: Told, message: Message) -> list[int]:
    """The numbers of the entries in a message."""
    kept = told.run.slack.workspace.message(message.channel, message.ts)
    assert kept is not None and kept.metadata is not None
    payload = kept.metadata["event_payload"]
    return list(range(payload["first"], payload["last"] + 1))


def rewrite(url: str, number: int) -> None:
    """Change an entry's words, and make every hash from there on anew, as somebody with the database would."""
    with Database.open(url) as database, database.read() as tx:
        incident = tx.incidents.latest()
        assert incident is not None
        entries = tx.audit.entries(incident.id)
    previous, changes = FIRST_HASH, []
    for entry in entries:
        facts = replace(entry.facts, result="as agreed") if entry.number == number else entry.facts
        again = chained(entry.incident_id, entry.number, entry.at, facts, previous)
        changes.append({"result": facts.result, "previous": previous, "hash": again.hash, "number": entry.number})
        previous = again.hash
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    change = "UPDATE audit_entries SET result = :result, previous = :previous, hash = :hash WHERE number = :number"
    with engine.begin() as connection:
        connection.execute(sa.text(change), changes)
