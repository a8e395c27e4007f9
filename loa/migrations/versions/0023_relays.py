"""Relay sources, relays as items of programmes, and their outages."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relay_source",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("silence_db", sa.Integer(), nullable=False),
        sa.Column("silence_s", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime()),
    )
    op.create_table(
        "relay_outage",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("broadcast_id", sa.String(), sa.ForeignKey("broadcast.id"), nullable=False, index=True),
        sa.Column("source_name", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False, index=True),
        sa.Column("ended_at", UtcDateTime()),
    )
    with op.batch_alter_table("programmeitem") as items:
        items.add_column(sa.Column("relay_source_id", sa.Integer()))
        items.create_foreign_key("fk_programmeitem_relay_source", "relay_source", ["relay_source_id"], ["id"])
        items.create_index("ix_programmeitem_relay_source_id", ["relay_source_id"])
