"""The practice Mailgun as one app: both regions, the storage hosts, the status page, and the drill's orders."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from drill.faults import FaultMiddleware, Faults
from drill.mailgun import (
    alerts,
    allowlist,
    credentials,
    domains,
    envelopes,
    keys,
    messages,
    metrics,
    routes,
    settings,
    users,
    webhooks,
)
from drill.mailgun.calls import CallLog, Clock, Desk, Endpoint, Host
from drill.mailgun.model import Account
from drill.mailgun.orders import Orders
from drill.mailgun.places import Region, StorageHost
from drill.mailgun.status_page import StatusPage
from drill.mailgun.times import utc_now

ENDPOINTS: tuple[Endpoint, ...] = (
    *keys.ENDPOINTS,
    *domains.ENDPOINTS,
    *credentials.ENDPOINTS,
    *users.ENDPOINTS,
    *settings.ENDPOINTS,
    *messages.ENDPOINTS,
    *routes.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *allowlist.ENDPOINTS,
    *alerts.ENDPOINTS,
    *metrics.ENDPOINTS,
)
"""Every method and path of Mailgun's API that this server has, in each region."""

STORAGE_ENDPOINTS: tuple[Endpoint, ...] = envelopes.ENDPOINTS
"""What the storage hosts have, and the regions' APIs do not."""

_HOSTS: dict[Host, tuple[Endpoint, ...]] = {
    **dict.fromkeys(Region, ENDPOINTS),
    **dict.fromkeys(StorageHost, STORAGE_ENDPOINTS),
}


def create_app(account: Account, latency: float = 0.0, now: Clock = utc_now) -> Starlette:
    """A Mailgun with this one account, which the calls change.

    Each call is applied when all of it has arrived, then waits `latency` seconds, then is answered. `now`
    dates what happens; it must give UTC with its offset.
    """
    log, faults, status_page = CallLog(), Faults(), StatusPage(now)
    served: list[BaseRoute] = [
        *Orders(account, log, now).routes(),
        *status_page.order_routes(),
        *faults.routes(),
        Mount("/status", routes=status_page.public_routes()),
        Route("/healthz", _health, methods=["GET"]),
    ]
    for host, endpoints in _HOSTS.items():
        desk = Desk(account, host, log, now)
        mailgun_routes = [desk.route(endpoint) for endpoint in endpoints]
        served.append(Mount(f"/{host}", routes=[*mailgun_routes, desk.unknown_route()]))
    fault_middleware = Middleware(FaultMiddleware, faults=faults, latency=latency, path_names=_path_names)
    return Starlette(routes=served, middleware=[fault_middleware])


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


def _path_names(path: str) -> Sequence[str]:
    """A fault's order may name a path with its host or as Mailgun does, without: then it means all hosts."""
    for host in _HOSTS:
        if path.startswith(f"/{host}/"):
            return (path, path.removeprefix(f"/{host}"))
    return (path,)
