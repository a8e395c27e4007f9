"""How much a commune stores: its recordings as uploaded, their renditions, and what is on its way."""

from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from broadcast.clips import Clip, ClipRendition
from broadcast.ingest_jobs import UNFINISHED, IngestJob
from devices.communes import Commune
from runtime.refusal import N_, Refusal

_MB, _GB = 1_000_000, 1_000_000_000


def stored_bytes(session: Session, commune_id: str) -> int:
    """Removed recordings count too: their files stay for the play log, and can be restored."""
    mine = Clip.commune_id == commune_id
    originals = select(_sum(Clip.original_bytes)).where(mine)
    renditions = select(_sum(ClipRendition.bytes)).join(Clip, col(Clip.id) == ClipRendition.clip_id).where(mine)
    on_the_way = select(_sum(IngestJob.bytes)).where(
        IngestJob.commune_id == commune_id, col(IngestJob.state).in_([state.value for state in UNFINISHED])
    )
    return sum(int(session.exec(query).one()) for query in (originals, renditions, on_the_way))


def storage_limit(session: Session, commune_id: str, usual_bytes: int) -> int:
    """The most that the commune stores, 0 for no limit. usual_bytes: of a commune without a value of its own."""
    row = session.get(Commune, commune_id)
    return usual_bytes if row is None or row.storage_gb is None else row.storage_gb * _GB


def check_storage(session: Session, commune_id: str, bytes_: int, usual_bytes: int) -> None:
    """Raises Refusal when these bytes do not fit into what the commune may store."""
    most = storage_limit(session, commune_id, usual_bytes)
    stored = stored_bytes(session, commune_id) if most else 0
    if most and stored + bytes_ > most:
        raise Refusal(
            N_(
                "The recordings of this commune take {used_mb} of {most_mb} MB, so this recording ({mb} MB) is not "
                "taken. Ask your administrator for more storage (Settings, This commune)."
            ),
            used_mb=-(-stored // _MB),
            most_mb=most // _MB,
            mb=-(-bytes_ // _MB),
        )


def _sum(column: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), sqlalchemy.literal(0))
