"""The whole drill, and its Ctrl-C: what `make drill` runs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from drill.actors import Slack
from drill.attendance import Support
from drill.company import company
from drill.process import ROOT
from drill.run import run_drill

TOLD = (
    "alone: You are not among those who may start an incident here",
    "A key or password in your message was cut out",
    "An incident is open already",
    "alone: You are not among those who may decide here. Nothing was changed.",
    "fills in “Skip this step”",
    "needs attention",
    "presses [Retry what failed]",
    "sets the password of app@mg.example.com back",
    "presses [Confirmed]",
    "presses [Issue anew]",
    "declared the account recovered",
    "closed the incident",
    "The account is recovered",
)
"""What a transcript cannot do without, in this order."""


@pytest.mark.timeout(120)
def test_actors_recover_the_account(capfd: pytest.CaptureFixture[str]) -> None:
    status = run_drill(auto=True, port=None)
    transcript = capfd.readouterr().out
    assert status == 0, transcript
    place = 0
    for words in TOLD:
        assert words in transcript[place:], f"{words!r} is missing\n{transcript}"
        place = transcript.index(words, place)
    # The message for Support, which may be ready before the last handover is saved.
    assert "| Our Mailgun account was compromised." in transcript
    assert not re.search(r"key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}", transcript)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_for_people_says_where_it_is_and_ends_quietly(stop: signal.Signals) -> None:
    drill = subprocess.Popen(
        [sys.executable, "bot.py", "drill"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Tests that a shell runs in the background hand it on that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert drill.stdout is not None
    told = ""
    while "Ctrl-C ends the drill" not in told:
        line = drill.stdout.readline()
        assert line, told
        told += line
    assert re.search(r"http://127\.0\.0\.1:\d+/", told)
    assert "Choose Olivia there and type /mailgun-compromised in #incident" in told
    drill.send_signal(stop)
    rest = drill.communicate(timeout=30)[0]
    assert drill.returncode == 0, rest
    assert "Traceback" not in rest


def test_support_enables_the_account_once_the_last_step_says_that_they_were_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status = "waits for a decision"
    monkeypatch.setattr(Slack, "step_status", lambda slack, number: status)
    with company() as where:
        support = Support(where, takes=0.0)
        assert not support.look()
        assert where.mailgun.state()["account"]["disabled"]
        status = "running"
        assert support.look()
        assert not where.mailgun.state()["account"]["disabled"]
