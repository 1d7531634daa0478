"""Under a limit: how much of what Mailgun takes a rotation uses, and how many of its calls are refused.

The limit is a token bucket of 50 calls a second, 10 at once, of which the bot is told nothing. What counts is from the
10th to the 70th second after the approve click, in an account with more SMTP credentials than 50 a second can change by
then. The five rounds run side by side, each with a bot and practice servers of its own: in turn they would take six
minutes, in which the machine would do little but wait.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.containment import at
from benchmarks.rows import ROUNDS, Row, at_least, at_most, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import Company, running_bot, strict_workspace
from drill.mailgun.accounts import scaled_account
from drill.ordering import JsonObject

LIMIT, BURST = 50, 10
LATENCY = 0.1
DOMAINS, CREDENTIALS = 50, 4500
BEGIN, END = 10, 70
"""In seconds after the click."""


@dataclass(frozen=True)
class Answers:
    """What came of the calls between `BEGIN` and `END`: how many passwords were set, and how many were too many."""

    taken: int
    refused: int

    @property
    def used(self) -> float:
        """The share of the limit that was used, in percent."""
        return 100 * self.taken / (LIMIT * (END - BEGIN))

    @property
    def too_many(self) -> float:
        """The share of answers that were 429, in percent."""
        return 100 * self.refused / (self.taken + self.refused)


def measured() -> Sequence[Row]:
    """Five rotations side by side."""
    with ThreadPoolExecutor(ROUNDS) as pool:
        return rows([round_.result() for round_ in [pool.submit(under_the_limit) for _ in range(ROUNDS)]])


def rows(rounds: Sequence[Answers]) -> Sequence[Row]:
    """The rows that these fill."""
    taken, refused = [each.taken for each in rounds], [each.refused for each in rounds]
    return [
        at_least(
            f"requests kept up under a limit of {LIMIT} a second, burst {BURST}",
            f"{LIMIT} a second, from the {BEGIN}th to the {END}th second",
            [each.used for each in rounds],
            90,
            f"{min(taken):,} to {max(taken):,} passwords set",
            "%",
        ),
        at_most(
            "answers that were 429 meanwhile",
            "all answers",
            [each.too_many for each in rounds],
            2,
            f"{min(refused)} to {max(refused)} calls refused",
            "%",
        ),
    ]


def under_the_limit() -> Answers:
    """One rotation. Nobody waits for its end."""
    with (
        mailgun_server(scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0), LATENCY) as mailgun,
        slack_server(strict_workspace()) as slack,
        running_bot(slack, mailgun),
    ):
        company = Company(slack, mailgun)
        company.open_incident()
        company.rest()
        mailgun.orders.change("account", calls_a_second=LIMIT, burst=BURST)
        clicked = company.approve(2)
        time.sleep(clicked + END + LATENCY - time.time())
        return answers(mailgun.calls(), clicked)


def answers(calls: Sequence[JsonObject], clicked: float) -> Answers:
    """What came of the calls that reached Mailgun in the time that counts."""
    counted = [call for call in calls if BEGIN <= at(call) - clicked < END]
    set_ = {call["path"] for call in counted if call["method"] == "PUT" and call["status"] == 200}
    return Answers(taken=len(set_), refused=sum(call["status"] == 429 for call in counted))


if __name__ == "__main__":
    print(*told(measured()), sep="\n")
