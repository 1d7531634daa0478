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
    "Step 0: what the attacker left",
    "far above the usual",
    "The bot removed finding",
    "The bot put back finding",
    "approved removing",
    "alone: You are not among those who may decide here. Nothing was changed.",
    "fills in “Skip this step”",
    "needs attention",
    "presses [Retry what failed]",
    "sets the password of app@mg.example.com back",
    "Asked by Olivia Owens. You can ask them whether this is real.",
    "The bot asks the same of",
    "chooses “In an hour” from [Remind me later]",
    "fills in “I cannot do this”",
    "tom@example.com is not reminded any longer",
    "presses [Yes, that was me",
    "A change that was not theirs",
    "Please turn on two-factor authentication at Mailgun",
    "The buttons are in the message above.",
    "presses [Remind now] beside victor@example.com",
    "Confirmed for sam@example.com",
    "you tell carl@contractor.example.net",
    "chooses “Max Meyer” from [Who is it in Slack?] beside webmaster@example.com",
    "presses [Has left] beside ursula@example.com",
    "you tell tess@example.com",
    "Nina starts today",
    "The bot asks the same of Nina Nowak",
    "Gita has a new phone",
    "presses [Issue anew]",
    "finding 12 (user nina@example.com (developer))",
    "declared the account recovered",
    "closed the incident",
    "The account is recovered",
)
"""What a transcript cannot do without, in this order."""

EVERY_KIND = (
    "The bot, to Olivia Owens: Please secure your access to Mailgun",
    "You lead this recovery yourself; this is your own part",
    "You sign in to Mailgun through Sinch ID",
    "You sign in to Mailgun through your company's single sign-on",
    "Mia Moreau",
    "nobody in Slack has this address",
    "their Slack user is deactivated",
    "the Slack user with this address is a bot",
    "Mailgun has no address for this user",
    "You have another Mailgun user too, with a message of its own",
    "Still left: ",
    "One more whom the bot cannot reach",
    "All 21 users are settled. 1 of what was asked was let go, with a reason.",
    "All 6 traces of the attacker were found, and nothing else.",
    "An incident is open already",
)
"""What each kind of person brings into it, wherever that is."""


@pytest.mark.timeout(120)
def test_actors_recover_the_account(capfd: pytest.CaptureFixture[str]) -> None:
    status = run_drill(auto=True, port=None)
    transcript = capfd.readouterr().out
    assert status == 0, transcript
    place = 0
    for words in TOLD:
        assert words in transcript[place:], f"{words!r} is missing\n{transcript}"
        place = transcript.index(words, place)
    assert [words for words in EVERY_KIND if words not in transcript] == []
    # The message for Support, which may be ready before the last handover is saved.
    assert "| Our Mailgun account was compromised." in transcript
    assert not re.search(r"key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}", transcript)


BY_HAND = (
    "Trouble: counting the account: Mailgun did not accept the key",
    "Priya Patel presses [Go on by hand] under “1. Reset API keys”",
    "Step 1, Reset API keys: by hand.",
    "☐ account keys: for each a new one made, the old one deleted",
    "Send > Sending > Domain settings > Sending keys",
    "Noted, with your name: account keys",
    "Priya Patel did by hand step 1 (Reset API keys): sessions",
    "The form stays open",
    "That key was not taken. Mailgun did not accept the key",
    "Priya Patel fills in “A new key for the bot”: ••••••••",
    "The key works and is in the vault.",
    "Priya Patel gave the bot a new key",
    "presses [Let the bot do the rest] under “1. Reset API keys”",
    "The bot deleted the old key For the recovery bot",
    "presses [Let the bot do the rest] under “2. Reset SMTP passwords”",
    "2 items of it by hand, in your control panel",
    "declared the account recovered",
    "The account is recovered",
)
"""What the transcript of the other scenario cannot do without, in this order."""


@pytest.mark.timeout(180)
def test_actors_begin_by_hand_where_the_key_is_dead_and_recover_the_account(
    capfd: pytest.CaptureFixture[str],
) -> None:
    status = run_drill(auto=True, port=None, scenario="disabled")
    transcript = capfd.readouterr().out
    assert status == 0, transcript
    place = 0
    for words in BY_HAND:
        assert words in transcript[place:], f"{words!r} is missing\n{transcript}"
        place = transcript.index(words, place)
    assert not re.search(r"key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}", transcript)


def test_an_unknown_scenario_is_answered_with_those_that_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_drill(auto=True, port=None, scenario="flooded") == 2
    assert "There is no scenario 'flooded'. There are: compromised, disabled." in capfd.readouterr().out


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
