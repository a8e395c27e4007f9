"""Delays between receivers that were measured; broadcasts aligned by distance or in turn."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delaymeasurement",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("one_id", sa.String(), sa.ForeignKey("receiver.id"), nullable=False),
        sa.Column("other_id", sa.String(), sa.ForeignKey("receiver.id"), nullable=False),
        sa.Column("one_path_delay_us", sa.Integer(), nullable=False),
        sa.Column("other_path_delay_us", sa.Integer(), nullable=False),
        sa.Column("one_distance_m", sa.Float(), nullable=False),
        sa.Column("other_distance_m", sa.Float(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False, index=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime()),
        sa.Column("offset_us", sa.Integer()),
        sa.Column("error_us", sa.Integer()),
        sa.Column("agreeing", sa.Integer(), nullable=False),
        sa.Column("clipped", sa.Boolean(), nullable=False),
        sa.Column("changed_id", sa.String(), sa.ForeignKey("receiver.id")),
        sa.Column("before_us", sa.Integer()),
        sa.Column("after_us", sa.Integer()),
        sa.Column("taken_at", UtcDateTime()),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("undone_at", UtcDateTime()),
    )
    op.add_column("schedule", sa.Column("spread", sa.Text()))
    op.add_column("broadcast", sa.Column("spread", sa.Text()))
    op.add_column("broadcast", sa.Column("shifts", sa.Text()))
