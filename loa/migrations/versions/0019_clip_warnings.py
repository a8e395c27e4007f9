"""What an operator should know of a recording that was accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clip", sa.Column("warnings", sa.Text(), nullable=False, server_default=sa.text("''")))
