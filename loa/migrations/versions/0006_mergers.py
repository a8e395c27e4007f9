"""Mergers and splits of communes: their origin, earlier communes of receivers, and what an undo needs."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commune", sa.Column("retired_at", UtcDateTime()))
    op.add_column("broadcast", sa.Column("replaces", sa.String(), nullable=True))
    op.create_table(
        "communesuccession",
        sa.Column("former_id", sa.String(63), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("successor_id", sa.String(63), sa.ForeignKey("commune.id"), primary_key=True, index=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "formerplace",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("receiver_id", sa.String(63), sa.ForeignKey("receiver.id"), nullable=False, index=True),
        sa.Column("commune_id", sa.String(63), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("zones", sa.LargeBinary(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=False),
        sa.Column("told_until", UtcDateTime(), nullable=False),
        sa.Column("live_until", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "broadcastaddress",
        sa.Column("broadcast_id", sa.String(), sa.ForeignKey("broadcast.id"), primary_key=True),
        sa.Column("commune_id", sa.String(63), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("targets", sa.LargeBinary(), nullable=True),
        sa.Column("announced_revision", sa.Integer(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "merger",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "mergerjournal",
        sa.Column("merger_id", sa.Integer(), sa.ForeignKey("merger.id"), primary_key=True),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("receivers", sa.LargeBinary(), nullable=False),
    )
