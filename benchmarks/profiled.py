"""Where the time of a rotation goes: `python -m benchmarks.profiled`. Needs py-spy, and the right to attach it.

What is shown is the share of the samples in which a function, or what it called, held the interpreter: that is what
threads have to share. Waiting for Mailgun, Slack and the disk is not in it.
"""

import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import Company, running_bot
from drill.mailgun.accounts import scaled_account
from drill.slack import drill_workspace

DOMAINS, CREDENTIALS = 50, 3000
SECONDS, A_SECOND = 8, 100
SHOWN = 50


def rotation(stacks: Path) -> None:
    """Set passwords as fast as it goes, and let py-spy look on."""
    workspace = drill_workspace()
    workspace.message_rate = 0
    with (
        mailgun_server(scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0)) as mailgun,
        slack_server(workspace) as slack,
        running_bot(slack, mailgun, SLACK_PACE="0s") as bot,
    ):
        company = Company(slack, mailgun)
        company.open_incident()
        company.rest()
        options = ["--gil", "--format", "raw", "--duration", str(SECONDS), "--rate", str(A_SECOND)]
        spy = subprocess.Popen(["py-spy", "record", "--pid", str(bot.pid), "--output", stacks, *options])
        company.approve(2)
        spy.wait()


def shares(stacks: Iterable[str]) -> list[tuple[float, str]]:
    """Each function with the share of the samples that it is in, in percent, the largest first."""
    samples, total = Counter[str](), 0
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        total += int(count)
        for function in set(stack.split(";")):
            samples[function] += int(count)
    return [(100 * count / total, function) for function, count in samples.most_common(SHOWN)]


def show() -> None:
    """Profile one rotation, and print the table."""
    with TemporaryDirectory(prefix="bench-") as folder:
        stacks = Path(folder) / "stacks.txt"
        rotation(stacks)
        for share, function in shares(stacks.read_text(encoding="utf-8").splitlines()):
            print(f"{share:5.1f}%  {function}")


if __name__ == "__main__":
    show()
