"""How operators are reached, and of which faults they are told."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("full_name", "phone", "email"):
        op.add_column("operator", sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "notification_rule",
        sa.Column("operator_id", sa.Integer(), sa.ForeignKey("operator.id"), primary_key=True),
        sa.Column("email", sa.Boolean(), nullable=False),
        sa.Column("sms", sa.Boolean(), nullable=False),
        sa.Column("webhook", sa.Boolean(), nullable=False),
        sa.Column("webhook_url", sa.String(), nullable=False),
        sa.Column("key_revision", sa.Integer(), nullable=False),
        sa.Column("groups", sa.String(), nullable=False),
        sa.Column("communes", sa.String(), nullable=False),
        sa.Column("severe_only", sa.Boolean(), nullable=False),
        sa.Column("quiet_from_minute", sa.Integer()),
        sa.Column("quiet_until_minute", sa.Integer()),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("after_fault_id", sa.Integer(), nullable=False),
    )
    op.create_table(
        "fault_notice",
        sa.Column("operator_id", sa.Integer(), sa.ForeignKey("operator.id"), primary_key=True),
        sa.Column("fault_id", sa.Integer(), primary_key=True, index=True),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime()),
        sa.Column("end_noticed_at", UtcDateTime()),
        sa.Column("end_told_at", UtcDateTime(), index=True),
    )
    op.create_table(
        "notification_delivery",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("operator_id", sa.Integer(), sa.ForeignKey("operator.id"), nullable=False, index=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, index=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False, index=True),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("held_until", UtcDateTime()),
        sa.Column("tried_at", UtcDateTime()),
    )
