"""Weather: a practice server some of whose requests fail, by chance, in every way that a network or service can.

    POST /_drill/weather {seed, share, kinds, pid}    from now on, `share` (0 to 1) of the requests fail
    POST /_drill/weather {share: 0}                   the weather ends
    GET  /_drill/weather                              how many requests there were, and what was done to them

`kinds` are those of `Kind`, all where left out. `pid` is the bot's process, which `kill` needs; once killed it is
forgotten, and `kill` only drops the connection until an order names the next one. An order with the seed that is
there already goes on where the weather stood; another seed begins anew. Orders (`/_drill/...`) and websockets
never meet the weather, and a request that an order's fault is for meets that.

Chance is the seed's alone: the n-th request for the same method and kind of thing (`PUT` of a domain's
credentials, `chat.postMessage`, a `response_url`) meets the same weather in every run, whatever other requests
come between. So a seed means much the same twice, though a bot with threads never calls twice in the same order.

What the weather does stays within what the bot promises to survive:

- A request that is applied late is applied while its client still waits: at most `LONGEST_SLOW` after it came, a
  time well below any `HTTP_TIMEOUT` that a bot is run with, and at once if the client goes away sooner, as it does
  when it gives up or is killed. Only then is the client's connection closed. A request that is applied after its
  client's timeout is outside of what can be guaranteed (see `docs/guarantees.md`): by then the client may have done
  something else about it. `drill.faults` can order that, with `late`; the weather never does it. While there is
  weather, a request whose client has gone by the time that its turn comes is never applied: that happens where
  a machine has too much to do, and would tell of the machine.
- A list lags by at most `LONGEST_LAG`. Messages: less than `SETTLE`, as the bot looks for a message of its own
  twice, `SETTLE` apart. Mailgun's lists: less than the second after which a task whose answer was lost looks for what
  it may have left there, and less than a restart takes.
- A `hang` is as long as the client's patience, so that its `HTTP_TIMEOUT` decides.
"""

from __future__ import annotations

import enum
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.failures import Do, Failure, When
from drill.lagging import is_list
from drill.orders import Order, OrderError, order_handler

SHORTEST_SLOW, LONGEST_SLOW = 0.2, 1.0
SHORTEST_LAG, LONGEST_LAG = 0.2, 0.8
_WAITS = (0.0, 1.0)
"""`Retry-After` has whole seconds."""
_UNSAID_WAITS = (0.2, 1.0)
_SELDOM = 0.1
"""Of the answers with status 429, those without `Retry-After`: a client may wait very long then."""

_THING = re.compile(r"/\w+/v\d/\w+|/api/[\w.]+|/\w+")
"""What of a path says what a request is about, without the ids and names in it that differ from run to run."""


class Kind(enum.StrEnum):
    """What the weather does to a request. Where both can be, chance decides whether it was applied."""

    TOO_MANY = "429"
    """Never applied. Mostly with `Retry-After`, of 0 or 1 seconds, sometimes with nothing but words."""
    SERVER_ERROR = "500"
    """Applied or not."""
    HANG = "hang"
    """Applied or not; nothing comes until the client gives up."""
    DROP = "drop"
    """Applied or not; the connection closes."""
    GARBAGE = "garbage"
    """Applied or not; status 200, and a body that is not JSON."""
    SLOW = "slow"
    """Applied a moment later, still within the client's patience, and never answered."""
    LAG = "lag"
    """A list as it was a moment ago. What is no list meets something else."""
    KILL = "kill"
    """The bot's process is killed just before the request is applied, or just after."""


_WEIGHTS: Mapping[Kind, float] = {
    Kind.TOO_MANY: 4,
    Kind.SERVER_ERROR: 4,
    Kind.HANG: 2,
    Kind.DROP: 4,
    Kind.GARBAGE: 2,
    Kind.SLOW: 3,
    # Only lists lag, and few of them were changed just now.
    Kind.LAG: 20,
    Kind.KILL: 0.6,
}


