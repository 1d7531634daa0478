"""HTTP mode and `/healthz`, on the real process: a recovery, stopping, starting, ports, and how it says it is."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from drill.process import BotProcess
from tests.databases import borrowed_url
from tests.e2e.recovery_run import Run, recovery_run, seconds_of
from tests.forks import forked_command
from tests.forwarder import forwarded

PROCESS = BotProcess
"""Of the bots that are told to stop: how `python bot.py` ends is a part of what is looked at."""

HTTP = {"SLACK_APP_TOKEN": ""}
"""What makes it HTTP mode: `bot_environ` sets the signing secret in any case."""

UP = {"status": "up", "database": "up", "slack": "up", "workers": "up"}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A bot in HTTP mode, with an incident."""
    with recovery_run(tmp_path_factory.mktemp("http"), **HTTP) as run:
        run.open_incident()
        yield run


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Run]:
    """Everything is there, and the bot was not started."""
    with recovery_run(tmp_path, start=False, **HTTP) as run:
        yield run


# --- A recovery -------------------------------------------------------------------------------------------


def test_slack_has_no_socket_of_it(serving: Run) -> None:
    assert serving.slack.connections() == 0
    assert serving.bot.health() == (200, UP)


def test_a_step_is_approved_handed_over_and_saved(serving: Run) -> None:
    serving.approve(2)
    serving.wait("the handover", lambda: serving.olivia.inbox("handover_controls"))
    serving.wait_status(2, "done")
    serving.save_handovers()
    serving.wait(
        "the handover to be saved", lambda: serving.value("SELECT status FROM handovers ORDER BY id") == "saved"
    )
    assert serving.handed_passwords() == serving.passwords()


def test_a_form_opens_and_is_taken(serving: Run) -> None:
    serving.press(serving.priya, serving.card(4), "skip", "All of them have it")
    serving.wait_status(4, "skipped")
    assert "All of them have it" in serving.card(4).words


def test_fifty_people_at_once_are_all_acknowledged(serving: Run) -> None:
    card = serving.card(1)
    with ThreadPoolExecutor(50) as people:
        # A person's own click raises where it is not acknowledged within three seconds.
        list(people.map(lambda _: serving.person("dana").clicks(card, "approve", confirmed=True), range(50)))
    slowest = max(event["ack_ms"] for event in serving.slack.log() if event["kind"] == "event")
    assert slowest < 3000
    assert serving.bot.health()[0] == 200


# --- Stopping ---------------------------------------------------------------------------------------------


def test_sigterm_ends_it_in_time_and_acknowledges_what_is_being_taken(begin_run: Callable[..., Run]) -> None:
    run = begin_run(**HTTP)
    run.open_incident()
    card = run.card(1)
    # The form does not open: after two seconds the click is stored instead, which is then acknowledged.
    run.slack.orders.fault({"path": "views.open"}, "hang")
    with ThreadPoolExecutor(1) as hand:
        clicking = hand.submit(run.priya.clicks, card, "skip")
        run.wait("the click to be on its way", lambda: run.slack.orders.look("faults")["faults"][0]["fired"])
        took = seconds_of(lambda: ended(run))
        clicking.result(timeout=5)
    assert took < 10
    assert run.value("SELECT count(*) FROM requests WHERE action = 'form_failed'") == 1
    answered = run.answers_to(run.priya)
    run.restart()
    assert run.answer_after(run.priya, answered), "who clicked is told after the restart"


def test_a_bot_that_is_gone_leaves_people_with_slacks_own_words(idle: Run) -> None:
    idle.bot.start()
    idle.bot.wait_until_connected(idle.slack)
    ended(idle)
    told = idle.slack.orders.give(
        "command", user="UOLIVIA", channel="CINCIDENT", command="/mailgun-compromised", text="status", wait=True
    )
    assert told["state"] == "not_connected"


def ended(run: Run) -> None:
    assert run.bot.stop() == 0, run.bot.log_end()


# --- How it says it is ------------------------------------------------------------------------------------


