"""Entries of the audit are searched: name and detail without diacritics."""

import sqlalchemy as sa
from alembic import op

from parsing.names import folded

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_entry = sa.table(
    "audit_entry",
    sa.column("id", sa.Integer()),
    sa.column("by", sa.String()),
    sa.column("detail", sa.String()),
    sa.column("folded", sa.Text()),
)
_AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("folded", sa.Text(), nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    last = 0
    while True:
        query = sa.select(_entry.c.id, _entry.c.by, _entry.c.detail).where(_entry.c.id > last)
        rows = connection.execute(query.order_by(_entry.c.id).limit(_AT_ONCE)).all()
        if not rows:
            break
        update = sa.update(_entry).where(_entry.c.id == sa.bindparam("entry_id")).values(folded=sa.bindparam("text"))
        connection.execute(update, [{"entry_id": r.id, "text": folded(f"{r.by} {r.detail}")} for r in rows])
        last = rows[-1].id
