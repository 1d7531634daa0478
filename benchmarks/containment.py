"""Containment: from the click on Approve to the last SMTP password changed, and to the last one handed over."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from benchmarks.alternatives import rotate_with_sdk
from benchmarks.rows import ROUNDS, Row, at_least, at_most, exactly, from_to, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import Company, running_bot, strict_workspace
from drill.account import Mailgun
from drill.calls import handed_over, message_of
from drill.mailgun.accounts import scaled_account
from drill.ordering import JsonObject
from drill.slack.limits import characters

DOMAINS, CREDENTIALS, FEW = 50, 1000, 100
LATENCY = 0.1
WIDTH = 16
A_MESSAGE = 9_000
"""The characters that a handover may have."""

BOUND = LATENCY * (2 + math.ceil(DOMAINS / WIDTH) + math.ceil(CREDENTIALS / WIDTH))
"""The least time: a page of domains a region, one after another, then a page of logins a domain, then the logins."""


@dataclass(frozen=True)
class Contained:
    """One rotation, in seconds from the click; and how many calls it took."""

    contained: float
    handed_over: float
    characters: int
    messages: int
    calls: int

    @property
    def least(self) -> float:
        """The least that the handovers could take."""
        return max(self.contained, math.ceil(self.characters / A_MESSAGE))


def measured() -> Sequence[Row]:
    """The bot and the script in a pool, in turn.

    The script that sets one after another runs five times side by side: it makes ten calls a second and waits nearly
    all the time.
    """
    ours, pooled = [], []
    for _ in range(ROUNDS):
        ours.append(contained_by_the_bot())
        pooled.append(contained_in_a_pool())
    with ThreadPoolExecutor(ROUNDS) as pool:
        in_turn = list(pool.map(lambda _: contained_one_by_one(), range(ROUNDS)))
    return rows(ours, pooled, in_turn)


def rows(ours: Sequence[Contained], pooled: Sequence[float], in_turn: Sequence[float]) -> Sequence[Row]:
    """The rows that these fill."""
    what = f"containment of {CREDENTIALS:,} SMTP credentials"
    return [
        at_most(
            what,
            f"the bound, {BOUND:.1f} s",
            [each.contained / BOUND for each in ours],
            1.15,
            from_to([each.contained for each in ours], "s"),
        ),
        at_least(
            what,
            "a script on Mailgun's SDK, one after another",
            [theirs / each.contained for each, theirs in zip(ours, in_turn, strict=True)],
            12,
            f"{from_to(in_turn, 's')}, scaled from {FEW} credentials",
        ),
        at_most(
            what,
            f"the same script with {WIDTH} threads",
            [each.contained / theirs for each, theirs in zip(ours, pooled, strict=True)],
            1.1,
            from_to(pooled, "s"),
        ),
        exactly(
            "Mailgun calls for it",
            "the pages, twice, and one call a credential",
            [each.calls for each in ours],
            2 * (1 + 2 + DOMAINS) + CREDENTIALS,
            f"a page of subaccounts, 2 of domains, {DOMAINS} of logins",
            " calls",
        ),
        at_most(
            "approve click to the last handover message",
            "the larger of containment and a second for 9,000 characters",
            [each.handed_over / each.least for each in ours],
            1.2,
            f"{from_to([each.handed_over for each in ours], 's')}; {ours[0].messages} messages, "
            f"{ours[0].characters:,} characters",
        ),
    ]


# --- The bot ----------------------------------------------------------------------------------------------


def contained_by_the_bot(**changes: str) -> Contained:
    """One incident in a new account: step 2 alone is approved, the other steps were skipped before. `changes` are
    settings other than the usual."""
    prepared = scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0)
    with (
        mailgun_server(prepared, LATENCY) as mailgun,
        slack_server(strict_workspace()) as slack,
        running_bot(slack, mailgun, **changes),
    ):
        company = Company(slack, mailgun)
        company.open_incident()
        company.skip_all_but(2)
        company.rest()
        calls_before, entries_before = len(mailgun.calls()), len(slack.log())
        clicked = company.approve(2)
        company.wait("the last look", lambda: slack.step_status(5) == "waits for a decision")
        calls = mailgun.calls()[calls_before:]
        must_be_whole(calls, mailgun, CREDENTIALS)
        sent = [entry for entry in slack.log()[entries_before:] if handed_over(entry)]
        must_be_handed_over(sent, mailgun)
        return Contained(
            contained=contained_at(calls) - clicked,
            handed_over=max(entry["at"] for entry in sent) - clicked,
            characters=sum(characters(list(message_of(entry).blocks)) for entry in sent),
            messages=len(sent),
            calls=sum(is_of_step_2(call) for call in calls),
        )


def is_of_step_2(call: JsonObject) -> bool:
    """Whether a call lists subaccounts, domains or logins, or sets a password."""
    path = str(call["path"])
    return path.startswith(("/v5/accounts/subaccounts", "/v4/domains")) or "/credentials" in path


def at(call: JsonObject) -> float:
    """When Mailgun applied a call, in seconds."""
    return datetime.fromisoformat(str(call["at"])).timestamp()


def contained_at(calls: Sequence[JsonObject]) -> float:
    """When the last password was set and that answered."""
    return max(at(call) for call in calls if call["method"] == "PUT") + LATENCY


# --- The scripts --------------------------------------------------------------------------------------------


def contained_in_a_pool() -> float:
    """Seconds that the script with threads takes, from its first call to the answer to its last."""
    calls = calls_of_script(WIDTH, CREDENTIALS)
    return contained_at(calls) - at(calls[0])


def contained_one_by_one() -> float:
    """The same one after another: the passwords of few credentials are measured, and scaled."""
    calls = calls_of_script(1, FEW)
    first_put = next(at(call) for call in calls if call["method"] == "PUT")
    return first_put - at(calls[0]) + (contained_at(calls) - first_put) * CREDENTIALS / FEW


def calls_of_script(width: int, credentials: int) -> Sequence[JsonObject]:
    """What a new account's Mailgun saw of the script."""
    with mailgun_server(scaled_account(DOMAINS, credentials // DOMAINS, users=0), LATENCY) as mailgun:
        rotate_with_sdk(mailgun, width)
        calls = mailgun.calls()
    must_be_whole(calls, mailgun, credentials)
    return calls


def must_be_whole(calls: Sequence[JsonObject], mailgun: Mailgun, credentials: int) -> None:
    """Raise unless every password was set, and none twice."""
    done = [call["path"] for call in calls if call["method"] == "PUT" and call["status"] == 200]
    if not len(done) == len(set(done)) == credentials:
        raise RuntimeError(f"{len(done)} of {credentials} passwords were set at {mailgun.url}")


def must_be_handed_over(sent: Sequence[JsonObject], mailgun: Mailgun) -> None:
    """Raise unless the passwords that work are those that were handed over."""
    told = {one.label: one.secret for entry in sent for one in handed_over(entry)}
    work = {each["login"]: each["password"] for domain in mailgun.state()["domains"] for each in domain["credentials"]}
    if told != work:
        raise RuntimeError("what was handed over is not what works")


if __name__ == "__main__":
    print(*told(measured()), sep="\n")
