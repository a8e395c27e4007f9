"""What a change was made to, items named by key, and forms that were sent already."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("subject", sa.String(), nullable=False, server_default=sa.text("''")))
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject"])
    op.add_column("programmeitem", sa.Column("item_key", sa.String(), nullable=False, server_default=sa.text("''")))
    op.execute("UPDATE programmeitem SET item_key = 'i' || CAST(position AS VARCHAR(10))")
    op.create_table(
        "used_key",
        sa.Column("key_hash", sa.String(), primary_key=True),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False, index=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
