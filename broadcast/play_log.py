"""Play log: what aired or should have, filtered, and the subject fields of its clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from broadcast.audiences import Audiences, current_fields, fields_among
from broadcast.broadcasts import Broadcast
from broadcast.on_air import of_commune
from broadcast.play_reports import HeardCount, heard_counts
from parsing.names import folded
from wire.broadcasts import Targets

#: Filters that inspect each broadcast look at this many of the newest: five years of ten a day.
MOST_INSPECTED = 20_000
_IDS_A_QUERY = 500


@dataclass(frozen=True)
class LogFilter:
    """since, until: of the start, aware, until excluded. class_, field: "" and 0 for all.

    place: a zone's or a receiver's id, "" for all. outcome: "heard" (everywhere), "lacking" (not everywhere), "missed",
    "withdrawn", or "" for all. search: words of the title; matches without diacritics.
    """

    since: datetime | None = None
    until: datetime | None = None
    class_: str = ""
    field: int = 0
    place: str = ""
    outcome: str = ""
    search: str = ""

    @property
    def needs_inspection(self) -> bool:
        """Whether the query alone cannot answer it."""
        return bool(self.search) or self.inspects_rows

    @property
    def inspects_rows(self) -> bool:
        """Whether whole rows must be read to answer it."""
        return bool(self.field or self.place or self.outcome in ("heard", "lacking"))


def play_log(
    session: Session,
    commune_id: str,
    now: datetime,
    log_filter: LogFilter | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> list[Broadcast]:
    """Broadcasts whose start has passed, newest first. The number of queries does not grow with their number."""
    log_filter = log_filter or LogFilter()
    conditions = _conditions(session, commune_id, now, log_filter)
    newest = (col(Broadcast.starts_at).desc(), col(Broadcast.id))
    query = select(Broadcast).where(*conditions).order_by(*newest)
    if not log_filter.needs_inspection:
        return list(session.exec(query.limit(limit).offset(offset)))
    if not log_filter.search:
        return _matching(session, list(session.exec(query.limit(MOST_INSPECTED))), log_filter)[offset : offset + limit]
    # Of all, titles alone are read; whole rows only of those that match.
    titles = session.exec(
        select(Broadcast.id, Broadcast.title).where(*conditions).order_by(*newest).limit(MOST_INSPECTED)
    )
    words = folded(log_filter.search).split()
    ids = [ident for ident, title in titles if all(word in folded(title) for word in words)]
    if not log_filter.inspects_rows:
        return _by_ids(session, ids[offset : offset + limit])
    return _matching(session, _by_ids(session, ids), log_filter)[offset : offset + limit]


def aired_for(broadcast: Broadcast, now: datetime) -> timedelta:
    """How long it has been on air by `now`; zero when withdrawn before its start or missed."""
    if broadcast.withdrawn_at is not None or broadcast.missed:
        return timedelta(0)
    return max(timedelta(0), min(broadcast.sounds_until, now) - broadcast.starts_at)


def fields_of(session: Session, broadcasts: Sequence[Broadcast]) -> dict[str, dict[str, int]]:
    """Broadcast id → clip id → field, without chimes; of a broadcast that has started as it was then."""
    current = current_fields(session, [b for b in broadcasts if b.clip_fields is None])
    return {
        b.id: fields_among(b, current) if b.clip_fields is None else msgspec.json.decode(b.clip_fields)
        for b in broadcasts
    }


def fields_in(broadcast: Broadcast, fields: Mapping[str, Mapping[str, int]]) -> list[int]:
    """The fields of one broadcast, sorted. fields: from `fields_of`."""
    return sorted(set(fields[broadcast.id].values()))


def _conditions(session: Session, commune_id: str, now: datetime, log_filter: LogFilter) -> list[ColumnElement[bool]]:
    """What a query can answer."""
    conditions: list[ColumnElement[bool]] = [of_commune(session, commune_id), col(Broadcast.starts_at) <= now]
    if log_filter.since is not None:
        conditions.append(col(Broadcast.starts_at) >= log_filter.since)
    if log_filter.until is not None:
        conditions.append(col(Broadcast.starts_at) < log_filter.until)
    if log_filter.class_:
        conditions.append(col(Broadcast.class_) == log_filter.class_)
    if log_filter.outcome == "missed":
        conditions.append(col(Broadcast.missed).is_(True))
    elif log_filter.outcome == "withdrawn":
        conditions.append(col(Broadcast.withdrawn_at).is_not(None))
    elif log_filter.outcome:
        conditions += [col(Broadcast.withdrawn_at).is_(None), col(Broadcast.missed).is_(False)]
    return conditions


def _by_ids(session: Session, ids: Sequence[str]) -> list[Broadcast]:
    """In the order of the ids."""
    rows: dict[str, Broadcast] = {}
    for start in range(0, len(ids), _IDS_A_QUERY):
        query = select(Broadcast).where(col(Broadcast.id).in_(ids[start : start + _IDS_A_QUERY]))
        rows |= {b.id: b for b in session.exec(query)}
    return [rows[ident] for ident in ids if ident in rows]


def _matching(session: Session, broadcasts: list[Broadcast], log_filter: LogFilter) -> list[Broadcast]:
    if log_filter.field:
        fields = fields_of(session, broadcasts)
        broadcasts = [b for b in broadcasts if log_filter.field in fields_in(b, fields)]
    if log_filter.place:
        place, audiences = (
            Targets(zones=[log_filter.place], receivers=[log_filter.place]),
            Audiences(session, broadcasts),
        )
        broadcasts = [b for b in broadcasts if audiences.of(b).within(place)]
    if log_filter.outcome in ("heard", "lacking"):
        heard: dict[str, HeardCount] = {}
        for start in range(0, len(broadcasts), _IDS_A_QUERY):
            heard |= heard_counts(session, broadcasts[start : start + _IDS_A_QUERY])
        everywhere = log_filter.outcome == "heard"
        broadcasts = [b for b in broadcasts if (heard[b.id].heard >= heard[b.id].meant) is everywhere]
    return broadcasts
