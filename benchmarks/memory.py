"""Memory: the most that a bot takes while it sets ten thousand passwords, against what it had before."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.rows import ROUNDS, Row, at_most, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import Company, running_bot
from drill.mailgun.accounts import scaled_account
from drill.slack import drill_workspace

DOMAINS, CREDENTIALS = 50, 10_000
MOST = 40.0
"""In MiB."""
PATIENCE = 180.0


def measured() -> Sequence[Row]:
    """One new bot a round. Slack's pace is out of the way: it would only make it last longer."""
    grown, idle = [], []
    for _ in range(ROUNDS):
        before, peak = rotation()
        idle.append(before)
        grown.append(peak - before)
    return [
        at_most(
            f"peak memory (VmHWM) while {CREDENTIALS:,} passwords are set",
            "resident memory before, with the incident open",
            grown,
            MOST,
            f"{median(idle):.0f} MiB before",
            " MiB more",
        )
    ]


def rotation() -> tuple[float, float]:
    """MiB that were resident before the click, and the most until the step was done."""
    workspace = drill_workspace()
    workspace.message_rate = 0
    prepared = scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0)
    with (
        mailgun_server(prepared) as mailgun,
        slack_server(workspace) as slack,
        running_bot(slack, mailgun, SLACK_PACE="0s") as bot,
    ):
        company = Company(slack, mailgun)
        company.open_incident()
        company.rest()
        before = mebibytes(bot.pid, "VmRSS")
        company.approve(2)
        company.wait("the step to be done", lambda: slack.step_status(2) == "done", PATIENCE)
        return before, mebibytes(bot.pid, "VmHWM")


def mebibytes(pid: int, which: str) -> float:
    """One line of a process's status, which the kernel tells in kB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{which}:")).split()[1]) / 1024


if __name__ == "__main__":
    print(*told(measured()), sep="\n")
