"""When communes and zones may sound, how loud at night, how many minutes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "noiserules",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(63), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("zone_id", sa.String(), nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=False),
        sa.Column("night_from_minute", sa.Integer(), nullable=False),
        sa.Column("night_until_minute", sa.Integer(), nullable=False),
        sa.Column("night_volume_percent", sa.Integer(), nullable=False),
        sa.Column("minutes_a_day", sa.Integer(), nullable=True),
        sa.Column("minutes_a_week", sa.Integer(), nullable=True),
        sa.Column("refuses", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("commune_id", "zone_id"),
    )
