"""Imports of what old systems exported."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "external_id",
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("external_id", sa.String(), primary_key=True),
        sa.Column("our_id", sa.String(), nullable=False),
    )
    op.create_table(
        "column_mapping",
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("fingerprint", sa.String(), primary_key=True),
        sa.Column("columns", sa.String(), nullable=False),
    )
    op.create_table(
        "import_file",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("columns", sa.String(), nullable=False),
        sa.Column("default_kind", sa.String(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("counts", sa.String(), nullable=False),
    )
