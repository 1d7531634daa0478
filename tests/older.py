"""A database as an older version of the bot left it: its own tables, the rows of a run in them."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from storage.migrate import upgrade
from storage.urls import parsed
from tests.databases import empty_url

OLDEST = "0001"


def as_older_version_left_it(url: str, folder: Path) -> str:
    """The URL of another database of the same kind, made by the first migration alone, with the rows of this one.

    What the first version had no column for is left out.
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


def shared_columns(older: sa.Engine, newer: sa.Engine) -> dict[str, list[str]]:
    """By table, in an order in which rows refer to rows that are there."""
    old, new = sa.MetaData(), sa.MetaData()
    old.reflect(older)
    new.reflect(newer)
    newer.dispose()
    tables = [table for table in old.sorted_tables if table.name != "alembic_version"]
    return {table.name: [c.name for c in table.columns if c.name in new.tables[table.name].c] for table in tables}


def copy_sqlite(source: str, target: str, columns: dict[str, list[str]]) -> None:
    connection = sqlite3.connect(target.removeprefix("sqlite:///"))
    connection.execute("ATTACH ? AS source", (source.removeprefix("sqlite:///"),))
    for table, names in columns.items():
        listed = ", ".join(f'"{name}"' for name in names)
        connection.execute(f"INSERT INTO main.{table} ({listed}) SELECT {listed} FROM source.{table}")
    connection.commit()
    connection.close()


def copy_postgresql(source: str, target: str, columns: dict[str, list[str]]) -> None:
    with psycopg.connect(source) as reading, psycopg.connect(target) as writing:
        for table, names in columns.items():
            copied = copy_out(reading, table, names)
            with writing.cursor().copy(copy_statement(table, names, "FROM STDIN")) as rows:
                rows.write(copied)
            if "id" in names:
                # Rows that came with their numbers did not count on the sequence.
                last = sql.SQL("SELECT setval(s, (SELECT max(id) FROM {})) FROM pg_get_serial_sequence({}, 'id') s")
                writing.execute(last.format(sql.Identifier(table), sql.Literal(table)))


def copy_out(connection: psycopg.Connection, table: str, names: Sequence[str]) -> bytes:
    with connection.cursor().copy(copy_statement(table, names, "TO STDOUT")) as rows:
        return b"".join(bytes(piece) for piece in rows)


def copy_statement(table: str, names: Sequence[str], way: str) -> sql.Composed:
    listed = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    return sql.SQL("COPY {} ({}) {}").format(sql.Identifier(table), listed, sql.SQL(way))
