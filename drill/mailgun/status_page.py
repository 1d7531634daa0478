"""Mailgun's Statuspage: `/api/v2/summary.json`, all operational until told otherwise."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.orders import Order, order_handler


class Indicator(enum.StrEnum):
    """How bad things are, in Statuspage's words."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


_COMPONENT_STATUS = {
    Indicator.NONE: "operational",
    Indicator.MINOR: "degraded_performance",
    Indicator.MAJOR: "partial_outage",
    Indicator.CRITICAL: "major_outage",
}
_COMPONENTS = ("API", "SMTP", "Control Panel")


class StatusPage:
    """What the page says now."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._indicator = Indicator.NONE
        self._description = "All Systems Operational"

    def summary(self) -> dict[str, object]:
        """The summary in Statuspage's fields."""
        return {
            "page": {
                "id": "practice",
                "name": "Mailgun",
                "url": "https://status.mailgun.com",
                "time_zone": "Etc/UTC",
                "updated_at": self._now().isoformat(timespec="milliseconds"),
            },
            "components": [
                {
                    "id": name.lower().replace(" ", "-"),
                    "name": name,
                    "status": _COMPONENT_STATUS[self._indicator],
                }
                for name in _COMPONENTS
            ],
            "incidents": [],
            "scheduled_maintenances": [],
            "status": {"indicator": self._indicator, "description": self._description},
        }

    def public_routes(self) -> list[Route]:
        async def tell(request: Request) -> Response:
            return JSONResponse(self.summary())

        return [Route("/api/v2/summary.json", tell, methods=["GET"])]

    def order_routes(self) -> list[Route]:
        """`PATCH /_drill/status {indicator, description}`."""

        async def change(request: Request) -> Response:
            order = await Order.read(request)
            indicator = order.choice("indicator", Indicator, self._indicator)
            description = order.optional_text("description")
            order.finish()
            self._indicator = indicator
            if description is not None:
                self._description = description
            return JSONResponse(self.summary())

        return [Route("/_drill/status", order_handler(change), methods=["PATCH"])]
