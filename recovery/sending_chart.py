"""What the domains sent on each of the last days, as small bars of text."""

from collections.abc import Sequence
from datetime import date

from recovery.account import DaySent
from recovery.suspicion import Sending, sendings
from recovery.text import count

BARS = "▁▂▃▄▅▆▇█"
MOST_DOMAINS = 8
"""As many as a card shows; those far above their usual come first."""


def chart(sent: Sequence[DaySent], today: date) -> list[str]:
    """A line for each of the domains that sent most, those far above the usual first: a bar for each day, today last,
    the name, and the numbers."""
    shown = [one for one in sendings(sent, today) if one.most or one.usual]
    lines = [_line(one) for one in shown[:MOST_DOMAINS]]
    if len(shown) > MOST_DOMAINS:
        lines.append(f"and {count(len(shown) - MOST_DOMAINS, 'more domain')}")
    return lines


def bars(days: Sequence[int]) -> str:
    """A bar for each number, the largest as high as a bar gets; nothing sent is the lowest."""
    most = max(days, default=0)
    return "".join(BARS[(len(BARS) - 1) * many // most] if most else BARS[0] for many in days)


def _line(one: Sending) -> str:
    often = ", far above the usual" if one.is_far_above else ""
    return f"{bars(one.days)}  {one.domain}: up to {one.most:,} a day lately, usually {one.usual:,.0f}{often}"
