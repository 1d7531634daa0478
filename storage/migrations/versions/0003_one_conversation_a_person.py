"""one conversation a person"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ADDED = {
    "incidents": (
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("strays_ts", sa.Text(), nullable=True),
        sa.Column("next_summary_at", sa.DateTime(timezone=True), nullable=True),
    ),
    "people": (
        sa.Column("standing", sa.String(length=64), nullable=False, server_default="unknown"),
        sa.Column("standing_by", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("message_ts", sa.Text(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("put_off", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("urged_by", sa.Text(), nullable=True),
    ),
    "obligations": (
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
    ),
}
_DROPPED = ("reminders", "next_reminder_at", "message_ts")

# A person had a message for each obligation: the first of them becomes the one that is kept up to date, and what the
# other one asked for is added to it, with a word about that. Whoever was not found is looked for once more. What was
# under way for an obligation is planned anew for its person.
_MOVES = (
    "UPDATE people SET standing = CASE WHEN slack_id IS NULL THEN 'unknown' ELSE 'found' END",
    "UPDATE people SET message_ts = (SELECT MIN(message_ts) FROM obligations WHERE person_id = people.id)",
    "UPDATE people SET reminders = COALESCE((SELECT MAX(reminders) FROM obligations WHERE person_id = people.id), 0)",
    "UPDATE obligations SET told_at = (SELECT reached_at FROM people WHERE id = person_id)"
    " WHERE message_ts = (SELECT message_ts FROM people WHERE id = person_id)",
    "UPDATE people SET next_message_at = COALESCE((SELECT MIN(next_reminder_at) FROM obligations"
    " WHERE person_id = people.id AND status IN ('open', 'questioned')),"
    " (SELECT opened_at FROM incidents WHERE id = incident_id))"
    " WHERE slack_id IS NOT NULL AND left_at IS NULL AND EXISTS (SELECT 1 FROM obligations"
    " WHERE person_id = people.id AND status IN ('open', 'questioned'))",
    "UPDATE tasks SET status = 'dropped', finished_at = CURRENT_TIMESTAMP, token = NULL, lease_until = NULL,"
    " lease_owner = NULL, failure = 'planned anew by a newer version'"
    " WHERE finished_at IS NULL AND kind IN ('people.tell', 'people.redraw', 'people.remind')",
)


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column)
    for move in _MOVES:
        op.execute(move)
    op.drop_index("obligations_due", table_name="obligations")
    for name in _DROPPED:
        op.drop_column("obligations", name)
    op.create_index("people_due", "people", ["next_message_at"])


def downgrade() -> None:
    op.drop_index("people_due", table_name="people")
    op.add_column("obligations", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("obligations", sa.Column("next_reminder_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("obligations", sa.Column("message_ts", sa.Text(), nullable=True))
    op.create_index("obligations_due", "obligations", ["next_reminder_at"])
    for table, columns in _ADDED.items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
