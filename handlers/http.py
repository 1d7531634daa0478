"""HTTP mode: Slack sends what people do to `POST /slack/events`, signed.

Bolt's adapter for Starlette is not used for the way in. It runs listeners in the event loop, so that one slow
write would hold up everybody; it raises over a body that is no text; Bolt prints what it refuses, and takes a
command for nothing if its text has the word "payload" in it.
"""

import asyncio
import json
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handlers.app import LISTENERS, report_error
from handlers.door import Door

logger = logging.getLogger(__name__)

PATH = "/slack/events"
"""Where Slack sends commands, clicks and forms."""

MOST = 1024 * 1024
"""Bytes in a body. Slack sends back whole messages with clicks, which are far below this."""

BODY_WITHIN = 5.0
"""Seconds for a body to arrive."""

OLDEST = 300
"""Seconds that a request's time may be off, as Slack recommends."""

START_WITHIN = 2.0
"""Seconds that a request may wait for a thread. Then Slack is about to give it up, or has: it is not taken any
more, so that nobody is told that nothing happened while it happens."""

_FORM = "application/x-www-form-urlencoded"
_FIELDS = 100
_SAY_EVERY = 60.0
_TIME = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class Unfit(Exception):
    """A request that is not taken: the status, a word for who sent it, and for the log if it may be Slack's."""

    def __init__(self, status: int, word: str, why: str | None = None) -> None:
        super().__init__(word)
        self.status = status
        self.why = why


class HttpDoor(Door):
    """Takes signed requests, each once, and answers with what the listeners acknowledge.

    `app` must be built to answer in the thread that asks it.
    """

    def __init__(self, app: App, signing_secret: str) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._threads = ThreadPoolExecutor(LISTENERS, thread_name_prefix="slack-request")
        self._taken = Taken()
        self._refusals = Refusals()

    def routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer, methods=["POST"])]

    def connect_with_retry(self, stop: threading.Event) -> bool:
        return not stop.is_set()

    def is_connected(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is left to do: the server waits for what it answers."""

    async def _answer(self, request: Request) -> Response:
        try:
            signature, body = await self._signed(request)
        except Unfit as unfit:
            self._refusals.note(unfit)
            # Its body may be on its way still: it is not read to its end.
            return JSONResponse({"error": str(unfit)}, unfit.status, headers={"Connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        # The same request once more, sent by somebody who recorded it or by a proxy, is answered alike.
        answering = self._taken.get(signature)
        if answering is None:
            answering = asyncio.ensure_future(self._in_a_thread(body))
            self._taken.add(signature, answering)
        # Shielded: a client that leaves does not undo what was taken.
        return to_starlette_response(await asyncio.shield(answering))

    # --- from whom it is

    async def _signed(self, request: Request) -> tuple[str, str]:
        """The signature and the body of a request that is Slack's. Raises `Unfit`."""
        at, signature = _only(request, "x-slack-request-timestamp"), _only(request, "x-slack-signature")
        if not _TIME.fullmatch(at) or not _SIGNATURE.fullmatch(signature):
            raise Unfit(401, "not signed")
        if abs(time.time() - int(at)) > OLDEST:
            raise Unfit(401, "too old", "its time is more than 5 minutes off: is the clock of this machine right?")
        if _only(request, "content-type").partition(";")[0].strip().lower() != _FORM:
            raise Unfit(415, "not a form")
        body = await _body(request)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Unfit(400, "not text") from None
        if not self._verifier.is_valid(text, at, signature):
            raise Unfit(401, "wrong signature", "its signature is wrong: is SLACK_SIGNING_SECRET that of the app?")
        return signature, text

    # --- what it says

    async def _in_a_thread(self, body: str) -> BoltResponse:
        asked = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._take, body, asked)

    def _take(self, body: str, asked: float) -> BoltResponse:
        if time.monotonic() - asked > START_WITHIN:
            logger.warning("a request of Slack's was not taken: too many are waiting")
            return BoltResponse(status=503, body={"error": "busy"})
        try:
            # Verified above. The mode tells Bolt that it need not do that, nor read the body, once more.
            return self._app.dispatch(BoltRequest(body=read(body), mode="socket_mode"))
        except Exception as error:  # noqa: BLE001  # Bolt trips in many ways over what Slack never sends.
            answer = BoltResponse(status=400, body="")
            report_error(error, answer)
            return answer


def read(body: str) -> dict[str, Any]:
    """What a request says: the fields of a command, or the JSON that a click or form carries in one field.

    Raises `ValueError` or `RecursionError` for what is neither.
    """
    fields = dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS))
    if "payload" not in fields:
        return dict(fields)
    payload = json.loads(fields["payload"])
    if not isinstance(payload, dict):
        raise ValueError("a payload that is no object")
    return payload


class Taken:
    """The requests of the last minutes by their signatures, each with its answer, or with the promise of one.

    One that was not taken is forgotten, and may come again. This is about this process; that nothing is
    stored twice, in any process, is for the database to see to.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[float, asyncio.Future[BoltResponse]]] = OrderedDict()

    def get(self, signature: str) -> asyncio.Future[BoltResponse] | None:
        """The answer to that very request, if it was sent before."""
        known = self._answers.get(signature)
        return None if known is None else known[1]

    def add(self, signature: str, answering: asyncio.Future[BoltResponse]) -> None:
        """Remember it for as long as its time may still be taken for a recent one."""
        now = time.monotonic()
        while self._answers and next(iter(self._answers.values()))[0] < now:
            self._answers.popitem(last=False)
        # Its time may be as far ahead of ours as behind it.
        self._answers[signature] = (now + 2 * OLDEST, answering)
        answering.add_done_callback(lambda done: self._forget_failed(signature, done))

    def _forget_failed(self, signature: str, done: asyncio.Future[BoltResponse]) -> None:
        if done.cancelled() or done.exception() is not None or done.result().status != 200:
            self._answers.pop(signature, None)


class Refusals:
    """Tells the log of refused requests that may be Slack's: each reason once a minute, however many there are.

    What they said is never told: it may be somebody's words.
    """

    def __init__(self) -> None:
        self._count: dict[str, int] = {}
        self._said_at: dict[str, float] = {}

    def note(self, unfit: Unfit) -> None:
        """Count one, and say so if nothing was said of its kind for a minute."""
        if unfit.why is None:
            return
        count = self._count[unfit.why] = self._count.get(unfit.why, 0) + 1
        now = time.monotonic()
        if now - self._said_at.get(unfit.why, -_SAY_EVERY) >= _SAY_EVERY:
            logger.warning("refused %d requests in Slack's name; the last one: %s", count, unfit.why)
            self._said_at[unfit.why], self._count[unfit.why] = now, 0


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > MOST:
        raise Unfit(413, "too large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST:
                    raise Unfit(413, "too large")
    except TimeoutError:
        raise Unfit(408, "too slow") from None
    return bytes(body)


def _only(request: Request, name: str) -> str:
    """The value of a header that is there once, otherwise nothing."""
    values = request.headers.getlist(name)
    return values[0] if len(values) == 1 else ""
