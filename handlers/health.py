"""`GET /healthz`: whether the database, the connection to Slack and the workers are up. Nothing more is told."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

logger = logging.getLogger(__name__)

WITHIN = 1.5
"""Seconds in which a part must say that it is up. What has said nothing by then is down."""

FRESH = 1.0
"""Seconds for which an answer serves everybody who asks: the address is open, and must not be a way to keep
the database busy."""

IsUp = Callable[[], bool]


class Health:
    """Answers whether each named part is up: 200 when all are, otherwise 503, naming which are not.

    An answer takes `WITHIN` seconds at most, however long a part may hang: parts are asked in threads, one
    each, and one that still hangs is not asked again.
    """

    def __init__(self, parts: Mapping[str, IsUp]) -> None:
        self._parts = {name: _Part(name, is_up) for name, is_up in parts.items()}

    def route(self) -> Route:
        """`GET` and `HEAD` of `/healthz`."""
        return Route("/healthz", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        up = await asyncio.gather(*(part.is_up() for part in self._parts.values()))
        found = {name: _word(is_up) for name, is_up in zip(self._parts, up, strict=True)}
        return JSONResponse(
            {"status": _word(all(up))} | found,
            status_code=200 if all(up) else 503,
            headers={"Cache-Control": "no-store"},
        )


class _Part:
    """One part, asked once for everybody who wants to know. Used by the event loop alone."""

    def __init__(self, name: str, ask: IsUp) -> None:
        self._name = name
        self._ask = ask
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"health-{name}")
        self._asked_at = 0.0
        self._answer: Future[bool] | None = None

    async def is_up(self) -> bool:
        now = time.monotonic()
        if self._answer is None or (self._answer.done() and now - self._asked_at > FRESH):
            self._answer, self._asked_at = self._pool.submit(self._try), now
        answer = self._answer
        # What has been hanging for long is down at once: nobody need wait for it again.
        left = self._asked_at + WITHIN - now
        if not answer.done() and left > 0:
            await asyncio.wait([asyncio.wrap_future(answer)], timeout=left)
        return answer.done() and answer.result()

    def _try(self) -> bool:
        try:
            return self._ask()
        except Exception as error:  # noqa: BLE001  # Whatever is wrong with a part, it is down.
            # Once a second at most, and only while somebody asks. The address itself tells no reason.
            logger.warning("%s is down: %s", self._name, type(error).__name__)
            return False


def _word(is_up: bool) -> str:
    return "up" if is_up else "down"
