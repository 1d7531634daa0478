"""Gives orders to a practice server: a thin client of `/_drill/...`."""

from typing import Any

import requests

JsonObject = dict[str, Any]

_TIMEOUT = 10.0


class OrderFailed(Exception):
    """A practice server did not follow an order. The text has its words; `status` its HTTP status."""

    def __init__(self, order: str, status: int, words: str) -> None:
        super().__init__(f"{order}: {words}")
        self.status = status


class Orders:
    """The orders of one practice server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def look(self, path: str, **query: str | int) -> JsonObject:
        """What the server shows at `/_drill/<path>`."""
        return self._send("GET", path, params=query)

    def give(self, path: str, **order: object) -> JsonObject:
        """Have something done."""
        return self._send("POST", path, json=order)

    def change(self, path: str, **order: object) -> JsonObject:
        """Have something changed."""
        return self._send("PATCH", path, json=order)

    def clear(self, path: str) -> JsonObject:
        """Have something taken away."""
        return self._send("DELETE", path)

    def fault(self, match: dict[str, str], do: str, **how: object) -> None:
        """Order a fault, as `drill.faults` describes."""
        self.give("faults", match=match, do=do, **how)

    def _send(self, method: str, path: str, **carried: Any) -> JsonObject:
        with requests.Session() as session:
            # The server is on this machine: no proxy and no password of the environment is looked for.
            session.trust_env = False
            response = session.request(method, f"{self.url}/_drill/{path}", timeout=_TIMEOUT, **carried)
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        if not response.ok:
            words = str(answer.get("error") or response.text)
            raise OrderFailed(f"{method} {path}", response.status_code, words)
        found: JsonObject = answer
        return found
