"""Faults are acknowledged and reset."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version. What was over before counts as reset: nobody shall have to go through a year of them."""
    op.add_column("fault", sa.Column("acknowledged_at", UtcDateTime()))
    op.add_column("fault", sa.Column("acknowledged_by", sa.String()))
    op.add_column("fault", sa.Column("reset_at", UtcDateTime()))
    op.add_column("fault", sa.Column("reset_by", sa.String()))
    op.create_index("ix_fault_reset_at", "fault", ["reset_at"])
    op.execute("UPDATE fault SET acknowledged_at = ended_at, reset_at = ended_at WHERE ended_at IS NOT NULL")
