"""A database as an older version of the bot left it: its own tables, the rows of a run in them."""

import sqlite3
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from storage.migrate import upgrade
from storage.urls import parsed
from tests.databases import empty_url

OLDEST = "0001"

Columns = dict[str, dict[str, str]]
"""By table, the expression in this version's tables for each column of the older one's."""

_OF_PERSON = "(SELECT p.{column} FROM {people} p WHERE p.id = person_id)"
KEPT_ELSEWHERE = {
    "obligations": {
        "message_ts": _OF_PERSON.replace("{column}", "message_ts"),
        "reminders": _OF_PERSON.replace("{column}", "reminders"),
        "next_reminder_at": _OF_PERSON.replace("{column}", "next_message_at"),
    }
}
"""Each of somebody's obligations had a message and reminders of its own once."""


def as_older_version_left_it(url: str, folder: Path) -> str:
    """The URL of another database of the same kind, made by the first migration alone, with the rows of this one.

    What the first version had no column for is left out; what it kept elsewhere is put back there.
    """
    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    older = empty_url(kind, folder)
    engine = sa.create_engine(parsed(older))
    with engine.begin() as connection:
        upgrade(connection, to=OLDEST)
    columns = shared_columns(engine, sa.create_engine(parsed(url)))
    engine.dispose()
    (copy_sqlite if kind == "sqlite" else copy_postgresql)(url, older, columns)
    return older


def shared_columns(older: sa.Engine, newer: sa.Engine) -> Columns:
    """In an order in which rows refer to rows that are there."""
    old, new = sa.MetaData(), sa.MetaData()
    old.reflect(older)
    new.reflect(newer)
    newer.dispose()
    tables = [table.name for table in old.sorted_tables if table.name != "alembic_version"]
    shared = {
        table: {c.name: f'"{c.name}"' for c in old.tables[table].columns if c.name in new.tables[table].c}
        for table in tables
    }
    return {table: columns | KEPT_ELSEWHERE.get(table, {}) for table, columns in shared.items()}


def copy_sqlite(source: str, target: str, columns: Columns) -> None:
    connection = sqlite3.connect(target.removeprefix("sqlite:///"))
    connection.execute("ATTACH ? AS source", (source.removeprefix("sqlite:///"),))
    for table, read in columns.items():
        names = ", ".join(f'"{name}"' for name in read)
        values = ", ".join(read.values()).replace("{people}", "source.people")
        connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {values} FROM source.{table}")
    connection.commit()
    connection.close()


def copy_postgresql(source: str, target: str, columns: Columns) -> None:
    with psycopg.connect(source) as reading, psycopg.connect(target) as writing:
        for table, read in columns.items():
            values = ", ".join(read.values()).replace("{people}", "people")
            with reading.cursor().copy(f"COPY (SELECT {values} FROM {table}) TO STDOUT".encode()) as rows:
                copied = b"".join(bytes(piece) for piece in rows)
            names = ", ".join(f'"{name}"' for name in read)
            with writing.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as written:
                written.write(copied)
            if "id" in read:
                # Rows that came with their numbers did not count on the sequence.
                last = sql.SQL("SELECT setval(s, (SELECT max(id) FROM {})) FROM pg_get_serial_sequence({}, 'id') s")
                writing.execute(last.format(sql.Identifier(table), sql.Literal(table)))
