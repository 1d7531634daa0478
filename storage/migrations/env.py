"""Alembic's way in. `storage.migrate` brings the connection, its transaction already begun."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from storage.columns import JsonMapping, JsonTuple, Moment
from storage.schema import Base


def plainly(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Writes our own types as what they are in the database: a migration must not change with `storage`."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JsonTuple | JsonMapping):
        return "sa.JSON()"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String({item.length})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=plainly,
    # SQLite alters next to nothing in place; Alembic copies the table instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
