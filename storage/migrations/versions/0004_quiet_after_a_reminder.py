"""quiet after a reminder"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# Nothing else is known of when they were reminded last, or of what they were promised. A reminder that was under way is
# planned anew, once for all users that one person in Slack is.
_MOVES = (
    # Whoever is found anew is told anew.
    "UPDATE people SET message_ts = NULL, channel_id = NULL WHERE slack_id IS NULL",
    "UPDATE people SET quiet_until = next_message_at WHERE message_ts IS NOT NULL",
    "UPDATE people SET next_message_at = (SELECT opened_at FROM incidents WHERE id = incident_id)"
    " WHERE next_message_at IS NULL AND slack_id IS NOT NULL AND left_at IS NULL AND EXISTS (SELECT 1 FROM tasks"
    " WHERE tasks.incident_id = people.incident_id AND kind = 'people.remind' AND finished_at IS NULL)",
    "UPDATE tasks SET status = 'dropped', finished_at = CURRENT_TIMESTAMP, token = NULL, lease_until = NULL,"
    " lease_owner = NULL, failure = 'planned anew by a newer version'"
    " WHERE finished_at IS NULL AND kind = 'people.remind'",
)


def upgrade() -> None:
    op.add_column("people", sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True))
    for move in _MOVES:
        op.execute(move)


def downgrade() -> None:
    op.drop_column("people", "quiet_until")