def test_in_socket_mode_it_says_how_it_is_too(run: Run) -> None:
    run.wait("it to be well", run.bot.is_well)
    assert run.bot.health() == (200, UP)
    for _ in range(2):
        answer = requests.post(f"http://127.0.0.1:{run.bot.port()}/slack/events", data={"command": "x"}, timeout=5)
        assert answer.status_code == 404, "in Socket Mode nothing else is served"


def test_it_can_be_asked_by_head(serving: Run) -> None:
    answer = requests.head(f"http://127.0.0.1:{serving.bot.port()}/healthz", timeout=5)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("variables", [HTTP, {}], ids=["HTTP mode", "Socket Mode"])
def test_a_slack_that_does_not_answer_is_named(tmp_path: Path, variables: dict[str, str]) -> None:
    with recovery_run(tmp_path, start=False, **variables) as run:
        run.slack.orders.fault({"path": "auth.test"}, "500", times=1000)
        run.bot.start()
        run.wait("the bot to listen", run.bot.port)
        run.wait("the workers to have looked for work", lambda: run.bot.health()[1]["workers"] == "up")
        assert run.bot.health() == (503, UP | {"status": "down", "slack": "down"})
        run.slack.orders.clear("faults")
        run.wait("it to be well", run.bot.is_well)
        run.rest()


def test_a_database_that_hangs_or_is_gone_is_named_within_two_seconds(tmp_path: Path) -> None:
    with (
        recovery_run(tmp_path, start=False, **HTTP) as run,
        borrowed_url("postgresql", tmp_path) as url,
        forwarded(url) as (network, through),
    ):
        run.bot.environ |= {"DATABASE_URL": through, "ENCRYPTION_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
        run.bot.start()
        run.bot.wait_until_connected(run.slack)
        for trouble in (network.silence, network.cut):
            trouble()
            run.wait("the database to be down", lambda: run.bot.health()[1]["database"] == "down")
            began = time.monotonic()
            status, said = run.bot.health()
            assert time.monotonic() - began < 2
            assert (status, said["status"], said["slack"]) == (503, "down", "up")
            network.mend()
            run.wait("it to be well again", run.bot.is_well)
        run.rest()


# --- Starting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variables", [HTTP, {}], ids=["HTTP mode", "Socket Mode"])
def test_a_port_that_is_taken_ends_it_with_a_sentence(serving: Run, tmp_path: Path, variables: dict[str, str]) -> None:
    with recovery_run(tmp_path, start=False, **variables) as second:
        refused = forked_command(second.bot.environ | {"PORT": str(serving.bot.port())})
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert f"Port {serving.bot.port()} is in use" in refused.stderr
    assert "Set PORT to another number" in refused.stderr


def test_without_either_way_both_are_named_in_one_message(idle: Run) -> None:
    refused = forked_command(idle.bot.environ | {"SLACK_SIGNING_SECRET": ""})
    assert refused.returncode == 2
    (line,) = [line for line in refused.stderr.splitlines() if "SLACK_SIGNING_SECRET" in line]
    assert "SLACK_APP_TOKEN" in line


def test_a_token_that_slack_does_not_take_ends_it_with_a_sentence(idle: Run) -> None:
    refused = forked_command(idle.bot.environ | {"SLACK_BOT_TOKEN": "xoxb-1-1-wrong"})
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_check_needs_no_app_token(serving: Run) -> None:
    checked = forked_command(serving.bot.environ, "check")
    assert checked.returncode == 0, checked.stdout
    assert "HTTP mode" in checked.stdout


def test_the_manifest_for_http_mode_says_where_slack_sends_things() -> None:
    printed = forked_command({}, "manifest", "--http", "https://recovery.example.com")
    made = json.loads(printed.stdout)
    assert made["settings"]["interactivity"]["request_url"] == "https://recovery.example.com/slack/events"
    assert made["settings"]["socket_mode_enabled"] is False


def test_an_address_that_slack_does_not_take_is_refused_with_a_sentence() -> None:
    refused = forked_command({}, "manifest", "--http", "http://recovery.example.com")
    assert refused.returncode == 1
    assert "https://" in refused.stderr
    assert "Traceback" not in refused.stderr
