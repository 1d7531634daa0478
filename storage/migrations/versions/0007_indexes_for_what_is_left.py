"""indexes for what is left, not for what is done"""

from collections.abc import Mapping, Sequence

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE = {
    "obligations_incident": ("obligations", ["incident_id", "step_id"]),
    "people_due": ("people", ["next_message_at"]),
    "tasks_incident": ("tasks", ["incident_id", "kind", "status"]),
    "tasks_step": ("tasks", ["step_id", "kind", "status"]),
}
_AFTER = {
    "obligations_incident": ("obligations", ["incident_id", "status", "step_id"]),
    "people_due": ("people", ["incident_id", "next_message_at"]),
    "tasks_incident": ("tasks", ["incident_id", "status", "kind", "step_id"]),
    "tasks_step": ("tasks", ["step_id", "status", "kind"]),
}


def upgrade() -> None:
    _index(_AFTER)


def downgrade() -> None:
    _index(_BEFORE)


def _index(columns: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    for name, (table, of) in columns.items():
        op.drop_index(name, table_name=table)
        op.create_index(name, table, of)
