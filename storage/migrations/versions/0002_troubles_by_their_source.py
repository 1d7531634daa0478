"""troubles by their source"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Not in batch mode: copying a table that others refer to would first delete its rows, and SQLite forbids that.
# Adding and dropping one column it does in place.


def upgrade() -> None:
    op.add_column("incidents", sa.Column("troubles", sa.JSON(), nullable=False, server_default="{}"))
    op.drop_column("incidents", "trouble")


def downgrade() -> None:
    op.add_column("incidents", sa.Column("trouble", sa.Text(), nullable=True))
    op.drop_column("incidents", "troubles")
