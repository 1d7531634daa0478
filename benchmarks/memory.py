"""Memory: the most that a bot takes while it sets ten thousand passwords, against what it had before."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.rows import ROUNDS, Row, at_most, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import Company, running_bot, strict_workspace
from drill.mailgun.accounts import scaled_account

DOMAINS, CREDENTIALS = 50, 10_000
MOST = 40.0
"""In MiB."""
PATIENCE = 240.0


def measured() -> Sequence[Row]:
    """Five bots side by side: a rotation takes more than a minute at Slack's pace, and memory is no matter of time."""
    with ThreadPoolExecutor(ROUNDS) as pool:
        rounds = list(pool.map(lambda _: rotation(), range(ROUNDS)))
    idle, grown = [before for before, _ in rounds], [peak - before for before, peak in rounds]
    return [
        at_most(
            f"peak memory (VmHWM) while {CREDENTIALS:,} passwords are set",
            "resident memory before, idle and without an incident",
            grown,
            MOST,
            f"{median(idle):.0f} MiB before",
            " MiB more",
        )
    ]


def rotation() -> tuple[float, float]:
    """MiB that were resident before there was an incident, and the most until the step was done."""
    prepared = scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0)
    with (
        mailgun_server(prepared) as mailgun,
        slack_server(strict_workspace()) as slack,
        running_bot(slack, mailgun) as bot,
    ):
        company = Company(slack, mailgun)
        before = mebibytes(bot.pid, "VmRSS")
        company.open_incident()
        company.rest()
        company.approve(2)
        company.wait("the step to be done", lambda: slack.step_status(2) == "done", PATIENCE)
        return before, mebibytes(bot.pid, "VmHWM")


def mebibytes(pid: int, which: str) -> float:
    """One line of a process's status, which the kernel tells in kB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{which}:")).split()[1]) / 1024


if __name__ == "__main__":
    print(*told(measured()), sep="\n")
