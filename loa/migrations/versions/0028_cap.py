"""Sources of alerts from outside, the alerts, and emergencies that are read aloud for them."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cap_source",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False, index=True),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("languages", sa.String(), nullable=False),
        sa.Column("least_severity", sa.String(), nullable=False),
        sa.Column("least_urgency", sa.String(), nullable=False),
        sa.Column("least_certainty", sa.String(), nullable=False),
        sa.Column("drills", sa.Boolean(), nullable=False),
        sa.Column("read_at", UtcDateTime()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_at", UtcDateTime()),
        sa.Column("retired_at", UtcDateTime()),
    )
    op.create_table(
        "cap_alert",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("source_id", sa.Integer(), sa.ForeignKey("cap_source.id"), nullable=False, index=True),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("sent", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("references", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("certainty", sa.String(), nullable=False),
        sa.Column("sender_name", sa.String(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("aim", sa.String(), nullable=False),
        sa.Column("in_own_language", sa.Boolean(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("effective_at", UtcDateTime()),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, index=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("emergency_id", sa.String(), nullable=False, index=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.UniqueConstraint("commune_id", "sender", "identifier", "sent"),
    )
    op.create_table(
        "spoken_emergency",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("reference", sa.String(), nullable=False, unique=True),
        sa.Column("order", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, index=True),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("broadcast_id", sa.String(), nullable=False, index=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
    )
