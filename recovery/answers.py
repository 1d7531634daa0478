"""Private answers: status, help, and plain sentences."""

from collections.abc import Sequence
from dataclasses import replace

from recovery.board import board_card, read_board
from recovery.commands import usage_lines
from recovery.content import Card
from recovery.policy import Policy
from recovery.state import Incident
from recovery.step import Step
from recovery.store import Transaction
from recovery.text import Channel, Code, Line, Link, line, plain


def plain_card(said: Line) -> Card:
    """One sentence."""
    return Card(notification=plain(said), lines=(said,))


def where(incident: Incident) -> Line:
    """A link to the incident's thread, or its channel while there is none."""
    if incident.permalink:
        return line(Link(incident.permalink, f"incident {incident.id}"))
    return line(f"incident {incident.id} in ", Channel(incident.channel_id))


def opened_elsewhere(incident: Incident) -> Card:
    """The answer to a second opening."""
    return plain_card((*line("An incident is open already: "), *where(incident), "."))


def status_card(tx: Transaction, steps: Sequence[Step], policy: Policy) -> Card:
    """The board, for one person, with a link to the thread."""
    incident = tx.incidents.current()
    if incident is None:
        return plain_card(line("There is no incident. ", Code("/mailgun-compromised"), " opens one."))
    card = board_card(read_board(tx, steps, incident.id, policy))
    return replace(card, footer=(*line("The thread: "), *where(incident)))


def help_card() -> Card:
    """Everything that can be typed."""
    rows = [line(Code(f"/mailgun-compromised {usage}".strip()), f": {does}") for usage, does in usage_lines()]
    return Card(
        notification="What can be typed",
        title="What can be typed",
        lines=(line("Type these in the channel; slash commands do not work in threads."), *rows),
    )
