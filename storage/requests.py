"""Requests: what somebody clicked or typed, each delivery stored once."""

from collections.abc import Sequence

from sqlalchemy import Connection, case, literal, update

from recovery import store
from recovery.actions import Ask
from recovery.state import NewRequest, Request
from storage.rows import Rows
from storage.schema import WAITING, RequestRow

REQUESTS = Rows(RequestRow, Request)

_WITHOUT_A_KEY = case((RequestRow.action == Ask.GIVE_KEY, literal({}, RequestRow.about.type)), else_=RequestRow.about)
"""What a closed request is still about. Here, so that no way in which one ends can leave a key behind."""


class Requests(store.Requests):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: NewRequest) -> int | None:
        stored = REQUESTS.insert_new(self._connection, Request(**vars(request)))
        return None if stored is None else stored.id

    def get(self, request_id: int) -> Request:
        return REQUESTS.get(self._connection, request_id)

    def close(self, request_id: int, outcome: str) -> None:
        closed = update(RequestRow).where(RequestRow.id == request_id)
        self._connection.execute(closed.values(outcome=outcome, about=_WITHOUT_A_KEY))

    def close_all(self, request_ids: Sequence[int], outcome: str) -> None:
        if request_ids:
            closed = update(RequestRow).where(RequestRow.id.in_(request_ids))
            self._connection.execute(closed.values(outcome=outcome, about=_WITHOUT_A_KEY))

    def waiting(self) -> list[Request]:
        query = REQUESTS.select().where(WAITING).order_by(RequestRow.id)
        return REQUESTS.all(self._connection, query)
