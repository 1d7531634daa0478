"""One API call: who calls, what it carries, what is answered, and what the log keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.mailgun.access import ON_BEHALF_OF, Power, admit, calling_key
from drill.mailgun.answers import Refusal, not_found
from drill.mailgun.forms import Form, Page, read_form
from drill.mailgun.model import Account, Domain, Estate, Key
from drill.mailgun.places import Region, StorageHost
from drill.mailgun.times import drill_time

Clock = Callable[[], datetime]
Host = Region | StorageHost
"""What a call reaches: a region's API, or one of its storage hosts. Its name is the first part of the path here."""


@dataclass(frozen=True)
class Call:
    """A call that was let in. `estate` is what it is about: the account's, or a subaccount's."""

    account: Account
    host: Host
    key: Key
    estate: Estate
    request: Request
    form: Form
    at: datetime

    @property
    def region(self) -> Region:
        return _region(self.host)

    def part(self, name: str) -> str:
        """A variable part of the path, decoded."""
        value: str = self.request.path_params[name]
        return value

    def page(self) -> Page:
        """The page that is asked for, no more than is given at once; raises the `Refusal` of one that cannot be."""
        return Page.asked(self.request.query_params).at_most(self.account.largest_page)

    def domain(self, part: str, otherwise: str = "Domain not found") -> Domain:
        """The domain that the path names; raises 404 in these words where this region has none of that name."""
        domain = self.estate.domain(self.region, self.part(part))
        if domain is None:
            raise not_found(otherwise)
        return domain


class Answer(Protocol):
    """Does what a call asks, and says what Mailgun would say; raises `Refusal` where it would refuse."""

    def __call__(self, call: Call) -> dict[str, object]: ...


@dataclass(frozen=True)
class Endpoint:
    """One method of one of Mailgun's paths, and what a key needs for it."""

    method: str
    path: str
    power: Power
    answer: Answer


@dataclass(frozen=True)
class LoggedCall:
    """What the log keeps of a call. No secret: of the body, the names of the fields only."""

    at: datetime
    host: Host
    method: str
    path: str
    query: str
    fields: tuple[str, ...]
    login: str | None
    on_behalf_of: str | None
    key_id: str | None
    status: int

    def told(self) -> dict[str, object]:
        return {
            "at": drill_time(self.at),
            "region": _region(self.host),
            "host": self.host,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "fields": list(self.fields),
            "login": self.login,
            "on_behalf_of": self.on_behalf_of,
            "key_id": self.key_id,
            "status": self.status,
        }


@dataclass
class CallLog:
    """Every API call that reached this Mailgun, refused ones too, in order.

    A request that a fault kept from being applied never came here.
    """

    calls: list[LoggedCall] = field(default_factory=list)


class Desk:
    """Where the calls of one host are let in, answered and logged."""

    def __init__(self, account: Account, host: Host, log: CallLog, now: Clock) -> None:
        self._account = account
        self._host = host
        self._log = log
        self._now = now

    def route(self, endpoint: Endpoint) -> Route:
        """The route that serves an endpoint."""

        async def serve(request: Request) -> Response:
            return await self._serve(endpoint, request)

        return Route(endpoint.path, serve, methods=[endpoint.method])

    def unknown_route(self) -> Route:
        """The route for all that Mailgun's API does not have: 404, in plain text."""

        async def serve(request: Request) -> Response:
            response = Refusal(404, "404 page not found", plain=True).response()
            self._keep(request, Form("", {}), self._calling(request), response.status_code)
            return response

        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Route("/{path:path}", serve, methods=methods)

    async def _serve(self, endpoint: Endpoint, request: Request) -> Response:
        form = await read_form(request)
        found = self._calling(request)
        response: Response
        try:
            at = self._now()
            caller = admit(
                self._account,
                found,
                endpoint.power,
                request.headers.get(ON_BEHALF_OF),
                request.path_params.get("domain_name"),
                at,
            )
            call = Call(self._account, self._host, caller.key, caller.estate, request, form, at)
            response = JSONResponse(endpoint.answer(call))
        except Refusal as refusal:
            response = refusal.response()
        self._keep(request, form, found, response.status_code)
        return response

    def _calling(self, request: Request) -> tuple[Key, Estate] | None:
        return calling_key(self._account, request.headers.get("authorization", ""))

    def _keep(self, request: Request, form: Form, found: tuple[Key, Estate] | None, status: int) -> None:
        path = request.url.path.removeprefix(f"/{self._host}")
        self._log.calls.append(
            LoggedCall(
                at=self._now(),
                host=self._host,
                method=request.method,
                path=path,
                query=request.url.query,
                fields=tuple(form.fields),
                login=request.path_params.get("spec") or next(iter(form.fields.get("login", [])), None),
                on_behalf_of=request.headers.get(ON_BEHALF_OF),
                key_id=found[0].id if found else None,
                status=status,
            )
        )


def _region(host: Host) -> Region:
    return host.region if isinstance(host, StorageHost) else host
