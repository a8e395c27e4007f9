"""When the pause of a schedule ends by itself."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedule", sa.Column("paused_until", UtcDateTime()))
