"""Communes have a lead and limits of live broadcasts."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default in (("live_lead_ms", "1000"), ("live_silence_s", "90"), ("live_longest_min", "60")):
        op.add_column("commune", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(default)))
