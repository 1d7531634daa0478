"""One line of `python bot.py check`: what was looked at, whether it is fine, and what to do where not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do; it is empty where all is well."""

    what: str
    fine: bool
    found: str
    advice: str = ""
