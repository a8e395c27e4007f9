"""Provinces, operators' roles in communes, the audit."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version. Who could do everything everywhere is an admin; who could in one commune is its chair."""
    op.create_table(
        "province",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
    )
    _provinces_of_communes()
    op.create_table(
        "operatorcommune",
        sa.Column("operator_id", sa.Integer(), sa.ForeignKey("operator.id"), primary_key=True),
        sa.Column("commune_id", sa.String(), sa.ForeignKey("commune.id"), primary_key=True, index=True),
        sa.Column("role", sa.String(), nullable=False),
    )
    op.execute(
        "INSERT INTO operatorcommune (operator_id, commune_id, role)"
        " SELECT id, commune_id, 'chair' FROM operator WHERE commune_id IS NOT NULL"
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False, index=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("commune_id", sa.String(), nullable=False, index=True),
        sa.Column("commune_name", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
    )
    _operators_without_a_commune_of_their_own()


def _provinces_of_communes() -> None:
    here = op.get_bind()
    op.execute("INSERT INTO province (name) SELECT DISTINCT province FROM commune WHERE province <> ''")
    if here.dialect.name == "sqlite":
        # Alembic would make the key a statement of its own, which SQLite does not know.
        op.execute("ALTER TABLE commune ADD COLUMN province_id INTEGER REFERENCES province (id)")
    else:
        op.add_column("commune", sa.Column("province_id", sa.Integer(), sa.ForeignKey("province.id")))
    op.execute("UPDATE commune SET province_id = (SELECT id FROM province WHERE province.name = commune.province)")
    op.drop_column("commune", "province")


def _operators_without_a_commune_of_their_own() -> None:
    here = op.get_bind()
    sessions = sa.Table("websession", sa.MetaData(), autoload_with=here)
    # SQLite changes a table by copying it, which its foreign keys refuse as long as a session refers to it.
    kept = [dict(row) for row in here.execute(sa.select(sessions)).mappings()]
    here.execute(sa.delete(sessions))
    appointed = sa.Table("operatorcommune", sa.MetaData(), autoload_with=here)
    roles = [dict(row) for row in here.execute(sa.select(appointed)).mappings()]
    here.execute(sa.delete(appointed))
    before = sa.Table(
        "operator",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("commune_id", sa.String()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
    )
    with op.batch_alter_table("operator", copy_from=before) as table:
        table.add_column(sa.Column("admin", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(
            sa.Column("province_id", sa.Integer(), sa.ForeignKey("province.id", name="operator_province_id_fkey"))
        )
    op.execute("UPDATE operator SET admin = true WHERE commune_id IS NULL")
    with op.batch_alter_table("operator") as table:
        table.drop_column("commune_id")
    for table_, rows in ((sessions, kept), (appointed, roles)):
        if rows:
            here.execute(sa.insert(table_), rows)
