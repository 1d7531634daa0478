"""The scan of repositories by the real process: what it shows, and what it leaves when it has to go."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.e2e.recovery_run import Run, recovery_run
from tests.leaks.repositories import NEWER_KEY, listening, repository


@pytest.fixture
def silent() -> Iterator[tuple[str, threading.Event]]:
    """A repository that is never sent: its address, and whether somebody asks for it."""
    asked, over = threading.Event(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            over.wait(60)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Silent) as address:
        yield f"{address}/shop.git", asked
        over.set()


@contextmanager
def scanning(folder: Path, repositories: str) -> Iterator[Run]:
    """The bot with an open incident and these repositories to scan; its temporary files are in `temporary`."""
    (folder / "temporary").mkdir()
    with recovery_run(folder, LEAK_SCAN=repositories, TMPDIR=str(folder / "temporary"), PATH=os.environ["PATH"]) as run:
        run.open_incident()
        yield run


def clones(folder: Path) -> list[Path]:
    return list((folder / "temporary").glob("mailgun-recovery-scan-*"))


def children(folder: Path) -> list[str]:
    """The command lines of processes that work in its temporary folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder / "temporary") in command:
            found.append(command)
    return found


def eventually(look: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not look() and time.monotonic() < until:
        time.sleep(0.05)
    return look()


def test_a_scan_is_shown_on_the_card_and_noted_with_a_button(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {".env": f"K={NEWER_KEY}\n"}, deleted=True, author="Ann <!channel>")
    with scanning(tmp_path, str(shop)) as run:
        run.olivia.clicks(run.card(6), "Scan the repositories")
        run.wait("the result", lambda: "1 repository scanned, 1 finding" in run.card(6).words, 60)
        card = run.card(6)
        assert ".env, line 1" in card.words and "2026-03-01" in card.words
        run.olivia.clicks(card, "Note the scan's result")
        run.wait("the note", lambda: run.card(6).button("Public repositories checked") is None)

        drawn = str([call["body"] for call in run.slack.log() if call["kind"] == "call"])
        assert NEWER_KEY not in drawn and "<!channel>" not in drawn
        assert NEWER_KEY not in run.bot.log_path.read_text()
    assert clones(tmp_path) == []


def test_a_check_is_shown_with_who_did_it(tmp_path: Path) -> None:
    with scanning(tmp_path, "") as run:
        run.priya.clicks(run.card(6), "Done", beside="access log")
        run.wait("the check", lambda: "☑" in run.card(6).words)
        assert "<@UPRIYA>" in run.card(6).words
        assert run.card(6).button("Scan the repositories") is None


def test_a_process_that_is_told_to_leave_ends_its_scan_and_takes_it_up_again(
    tmp_path: Path, silent: tuple[str, threading.Event]
) -> None:
    address, asked = silent
    with scanning(tmp_path, address) as run:
        run.olivia.clicks(run.card(6), "Scan the repositories")
        assert asked.wait(20)
        assert children(tmp_path) and clones(tmp_path)

        assert run.bot.stop() == 0
        assert eventually(lambda: not children(tmp_path))
        assert clones(tmp_path) == []

        asked.clear()
        run.bot.start()
        assert asked.wait(20), "the scan goes on after the restart"


def test_what_a_process_that_was_killed_left_is_deleted_at_the_next_start(
    tmp_path: Path, silent: tuple[str, threading.Event]
) -> None:
    address, asked = silent
    with scanning(tmp_path, address) as run:
        run.olivia.clicks(run.card(6), "Scan the repositories")
        assert asked.wait(20)
        left = clones(tmp_path)
        run.bot.kill()

        run.bot.start()
        assert eventually(lambda: not any(folder.exists() for folder in left))
