"""The practice Mailgun as one app: both regions, the status page, and the drill's orders."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from drill.faults import FaultMiddleware, Faults
from drill.mailgun import credentials, domains, keys, messages, settings, users
from drill.mailgun.calls import CallLog, Clock, Desk, Endpoint
from drill.mailgun.model import Account, Region
from drill.mailgun.orders import Orders
from drill.mailgun.status_page import StatusPage
from drill.mailgun.times import utc_now

ENDPOINTS: tuple[Endpoint, ...] = (
    *keys.ENDPOINTS,
    *domains.ENDPOINTS,
    *credentials.ENDPOINTS,
    *users.ENDPOINTS,
    *settings.ENDPOINTS,
    *messages.ENDPOINTS,
)
"""Every method and path of Mailgun's API that this server has."""


def create_app(account: Account, latency: float = 0.0, now: Clock = utc_now) -> Starlette:
    """A Mailgun with this one account, which the calls change.

    Each call is applied when all of it has arrived, then waits `latency` seconds, then is answered. `now`
    dates what happens; it must give UTC with its offset.
    """
    log, faults, status_page = CallLog(), Faults(), StatusPage(now)
    routes: list[BaseRoute] = [
        *Orders(account, log, now).routes(),
        *status_page.order_routes(),
        *faults.routes(),
        Mount("/status", routes=status_page.public_routes()),
        Route("/healthz", _health, methods=["GET"]),
    ]
    for region in Region:
        desk = Desk(account, region, log, now)
        mailgun_routes = [desk.route(endpoint) for endpoint in ENDPOINTS]
        routes.append(Mount(f"/{region}", routes=[*mailgun_routes, desk.unknown_route()]))
    fault_middleware = Middleware(FaultMiddleware, faults=faults, latency=latency, path_names=_path_names)
    return Starlette(routes=routes, middleware=[fault_middleware])


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


def _path_names(path: str) -> Sequence[str]:
    """A fault's order may name a path with its region or as Mailgun does, without: then it means both."""
    for region in Region:
        if path.startswith(f"/{region}/"):
            return (path, path.removeprefix(f"/{region}"))
    return (path,)
