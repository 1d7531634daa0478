"""A server with one thing to do, for the weather to come over."""

import time
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from drill.faults import FaultMiddleware, Faults
from drill.serving import PracticeServer

PATIENCE = 0.3
ANSWERED = "answered"


class Shelf:
    """A server with one thing to do: it keeps what is put on it, and lists it in both services' ways."""

    def __init__(self) -> None:
        self.kept: list[dict[str, str]] = []
        faults = Faults()

        async def put(request: Request) -> Response:
            self.kept.append({"id": (await request.body()).decode(), "ts": f"{time.time():.6f}"})
            return JSONResponse({"kept": len(self.kept)})

        async def take_down(request: Request) -> Response:
            self.kept = [thing for thing in self.kept if thing["id"] != request.path_params["id"]]
            return JSONResponse({"kept": len(self.kept)})

        async def show(request: Request) -> Response:
            return JSONResponse({"items": self.kept})

        async def tell(request: Request) -> Response:
            return JSONResponse({"ok": True, "messages": self.kept})

        async def be_busy(request: Request) -> Response:
            time.sleep(0.3)
            return JSONResponse({})

        async def echo(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text(await websocket.receive_text())
            await websocket.close()

        routes = [
            *faults.routes(),
            Route("/us/v1/keys", put, methods=["POST"]),
            Route("/us/v1/keys", show, methods=["GET"]),
            Route("/us/v1/keys/{id}", take_down, methods=["DELETE"]),
            Route("/api/chat.postMessage", put, methods=["POST"]),
            Route("/api/conversations.history", tell, methods=["GET", "POST"]),
            Route("/response/{id}", put, methods=["POST"]),
            Route("/_drill/shelf", put, methods=["POST"]),
            Route("/_drill/busy", be_busy, methods=["GET"]),
            WebSocketRoute("/socket", echo),
        ]
        self.server = PracticeServer(FaultMiddleware(Starlette(routes=routes), faults))
        self.url = self.server.url

    def weather(self, **order: Any) -> requests.Response:
        return requests.post(f"{self.url}/_drill/weather", json=order, timeout=5)

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = requests.get(f"{self.url}/_drill/weather", timeout=5).json()
        return told

    def put(self, thing: str = "a thing", path: str = "/us/v1/keys", timeout: float = 5) -> requests.Response:
        return requests.post(self.url + path, data=thing, timeout=timeout)

    def listed(self, path: str = "/us/v1/keys") -> list[str]:
        told = requests.get(self.url + path, timeout=5).json()
        return [thing["id"] for thing in told.get("items", told.get("messages"))]

    def outcome(self, path: str = "/us/v1/keys") -> str:
        """What a client that is not very patient gets."""
        try:
            answer = self.put(path=path, timeout=PATIENCE)
        except requests.Timeout:
            return "silence"
        except requests.ConnectionError:
            return "dropped"
        if answer.status_code != 200:
            return str(answer.status_code)
        return ANSWERED if answer.content.startswith(b"{") else "garbage"
