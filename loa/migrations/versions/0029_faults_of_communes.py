"""Faults of a commune itself, as a relay station that fails."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("fault") as faults:
        faults.add_column(sa.Column("commune_id", sa.String()))
        faults.add_column(sa.Column("subject", sa.String(), nullable=False, server_default=sa.text("''")))
    with op.batch_alter_table("fault") as faults:
        faults.alter_column("subject", existing_type=sa.String(), server_default=None)
        faults.create_foreign_key("fk_fault_commune", "commune", ["commune_id"], ["id"])
        faults.create_index("ix_fault_commune_id", ["commune_id"])
