"""What people would use instead, run as they would run it: in a process of its own, with its own libraries."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drill.account import Mailgun
from drill.actors import Slack
from drill.waiting import wait_for

HERE = Path(__file__).resolve().parent
SDK_PYTHON = HERE.parent / ".venv-sdk" / "bin" / "python"
"""Mailgun's SDK has an environment to itself: its package is called `mailgun`, as one of the bot's rooms is."""


class AlternativeFailed(Exception):
    """The script that the bot is measured against did not do its work. The text has what it said."""


def rotate_with_sdk(mailgun: Mailgun, width: int) -> None:
    """Set every SMTP password by the script on Mailgun's official SDK; returns when it has ended."""
    script = HERE / "scripts" / "rotate_with_sdk.py"
    done = subprocess.run(
        [SDK_PYTHON, script, str(width), mailgun.region_url("us"), mailgun.region_url("eu")],
        env={"PATH": os.environ["PATH"], "MAILGUN_API_KEY": mailgun.admin_key},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AlternativeFailed(done.stderr)


@contextmanager
def bare_bolt(slack: Slack) -> Iterator[None]:
    """A Bolt app that only acknowledges, connected to that Slack while the block runs."""
    app = slack.workspace.app
    environ = {"SLACK_BOT_TOKEN": app.bot_token, "SLACK_APP_TOKEN": app.app_token, "SLACK_API_URL": f"{slack.url}/api/"}
    script = HERE / "scripts" / "bare_bolt.py"
    process = subprocess.Popen(
        [sys.executable, script],
        env={"PATH": os.environ["PATH"], **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("the bare app to be connected", lambda: slack.connections() > 0, 30)
        yield
    finally:
        process.terminate()
        process.wait()
