"""How much a commune stores: its recordings as uploaded, their renditions, and what is on its way."""

from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from broadcast.clips import Clip, ClipRendition
from broadcast.ingest_jobs import UNFINISHED, IngestJob
from runtime.refusal import N_, Refusal


def stored_bytes(session: Session, commune_id: str) -> int:
    """Removed recordings count too: their files stay for the play log, and can be restored."""
    mine = Clip.commune_id == commune_id
    originals = select(_sum(Clip.original_bytes)).where(mine)
    renditions = select(_sum(ClipRendition.bytes)).join(Clip, col(Clip.id) == ClipRendition.clip_id).where(mine)
    on_the_way = select(_sum(IngestJob.bytes)).where(
        IngestJob.commune_id == commune_id, col(IngestJob.state).in_([state.value for state in UNFINISHED])
    )
    return sum(int(session.exec(query).one()) for query in (originals, renditions, on_the_way))


def check_storage(session: Session, commune_id: str, bytes_: int, most_bytes: int) -> None:
    """Raises Refusal when these bytes do not fit into what the commune may store."""
    stored = stored_bytes(session, commune_id)
    if stored + bytes_ > most_bytes:
        raise Refusal(
            N_(
                "Only {free_mb} MB of the commune's {most_gb} GB are left, so this recording is not taken. Ask your "
                "technician for more."
            ),
            free_mb=max(0, most_bytes - stored) // 1_000_000,
            most_gb=most_bytes // 1_000_000_000,
        )


def _sum(column: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), sqlalchemy.literal(0))
