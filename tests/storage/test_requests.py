from dataclasses import replace

import pytest

from recovery.actions import SEALED, Ask
from storage.database import Database
from tests.storage.given import at_once, new_request


def test_a_request_comes_back_as_it_was_stored(database: Database) -> None:
    given = new_request()
    with database.write() as tx:
        request_id = tx.requests.add(given)
        assert request_id is not None
        stored = tx.requests.get(request_id)
    assert vars(stored) == {**vars(given), "id": request_id, "outcome": None}


def test_a_delivery_is_stored_once(database: Database) -> None:
    def deliver() -> bool:
        with database.write() as tx:
            return tx.requests.add(new_request("same")) is not None

    assert sorted(at_once([deliver] * 8)) == [False] * 7 + [True]


def test_those_that_wait_are_listed_oldest_first(database: Database) -> None:
    with database.write() as tx:
        ids = [tx.requests.add(new_request(f"d{n}", "open" if n < 3 else "skip")) for n in range(4)]
        for request_id in ids:
            assert request_id is not None
            tx.requests.close(request_id, "waiting")
        assert ids[1] is not None
        tx.requests.close(ids[1], "opened")
        assert [request.id for request in tx.requests.waiting()] == [ids[0], ids[2], ids[3]]


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "together"])
def test_a_closed_request_keeps_no_sealed_key_and_another_keeps_what_it_was_about(
    database: Database, many: bool
) -> None:
    about = {"incident": "1", SEALED: "gAAAA"}
    with database.write() as tx:
        ids = [
            tx.requests.add(replace(new_request(action, action), about=about)) or 0
            for action in (Ask.GIVE_KEY, Ask.SKIP)
        ]
        if many:
            tx.requests.close_all(ids, "taken")
        else:
            for request_id in ids:
                tx.requests.close(request_id, "taken")
        assert [tx.requests.get(request_id).about for request_id in ids] == [{}, about]
