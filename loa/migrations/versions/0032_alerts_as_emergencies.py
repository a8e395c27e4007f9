"""Alerts from outside become emergencies of the emergency page; free messages in English too."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("spoken_emergency")
    # Their ids were those of the dropped table. What is on air ends by itself.
    op.execute("UPDATE cap_alert SET state = 'ended' WHERE state = 'started'")
    op.execute("UPDATE cap_alert SET emergency_id = ''")
    with op.batch_alter_table("emergency_alert") as alerts:
        alerts.add_column(sa.Column("free_english", sa.Text(), nullable=False, server_default=sa.text("''")))
