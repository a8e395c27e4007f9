"""Fingerprints of all that a commune's plan depends on, except the time (`runtime.row_sums`)."""

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
from runtime.row_sums import columns_of, row_sums
from schedules.schedules import Schedule


def fingerprints(session: Session) -> dict[str, int]:
    """By commune id, of those that have or had a schedule."""
    sums = row_sums(session, _queries())
    return {commune_id: sums.get(commune_id, 0) for commune_id in session.exec(select(Schedule.commune_id).distinct())}


def _queries() -> list[Select[Any]]:
    """The first column of each is the commune's id."""
    on_timetable = select(Schedule.programme_id).where(col(Schedule.retired_at).is_(None))
    clips_used = select(ProgrammeItem.clip_id).where(col(ProgrammeItem.programme_id).in_(on_timetable))
    with_timetable = select(Schedule.commune_id).where(col(Schedule.retired_at).is_(None))
    is_used = col(Clip.id).in_(clips_used)
    is_chime = sqlalchemy.and_(
        col(Clip.commune_id).in_(with_timetable), col(Clip.builtin).in_([kind.value for kind in CHIMES])
    )
    clips = [columns_of(Clip, "commune_id", "id", "title", "duration_us").where(which) for which in (is_used, is_chime)]
    renditions = [
        columns_of(ClipRendition, "clip_id", "codec", "sha256", "bytes", "extension", owner=Clip)
        .join(Clip)
        .where(which)
        for which in (is_used, is_chime)
    ]
    schedule_columns = [
        name for name in Schedule.model_fields if name not in ("commune_id", "created_at", "created_by")
    ]
    return [
        columns_of(Commune, "id", "time_zone"),
        columns_of(Schedule, "commune_id", *schedule_columns).where(col(Schedule.retired_at).is_(None)),
        columns_of(Programme, "commune_id", "id", "title").where(col(Programme.id).in_(on_timetable)),
        columns_of(
            ProgrammeItem, "programme_id", "position", "kind", "clip_id", "gap_ms", "relay_source_id", owner=Programme
        )
        .join(Programme)
        .where(col(Programme.id).in_(on_timetable)),
        columns_of(RelaySource, "commune_id", "id", "name"),
        *clips,
        *renditions,
        columns_of(NoiseRules, "commune_id", "zone_id", "hours"),
        columns_of(Receiver, "commune_id", "id", "latitude_deg", "longitude_deg").where(
            col(Receiver.retired_at).is_(None)
        ),
        columns_of(ZoneMember, "receiver_id", "zone_id", owner=Receiver)
        .join(Receiver)
        .where(col(Receiver.retired_at).is_(None)),
    ]
