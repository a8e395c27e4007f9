"""Leases of controllers that share a database."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("lapses_at", UtcDateTime(), nullable=False, index=True),
    )
