"""Steps of the clock, the last known time, counters, and when each config was issued."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clock_step",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("before_at", UtcDateTime(), nullable=False),
        sa.Column("after_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("dismissed", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "known_time",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    with op.batch_alter_table("receiver") as receiver:
        receiver.add_column(sa.Column("config_issued_at", UtcDateTime(), nullable=True))
    # The revision of a config was this number plus the months since 2026. What receivers hold must be exceeded.
    op.execute("UPDATE receiver SET config_revision = config_revision + 12")
