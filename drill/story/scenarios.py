"""The stories that actors play, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drill.company import Company
from drill.story import disabled, scenes
from drill.story.stage import Stage


@dataclass(frozen=True)
class Scenario:
    """What happened before the incident is noticed, and how the people recover the account."""

    befalls: Callable[[Company], None]
    play: Callable[[Stage], None]


def nothing_more(company: Company) -> None:
    """The account as it is prepared: compromised and disabled, and the bot's key works."""


SCENARIOS: Mapping[str, Scenario] = {
    "compromised": Scenario(nothing_more, scenes.play),
    "disabled": Scenario(disabled.befalls, disabled.play),
}
"""The first is played where none is named."""
