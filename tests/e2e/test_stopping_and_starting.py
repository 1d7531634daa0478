"""SIGTERM ends the bot within ten seconds whatever hangs, and sends nothing twice; a start takes up what was left."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drill.process import BotProcess
from tests.databases import KINDS
from tests.e2e.handed_over import handed_over
from tests.e2e.networks import run_through_a_forwarder
from tests.e2e.recovery_run import Run, recovery_run, seconds_of

PROCESS = BotProcess
"""The shipped command, for how it starts and ends is a part of what is looked at here."""

PATIENT = {"HTTP_TIMEOUT": "30s", "LEASE": "40s"}
"""Calls that hang do so for longer than a process has after SIGTERM."""

A_PASSWORD = {"method": "PUT", "contains": "app@mg.example.com"}
MAILGUN, SLACK = "mailgun", "slack"
HANGS = {
    "a password was set": (MAILGUN, "after", A_PASSWORD),
    "a handover is sent": (SLACK, "before", {"path": "chat.postMessage", "contains": "Save these now"}),
    "a handover was sent": (SLACK, "after", {"path": "chat.postMessage", "contains": "Save these now"}),
}
"""Calls that do not return: the server has not applied them, or has."""


# --- Stopping -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hang", HANGS)
def test_stopped_in_a_call_that_hangs_it_ends_in_time_and_a_restart_sends_nothing_twice(
    begin_run: Callable[..., Run], hang: str
) -> None:
    server, when, match = HANGS[hang]
    run = begin_run(**PATIENT)
    run.open_incident()
    orders = (run.mailgun if server == MAILGUN else run.slack).orders
    orders.fault(match, "hang", when=when)
    run.approve(2)
    run.wait("the call to hang", lambda: orders.look("faults")["faults"][0]["fired"])
    ends_in_time(run)

    run.restart(HTTP_TIMEOUT="3s", LEASE="8s")
    run.wait_status(2, "done")
    run.wait("no message to be in doubt", lambda: not run.rows("SELECT 1 FROM handovers WHERE status = 'sending'"))
    assert run.handed_passwords() == run.passwords()
    assert set(Counter(sent.secret for sent in handed_over(run.slack)).values()) == {1}


def test_stopped_while_a_message_to_the_thread_hangs_it_is_posted_once(begin_run: Callable[..., Run]) -> None:
    run = begin_run(**PATIENT)
    run.slack.orders.fault({"path": "chat.postMessage"}, "hang", when="after", occurrence=3)
    run.olivia.types("/mailgun-compromised our key is out")
    run.wait("a post to hang", lambda: run.slack.orders.look("faults")["faults"][0]["fired"])
    ends_in_time(run)

    run.restart(HTTP_TIMEOUT="3s", LEASE="8s")
    run.wait("the board and all the cards", run.thread_is_complete)
    titles = Counter(card.title.partition(".")[0] for card in run.slack.messages(kind="step"))
    assert set(titles.values()) == {1}
    assert len(run.slack.messages(kind="board")) == 1


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_stopped_while_it_waits_for_slack_at_the_start_it_ends_in_time(tmp_path: Path, method: str) -> None:
    with recovery_run(tmp_path, start=False, **PATIENT, process=PROCESS) as run:
        run.slack.orders.fault({"path": method}, "hang")
        run.bot.start()
        run.wait("the call to hang", lambda: run.slack.orders.look("faults")["faults"][0]["fired"])
        ends_in_time(run)


def test_stopped_while_postgresql_is_silent_it_ends_in_time_and_a_restart_finishes(tmp_path: Path) -> None:
    with run_through_a_forwarder(tmp_path) as (run, forwarder):
        run.open_incident()
        run.mailgun.orders.fault(A_PASSWORD, "hang", when="after", seconds=1)
        run.approve(2)
        run.wait("a call to hang", lambda: run.mailgun.orders.look("faults")["faults"][0]["fired"])
        forwarder.silence()
        ends_in_time(run)

        forwarder.mend()
        run.restart()
        run.wait_status(2, "done")
        assert run.handed_passwords() == run.passwords()
        assert set(Counter(sent.secret for sent in handed_over(run.slack)).values()) == {1}


def test_stopped_while_another_program_has_the_sqlite_file_it_ends_in_time(run: Run) -> None:
    with closing(sqlite3.connect(run.database_url.removeprefix("sqlite:///"), isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        ends_in_time(run)


def ends_in_time(run: Run) -> None:
    """SIGTERM, and it is gone within ten seconds, with status 0 and no traceback."""
    statuses: list[int] = []
    assert seconds_of(lambda: statuses.append(run.bot.stop())) < 10
    assert statuses == [0], run.bot.log_end()
    assert "Traceback" not in run.log_text()


# --- Starting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_kill_unfinished_work_is_taken_up_within_two_seconds_of_slacks_hello(
    begin_run: Callable[..., Run], kind: str
) -> None:
    run = begin_run(kind=kind, LEASE="30s")
    run.open_incident()
    run.dies_at(run.mailgun, "before", A_PASSWORD)
    run.approve(2)
    run.wait_gone()
    entries = len(run.slack.log())
    run.mailgun.orders.fault(A_PASSWORD, "hang", seconds=2)
    run.restart()
    run.wait("the work to go on", lambda: run.mailgun.orders.look("faults")["faults"][1]["fired"])
    (until,) = run.rows("SELECT lease_until FROM tasks WHERE status = 'running' AND subject LIKE '%app@mg.example.com'")
    claimed = moment(until[0]) - 30
    calls = [entry for entry in run.slack.log()[entries:] if entry.get("method") == "apps.connections.open"]
    # The hello follows the asking for a socket. Usually the claim comes first: it does not wait for Slack.
    assert claimed - calls[0]["at"] < 2
    run.wait_status(2, "done")


def moment(stored: object) -> float:
    """A time as either database gives it, in seconds since 1970."""
    at = datetime.fromisoformat(str(stored))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def test_work_is_taken_up_though_slack_gives_no_socket(begin_run: Callable[..., Run]) -> None:
    run = begin_run()
    run.open_incident()
    run.dies_at(run.mailgun, "before", A_PASSWORD)
    run.approve(2)
    run.wait_gone()
    run.slack.orders.fault({"path": "apps.connections.open"}, "500", times=1000)
    run.bot.start()
    run.wait("step 2 to be done", lambda: run.value("SELECT status FROM steps WHERE number = 2") == "done")
    assert run.slack.connections() == 0
    assert run.handed_passwords() == run.passwords()
