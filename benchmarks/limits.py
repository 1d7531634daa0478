"""Whether a run kept to what Slack is known to take: how often Slack had to say that it was too much."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from drill.actors import Slack
from drill.ordering import JsonObject

MINUTE = 60.0
MOST_REFUSALS = 1
"""In any minute, of any method."""

_REFUSED = "ratelimited"


def refusals(slack: Slack) -> dict[str, int]:
    """For each method that was ever answered 429, the most such answers within any minute."""
    return most_in_a_minute(refused_at(slack.log()))


class TooManyRefusals(Exception):
    """Slack had to refuse calls of a method more than once in a minute: its limits were probed, not kept."""

    def __init__(self, too_many: Mapping[str, int]) -> None:
        super().__init__(", ".join(f"{method}: {most}" for method, most in too_many.items()))
        self.most = max(too_many.values())


def must_be_spared(slack: Slack) -> None:
    """Raise `TooManyRefusals` unless that Slack had to refuse no method more than `MOST_REFUSALS` times a minute."""
    too_many = {method: most for method, most in refusals(slack).items() if most > MOST_REFUSALS}
    if too_many:
        raise TooManyRefusals(too_many)


def refused_at(log: Iterable[JsonObject]) -> dict[str, list[float]]:
    """When each method was answered 429, by the practice Slack's log."""
    moments: dict[str, list[float]] = defaultdict(list)
    for entry in log:
        if entry["kind"] == "call" and entry["error"] == _REFUSED:
            moments[entry["method"]].append(entry["at"])
    return dict(moments)


def most_in_a_minute(moments: Mapping[str, Iterable[float]]) -> dict[str, int]:
    """The most of each that lie within sixty seconds."""
    return {name: _most(each) for name, each in moments.items()}


def _most(moments: Iterable[float]) -> int:
    most, recent = 0, deque[float]()
    for moment in sorted(moments):
        recent.append(moment)
        while moment - recent[0] >= MINUTE:
            recent.popleft()
        most = max(most, len(recent))
    return most