@dataclass
class Weather:
    """The weather of one practice server, fair until an order comes."""

    seed: int | None = None
    share: float = 0.0
    kinds: tuple[Kind, ...] = tuple(Kind)
    pid: int | None = None
    requests: int = 0
    done: Counter[str] = field(default_factory=Counter)
    longest_slow: float = 0.0
    _chances: dict[str, random.Random] = field(default_factory=dict)

    def follow(self, order: Order) -> None:
        """Change as an order says. Raises `OrderError`, and then nothing has changed."""
        share = _share(order)
        seed, pid = order.optional_whole("seed"), order.optional_whole("pid", at_least=2)
        kinds = _kinds(order.optional_texts("kinds"))
        order.finish()
        if share and seed is None:
            raise OrderError("weather needs a 'seed'")
        if seed is not None and seed != self.seed:
            self.seed, self.requests, self.longest_slow = seed, 0, 0.0
            self.done.clear()
            self._chances.clear()
        self.share, self.kinds, self.pid = share, kinds, pid

    def meets(self, method: str, path: str) -> Failure | None:
        """What the next request meets; None if nothing. Counts it."""
        if not self.share:
            return None
        self.requests += 1
        chance = self._chance(method, path)
        if chance.random() >= self.share:
            return None
        possible = [kind for kind in self.kinds if kind is not Kind.LAG or is_list(method, path)]
        if not possible:
            return None
        kind = chance.choices(possible, [_WEIGHTS[kind] for kind in possible])[0]
        failure = self._failure(kind, chance)
        self.done[_name(failure)] += 1
        return failure

    def was_slow(self, seconds: float) -> None:
        """A request was applied so long after it had come."""
        self.longest_slow = max(self.longest_slow, seconds)

    def has_lagged(self) -> None:
        """A list was shown that differs from what is."""
        self.done["lag that shows"] += 1

    def has_come_too_late(self) -> None:
        """A request was not applied, as its client had gone before its turn came."""
        self.done["client gone"] += 1

    def told(self) -> dict[str, object]:
        """The weather as `GET /_drill/weather` shows it."""
        return {
            "seed": self.seed,
            "share": self.share,
            "kinds": list(self.kinds),
            "pid": self.pid,
            "requests": self.requests,
            "done": dict(sorted(self.done.items())),
            "longest_slow": round(self.longest_slow, 3),
        }

    def routes(self) -> list[Route]:
        """The orders at `/_drill/weather`, for a practice server to serve."""

        async def change(request: Request) -> Response:
            self.follow(await Order.read(request))
            return JSONResponse(self.told())

        async def tell(request: Request) -> Response:
            return JSONResponse(self.told())

        return [
            Route("/_drill/weather", order_handler(change), methods=["POST"]),
            Route("/_drill/weather", tell, methods=["GET"]),
        ]

    def _chance(self, method: str, path: str) -> random.Random:
        found = _THING.match(path)
        thing = f"{method} {found[0] if found else path}"
        if thing not in self._chances:
            self._chances[thing] = random.Random(f"{self.seed} {thing}")
        return self._chances[thing]

    def _failure(self, kind: Kind, chance: random.Random) -> Failure:
        when = When.AFTER if chance.random() < 0.5 else When.BEFORE
        match kind:
            case Kind.TOO_MANY if chance.random() < _SELDOM:
                words = f"Too many requests, try again after {chance.uniform(*_UNSAID_WAITS):.1f} seconds"
                return Failure(Do.TOO_MANY, message=words)
            case Kind.TOO_MANY:
                return Failure(Do.TOO_MANY, seconds=chance.choice(_WAITS))
            case Kind.SLOW:
                return Failure(Do.SLOW, seconds=chance.uniform(SHORTEST_SLOW, LONGEST_SLOW))
            case Kind.LAG:
                return Failure(Do.LAG, seconds=chance.uniform(SHORTEST_LAG, LONGEST_LAG))
            case Kind.KILL if self.pid is None:
                return Failure(Do.DROP, when)
            case Kind.KILL:
                # Forgotten: by the next time, that number may be another process.
                pid, self.pid = self.pid, None
                return Failure(Do.KILL, when, pid=pid)
            case _:
                return Failure(Do(kind), when)


def _name(failure: Failure) -> str:
    """What was done, as it is counted."""
    match failure.do:
        case Do.SLOW | Do.LAG:
            return failure.do
        case Do.TOO_MANY:
            return failure.do if failure.seconds is not None else f"{failure.do} without Retry-After"
        case _:
            return f"{failure.do} {failure.when}"


def _share(order: Order) -> float:
    try:
        share = order.optional_seconds("share")
    except OrderError:
        share = None
    if share is None or share > 1:
        raise OrderError("'share' must be a number from 0 to 1")
    return share


def _kinds(named: list[str] | None) -> tuple[Kind, ...]:
    if named is None:
        return tuple(Kind)
    if not set(named) <= set(Kind):
        raise OrderError(f"'kinds' must be some of: {', '.join(Kind)}")
    return tuple(kind for kind in Kind if kind in named)
