"""Where receivers stand, and the outlines of communes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receiver", sa.Column("latitude_deg", sa.Float()))
    op.add_column("receiver", sa.Column("longitude_deg", sa.Float()))
    op.add_column("commune", sa.Column("outline", sa.Text()))
