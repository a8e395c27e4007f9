"""The exchange with the province."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provincelink",
        sa.Column("commune_id", sa.String(63), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("own_code", sa.String(), nullable=False),
        sa.Column("own_name", sa.String(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("province_name", sa.String(), nullable=False),
        sa.Column("receiver_codes", sa.LargeBinary(), nullable=False),
        sa.Column("normal_schedules", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("connected_since", UtcDateTime()),
        sa.Column("away_since", UtcDateTime()),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("held_by", sa.String(), nullable=False),
        sa.Column("held_until", UtcDateTime()),
    )
    op.create_table(
        "provinceletter",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime()),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("commune_id", "key"),
    )
    op.create_index("ix_province_letter_waiting", "provinceletter", ["commune_id", "settled_at", "id"])
    op.create_table(
        "provincemessage",
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
    )
    op.create_table(
        "provinceschedule",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False),
        sa.Column("schedule_id", sa.Integer(), sa.ForeignKey("schedule.id"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("schedule_revision", sa.Integer(), nullable=False),
        sa.Column("from_province", sa.Boolean(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("told_until", UtcDateTime()),
        sa.Column("cancelled_at", UtcDateTime()),
    )
    for column in ("commune_id", "schedule_id", "code"):
        op.create_index(f"ix_provinceschedule_{column}", "provinceschedule", [column])
    op.create_table(
        "provincebulletin",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("schedule_code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("schedule", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("clip_id", sa.String(), sa.ForeignKey("clip.id")),
        sa.Column("broadcast_id", sa.String(), sa.ForeignKey("broadcast.id")),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("ordered", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.UniqueConstraint("commune_id", "code", "schedule_code"),
    )
    for column in ("commune_id", "state"):
        op.create_index(f"ix_provincebulletin_{column}", "provincebulletin", [column])
