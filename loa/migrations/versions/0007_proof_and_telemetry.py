"""Further tiers of proof in a play report; what receivers tell of supply, temperature and network."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version. Of older reports nothing but the frames is known."""
    op.add_column("playreportrow", sa.Column("amplifier_drew", sa.Boolean(), nullable=True))
    op.add_column("playreportrow", sa.Column("microphone_heard", sa.Boolean(), nullable=True))
    op.add_column("playreportrow", sa.Column("electrical", sa.LargeBinary(), nullable=True))
    op.add_column("playreportrow", sa.Column("acoustic", sa.LargeBinary(), nullable=True))
    op.create_table(
        "telemetrysample",
        sa.Column("receiver_id", sa.String(), primary_key=True),
        sa.Column("at", UtcDateTime(), primary_key=True),
        sa.Column("mains_v", sa.Float(), nullable=True),
        sa.Column("battery_v", sa.Float(), nullable=True),
        sa.Column("on_battery", sa.Boolean(), nullable=True),
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("signal_dbm", sa.Integer(), nullable=True),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("sim", sa.String(), nullable=False),
    )
