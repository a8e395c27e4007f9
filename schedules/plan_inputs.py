"""Fingerprints of all that a commune's plan depends on, except the time: equal ones mean that nothing has changed.

They are compared every few seconds for all communes, so columns are read in a fixed number of queries, and no row in
any order. They differ from process to process: keep them in memory only.
"""

from collections import defaultdict
from typing import Any

import sqlalchemy
from sqlalchemy import Select
from sqlmodel import Session, col, select

from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import CHIMES, Programme, ProgrammeItem
from broadcast.relay_sources import RelaySource
from devices.communes import Commune
from devices.receivers import Receiver
from devices.zones import ZoneMember
from noise.noise_rules import NoiseRules
from schedules.schedules import Schedule

_MASK = 2**64 - 1


def fingerprints(session: Session) -> dict[str, int]:
    """By commune id, of those that have or had a schedule."""
    hashes: dict[str, int] = defaultdict(int)
    for number, query in enumerate(_queries()):
        for row in session.connection().execute(query):  # half the time of rows through the session
            # A sum: the order of the rows does not matter.
            hashes[row[0]] = (hashes[row[0]] + hash((number, *row))) & _MASK
    return {commune_id: hashes[commune_id] for commune_id in session.exec(select(Schedule.commune_id).distinct())}


def _queries() -> list[Select[Any]]:
    """The first column of each is the commune's id."""
    on_timetable = select(Schedule.programme_id).where(col(Schedule.retired_at).is_(None))
    clips_used = select(ProgrammeItem.clip_id).where(col(ProgrammeItem.programme_id).in_(on_timetable))
    with_timetable = select(Schedule.commune_id).where(col(Schedule.retired_at).is_(None))
    is_used = col(Clip.id).in_(clips_used)
    is_chime = sqlalchemy.and_(
        col(Clip.commune_id).in_(with_timetable), col(Clip.builtin).in_([kind.value for kind in CHIMES])
    )
    clips = [_columns(Clip, "commune_id", "id", "title", "duration_us").where(which) for which in (is_used, is_chime)]
    renditions = [
        _columns(ClipRendition, "clip_id", "codec", "sha256", "bytes", "extension", owner=Clip).join(Clip).where(which)
        for which in (is_used, is_chime)
    ]
    schedule_columns = [
        name for name in Schedule.model_fields if name not in ("commune_id", "created_at", "created_by")
    ]
    return [
        _columns(Commune, "id", "time_zone"),
        _columns(Schedule, "commune_id", *schedule_columns).where(col(Schedule.retired_at).is_(None)),
        _columns(Programme, "commune_id", "id", "title").where(col(Programme.id).in_(on_timetable)),
        _columns(
            ProgrammeItem, "programme_id", "position", "kind", "clip_id", "gap_ms", "relay_source_id", owner=Programme
        )
        .join(Programme)
        .where(col(Programme.id).in_(on_timetable)),
        _columns(RelaySource, "commune_id", "id", "name"),
        *clips,
        *renditions,
        _columns(NoiseRules, "commune_id", "zone_id", "hours"),
        _columns(Receiver, "commune_id", "id", "latitude_deg", "longitude_deg").where(
            col(Receiver.retired_at).is_(None)
        ),
        _columns(ZoneMember, "receiver_id", "zone_id", owner=Receiver)
        .join(Receiver)
        .where(col(Receiver.retired_at).is_(None)),
    ]


def _columns(table: type, *names: str, owner: type | None = None) -> Select[Any]:
    """owner: the table whose commune_id comes first, where the rows themselves have none."""
    listed = [getattr(table, name) for name in names]
    if owner is None:
        return sqlalchemy.select(*listed)
    return sqlalchemy.select(getattr(owner, "commune_id"), *listed).select_from(table)  # noqa: B009 - any type
