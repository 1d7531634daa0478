"""One call to Mailgun over one pooled session, at the pace that Mailgun allows.

What is retried here is a GET, once, after a connection error or a 502, 503 or 504. Everything else comes back
to the caller, sorted into `recovery.errors` by whether it had its effect.

Once Mailgun has refused calls for their number (429), each waits for its turn before it is sent. That is a matter of
milliseconds, and no waiting of the kind that is a task's `not_before`: a quarter of the timeout at most, and it takes
from it. So the lease that outlasts the call outlasts the wait with it; who would wait for longer is told to come later.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Literal, Self, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, Retry, Timeout
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from mailgun import outcomes
from mailgun.models import Unreadable
from mailgun.pace import NoTurn, Pace
from recovery.errors import OutsideError
from recovery.secret import Secret

Method = Literal["GET", "POST", "PUT", "DELETE"]
Result = TypeVar("Result")

WAIT_SHARE = 0.25
"""Of a call's timeout: so long it may wait for its turn."""

ON_BEHALF_OF = "X-Mailgun-On-Behalf-Of"
"""The header that names the subaccount which a call is about."""

logger = logging.getLogger("mailgun")


@dataclass(frozen=True)
class Call:
    """One call. `what` completes "Mailgun was asked to …", for people; `base` and `path` carry no secret.

    `form` is sent as `multipart/form-data`, as Mailgun's description wants it of keys and credentials; `urlencoded`
    as a plain form, as it wants it of routes and webhooks; `body` as JSON, as of metrics. `on_behalf_of` is the
    subaccount that it is about.
    """

    method: Method
    base: str
    path: str
    what: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    form: Mapping[str, str | Secret] = field(default_factory=dict)
    urlencoded: Sequence[tuple[str, str]] = ()
    body: Mapping[str, object] | None = None
    on_behalf_of: str | None = None

    def secrets(self) -> list[Secret]:
        """What of this call no message may repeat."""
        return [value for value in self.form.values() if isinstance(value, Secret)]


class Transport:
    """The pooled session. Any number of threads may call at once; `concurrency` connections are kept.

    `timeout` bounds waiting for a turn, connecting and waiting for the answer together, in seconds, for each attempt.
    """

    def __init__(
        self,
        *,
        timeout: float,
        concurrency: int,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timeout = timeout
        self._pace = pace or Pace()
        self._sleep = sleep
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "mailgun-recovery-bot"
        adapter = _Adapter(concurrency)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def call(self, call: Call, key: Secret | None, read: Callable[[object], Result]) -> Result:
        """The answer as `read` reads it. Raises the `OutsideError` that fits any other outcome.

        `key` authenticates as user `api`; None sends no key, for what is not Mailgun's API: it is not paced either.
        """
        answer = self._send(call, None, self._timeout) if key is None else self._send_in_turn(call, key)
        if isinstance(answer, OutsideError):
            raise answer
        if not 200 <= answer.status_code < 300:
            hidden = call.secrets() if key is None else [key, *call.secrets()]
            raise outcomes.from_response(call.what, call.method, answer, hidden)
        try:
            return read(json.loads(answer.content))
        except Unreadable as error:
            why = str(error)
        except ValueError:
            why = "it is not JSON"
        # Raised out here, so that no context keeps the body, which may hold a new key.
        raise outcomes.from_unreadable(call.what, why)

    def _send_in_turn(self, call: Call, key: Secret) -> requests.Response | OutsideError:
        try:
            turn = self._pace.turn(longest=self._timeout * WAIT_SHARE)
        except NoTurn as full:
            return outcomes.from_pace(call.what, full.rate, full.seconds)
        if turn.wait:
            self._sleep(turn.wait)
        answer = self._send(call, key, self._timeout - turn.wait)
        if isinstance(answer, requests.Response):
            answered = self._pace.refused if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS else self._pace.taken
            answered(turn)
        return answer

    def _send(self, call: Call, key: Secret | None, timeout: float) -> requests.Response | OutsideError:
        started = time.monotonic()
        try:
            answer = self.session.request(
                call.method,
                call.base + call.path,
                params=call.query,
                files={name: (None, _revealed(value)) for name, value in call.form.items()} or None,
                data=list(call.urlencoded) or None,
                json=call.body,
                headers={ON_BEHALF_OF: call.on_behalf_of} if call.on_behalf_of else None,
                auth=None if key is None else ("api", key.reveal()),
                timeout=timeout,
                # Following one would turn a PUT into a GET.
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError) as error:
            # Returned, not raised, so that no context keeps `error`: it holds the request with body and key.
            failure = outcomes.from_exception(call.what, error, self._timeout)
            self._log(call, type(failure).__name__, started)
            return failure
        self._log(call, answer.status_code, started)
        return answer

    def _log(self, call: Call, outcome: int | str, started: float) -> None:
        usual = call.method == "GET" and isinstance(outcome, int) and outcome < 300
        milliseconds = round((time.monotonic() - started) * 1000)
        logger.log(
            logging.DEBUG if usual else logging.INFO,
            "%s %s %s %d ms",
            call.method,
            call.path or call.base,
            outcome,
            milliseconds,
            extra={
                "method": call.method,
                "path": call.path,
                "base": call.base,
                "outcome": outcome,
                "milliseconds": milliseconds,
            },
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self.session.close()


class _Adapter(HTTPAdapter):
    """The pool, with one timeout for a whole attempt: connecting takes from what is left for the answer."""

    def __init__(self, concurrency: int) -> None:
        super().__init__(pool_maxsize=concurrency, max_retries=_one_retry())

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        whole = Timeout(total=timeout) if isinstance(timeout, float | int) else timeout
        return super().send(
            request,
            stream,
            whole,  # type: ignore[arg-type]  # requests takes urllib3's Timeout, and says so; its stubs do not
            verify,
            cert,
            proxies,
        )


class _RetryGet(Retry):
    """Retries what is a GET and did not time out.

    urllib3 alone would also retry other methods where connecting failed, which is the task's to decide, and a
    GET that timed out, which would take twice what the task's lease allows for.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        retried = method == "GET" and not isinstance(error, Urllib3TimeoutError)
        # As requests does without a Retry of its own: raise what happened.
        counted = self if retried else self.new(total=0, read=False)
        return Retry.increment(counted, method, url, response, error, _pool, _stacktrace)


def _one_retry() -> _RetryGet:
    return _RetryGet(
        1,
        allowed_methods=frozenset({"GET"}),
        status_forcelist=frozenset({502, 503, 504}),
        # Waiting is a task's `not_before`, never a sleep in here.
        respect_retry_after_header=False,
        # The last answer is handed over, for Mailgun's own words in it.
        raise_on_status=False,
    )


def _revealed(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
