"""Acknowledging: fifty people type and click in the same moment, while thousands of passwords are being set."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.alternatives import bare_bolt
from benchmarks.rows import ROUNDS, Row, at_most, from_to, never_more, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import Company, running_bot, strict_workspace
from drill.actors import COMMAND, Slack
from drill.mailgun.accounts import scaled_account
from drill.messages import Message
from drill.slack import Workspace
from drill.slack.model import User
from drill.slack.workspaces import INCIDENT, TEAM

DOMAINS, CREDENTIALS = 50, 5000
LATENCY = 0.1
PEOPLE = 50
APART = 2.0
"""Seconds between two bursts: the answers to the first must not be what the second waits for."""


def measured() -> Sequence[Row]:
    """Bursts to the bot and to a bare Bolt app in turn, all of them during one rotation."""
    ours: list[list[float]] = []
    bare: list[list[float]] = []
    prepared = scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0)
    bare_workspace = crowded(strict_workspace())
    bare_target = with_a_button(bare_workspace)
    with (
        mailgun_server(prepared, LATENCY) as mailgun,
        slack_server(crowded(strict_workspace())) as slack,
        slack_server(bare_workspace) as other,
        bare_bolt(other),
        running_bot(slack, mailgun),
    ):
        company = Company(slack, mailgun)
        company.open_incident()
        company.rest()
        target = approve_of(company.card(7))
        company.approve(2)
        for _ in range(ROUNDS):
            time.sleep(APART)
            ours.append(burst(slack, target))
            time.sleep(APART)
            bare.append(burst(other, bare_target))
        if slack.step_status(2) != "running":
            raise RuntimeError("the rotation was over before the last burst")
    slowest = max(ms for each in ours for ms in each)
    return [
        at_most(
            f"acknowledging {PEOPLE} commands and clicks at once while {CREDENTIALS:,} passwords are set, median",
            "a bare Bolt app that only acknowledges, at the same time",
            [median(each) / median(theirs) for each, theirs in zip(ours, bare, strict=True)],
            3,
            " against ".join(from_to([median(each) for each in side], "ms", 0) for side in (ours, bare)),
        ),
        never_more(
            "the slowest of these acknowledgements",
            "500 ms",
            [max(each) / 500 for each in ours],
            1,
            f"{slowest:.0f} ms of {PEOPLE * ROUNDS}; the bare app's slowest {max(map(max, bare)):.0f} ms",
        ),
    ]


def crowded(workspace: Workspace) -> Workspace:
    """The workspace with fifty more members, who may not approve anything."""
    for number in range(PEOPLE):
        user = User(f"UCROWD{number:03}", f"crowd{number}", f"Crowd {number}", TEAM)
        workspace.users[user.id] = user
        workspace.channels[INCIDENT].members.append(user.id)
    return workspace


@dataclass(frozen=True)
class Target:
    """A button to press: its message and its action."""

    ts: str
    action_id: str


def with_a_button(workspace: Workspace) -> Target:
    """Put a message with one button there, as if the app had posted it."""
    button = {"type": "button", "action_id": "press", "text": {"type": "plain_text", "text": "Press"}}
    blocks = [{"type": "actions", "elements": [button]}]
    message = workspace.post(workspace.channels[INCIDENT], workspace.app.bot_user_id, "Press", blocks=blocks)
    return Target(message.ts, "press")


def approve_of(card: Message) -> Target:
    """The button that approves a step."""
    button = card.button("approve")
    if button is None:
        raise RuntimeError("the card has no button to press")
    return Target(card.ts, button.action_id)


def burst(slack: Slack, target: Target) -> list[float]:
    """Half of the people ask for the status, half press the button, in one moment; how long each acknowledgement took,
    in milliseconds."""
    orders = [
        {"do": "command", "user": f"UCROWD{number:03}", "channel": INCIDENT, "command": COMMAND, "text": "status"}
        if number % 2
        else {
            "do": "click",
            "user": f"UCROWD{number:03}",
            "channel": INCIDENT,
            "ts": target.ts,
            "action_id": target.action_id,
            "confirmed": True,
        }
        for number in range(PEOPLE)
    ]
    outcomes = slack.orders.give("at_once", orders=[{**order, "wait": True} for order in orders])["outcomes"]
    if any(outcome["state"] != "acknowledged" for outcome in outcomes):
        raise RuntimeError(f"not all were acknowledged: {outcomes}")
    return [float(outcome["ack_ms"]) for outcome in outcomes]


if __name__ == "__main__":
    print(*told(measured()), sep="\n")
