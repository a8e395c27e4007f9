"""Emergency alerts, their receipts, the sounds of prepared messages, and how communes handle emergencies."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcast", sa.Column("alert_id", sa.String(16)))
    op.create_table(
        "alert_settings",
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("languages", sa.String(), nullable=False),
        sa.Column("voice", sa.String(), nullable=False),
        sa.Column("confirm_within_s", sa.Integer(), nullable=False),
        sa.Column("drill_week", sa.Integer(), nullable=False),
        sa.Column("drill_weekday", sa.Integer(), nullable=False),
        sa.Column("drill_minute", sa.Integer(), nullable=False),
        sa.Column("drill_is_silent", sa.Boolean(), nullable=False),
        sa.Column("drilled_at", UtcDateTime()),
        sa.Column("book_revision", sa.Integer(), nullable=False),
        sa.Column("book_digest", sa.String(), nullable=False),
    )
    op.create_table(
        "alert_sound",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("sound_number", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("zone_id", sa.String()),
        sa.Column("clip_id", sa.String(), sa.ForeignKey("clip.id")),
        sa.Column("made_for", sa.String(), nullable=False),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("renditions", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("commune_id", "sound_number", "language"),
    )
    op.create_table(
        "emergency_alert",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("request_key", sa.String(), nullable=False, index=True),
        sa.Column("template", sa.Integer(), nullable=False),
        sa.Column("slots", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False, index=True),
        sa.Column("confirm_by_at", UtcDateTime()),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime()),
        sa.Column("break_glass_reason", sa.Text(), nullable=False),
        sa.Column("refused_by", sa.String(), nullable=False),
        sa.Column("refused_at", UtcDateTime()),
        sa.Column("issued_at", UtcDateTime(), index=True),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("lasts_us", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("end_kind", sa.String(), nullable=False),
        sa.Column("end_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("free_text", sa.Text(), nullable=False),
        sa.Column("free_clip_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("cleared_at", UtcDateTime()),
    )
    op.create_table(
        "alert_receipt",
        sa.Column("alert_id", sa.String(16), primary_key=True),
        sa.Column("receiver_id", sa.String(), primary_key=True),
        sa.Column("is_end", sa.Boolean(), primary_key=True),
        sa.Column("bearer", sa.String(), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=False),
        sa.Column("took_effect_at", UtcDateTime()),
        sa.Column("cause", sa.String(), nullable=False),
    )
