"""Alerts by SMS: telephone numbers of receivers, what became of each message, and the commune's settings for it."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receiver", sa.Column("alert_phone", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("emergency_alert", sa.Column("by_sms", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("alert_receipt") as receipts:
        receipts.alter_column("arrived_at", existing_type=UtcDateTime(), nullable=True)
        receipts.add_column(sa.Column("sms_state", sa.String(), nullable=False, server_default=sa.text("''")))
        receipts.add_column(sa.Column("sms_at", UtcDateTime()))
        receipts.add_column(sa.Column("sms_tries", sa.Integer(), nullable=False, server_default=sa.text("0")))
        receipts.add_column(sa.Column("sms_error", sa.Text(), nullable=False, server_default=sa.text("''")))
    with op.batch_alter_table("alert_settings") as settings:
        settings.add_column(sa.Column("sms_after_s", sa.Integer(), nullable=False, server_default=sa.text("10")))
        settings.add_column(sa.Column("sms_is_automatic", sa.Boolean(), nullable=False, server_default=sa.false()))
        settings.add_column(sa.Column("sms_price_vnd", sa.Integer(), nullable=False, server_default=sa.text("0")))
