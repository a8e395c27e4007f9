"""Zones are retired and restored; communes have a description."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("zone", sa.Column("retired_at", UtcDateTime()))
    op.add_column("commune", sa.Column("description", sa.String(), nullable=False, server_default=sa.text("''")))
