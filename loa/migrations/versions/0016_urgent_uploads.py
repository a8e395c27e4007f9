"""Uploads for an emergency are processed before others."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingestjob", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
