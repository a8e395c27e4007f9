"""Which message a key switch at a receiver starts, and which a drill by schedule plays."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("alert_settings") as settings:
        settings.add_column(sa.Column("drill_template", sa.Integer(), nullable=False, server_default=sa.text("10")))
        settings.add_column(sa.Column("trigger_template", sa.Integer(), nullable=False, server_default=sa.text("0")))
        settings.add_column(
            sa.Column("trigger_ends_on_release", sa.Boolean(), nullable=False, server_default=sa.true())
        )
