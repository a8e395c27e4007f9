"""A commune has a storage of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commune", sa.Column("storage_gb", sa.Integer()))
