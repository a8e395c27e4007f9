"""Texts that are read aloud stay with the recording; a commune corrects how its words are read."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("clip", "ingestjob"):
        op.add_column(table, sa.Column("speech", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "pronunciation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("typed", sa.String(), nullable=False),
        sa.Column("spoken", sa.String(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
    )
