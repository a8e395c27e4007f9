"""Emergency messages that were recorded at that moment."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "emergency_alert", sa.Column("free_job_id", sa.String(), nullable=False, server_default=sa.text("''"))
    )
