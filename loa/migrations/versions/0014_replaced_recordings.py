"""Where a recording was replaced, so that it can be put back."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clip", sa.Column("replaced_in", sa.Text()))
