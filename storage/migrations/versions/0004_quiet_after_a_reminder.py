"""quiet after a reminder"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True))
    # Nothing else is known of when they were reminded last, or of what they were promised.
    op.execute("UPDATE people SET quiet_until = next_message_at WHERE message_ts IS NOT NULL")


def downgrade() -> None:
    op.drop_column("people", "quiet_until")
