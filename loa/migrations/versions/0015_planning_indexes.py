"""Indexes of what is asked each second: broadcasts to announce and to clear, chimes of communes."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_PARTIAL = {
    "ix_broadcast_unannounced": ("starts_at", "announced_revision < revision"),
    "ix_broadcast_published": ("ends_at", "cleared_at IS NULL"),
    "ix_broadcast_cleared": ("ends_at", "cleared_at IS NOT NULL"),
}


def upgrade() -> None:
    for name, (column, condition) in _PARTIAL.items():
        where = sa.text(condition)
        op.create_index(name, "broadcast", [column], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_clip_commune_builtin", "clip", ["commune_id", "builtin"])
