"""The record of every move: the database itself writes down each change of a status or a version."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from storage.database import Database
from tests.recovery.world import World

WATCHED = {"steps": "version", "obligations": "version", "incidents": "0", "handovers": "0"}


@contextmanager
def recording(database: Database) -> Iterator[None]:
    """Let the database itself write down every change of a status or a version."""
    with database._writing.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE moves (id INTEGER PRIMARY KEY, of TEXT, row INTEGER, was TEXT, became TEXT, was_version "
            "INTEGER, version INTEGER, decided TEXT, last_task INTEGER)"
        )
        for table, version in WATCHED.items():
            old, new = ("0", "0") if version == "0" else (f"OLD.{version}", f"NEW.{version}")
            decided = "NULL"
            if table == "steps":
                decided = (
                    "CASE WHEN NEW.decided_at IS NOT OLD.decided_at AND NEW.decision IS NOT NULL "
                    "THEN json_array(NEW.decision, NEW.decided_by) END"
                )
            connection.exec_driver_sql(
                f"CREATE TRIGGER moves_of_{table} AFTER UPDATE ON {table} "
                f"WHEN OLD.status IS NOT NEW.status OR {old} IS NOT {new} BEGIN "
                "INSERT INTO moves (of, row, was, became, was_version, version, decided, last_task) VALUES "
                f"('{table}', NEW.id, OLD.status, NEW.status, {old}, {new}, {decided}, "
                "(SELECT coalesce(max(id), 0) FROM tasks)); END"
            )
    try:
        yield
    finally:
        with database._writing.begin() as connection:
            for table in WATCHED:
                connection.exec_driver_sql(f"DROP TRIGGER moves_of_{table}")
            connection.exec_driver_sql("DROP TABLE moves")


@dataclass(frozen=True)
class Move:
    of: str
    row: int
    was: str
    became: str
    was_version: int
    version: int
    decided: tuple[str, str] | None
    last_task: int
    """The newest task at that moment."""


def moves(world: World, of: str) -> list[Move]:
    with world.database._reading.begin() as connection:
        rows = connection.exec_driver_sql(
            "SELECT of, row, was, became, was_version, version, decided, last_task FROM moves WHERE of = ? ORDER BY id",
            (of,),
        ).all()
    return [Move(*row[:6], tuple(json.loads(row[6])) if row[6] else None, row[7]) for row in rows]
