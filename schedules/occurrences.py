"""Occurrences: the due instants of schedules with the programme that sounds, in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from broadcast.modes import Spreading
from broadcast.programmes import Programme, duration_us, items_of_all
from devices.communes import commune
from schedules.schedules import Schedule, due, schedules


@dataclass(frozen=True)
class Occurrence:
    """One due instant of one schedule, with what sounds. ends_at: everywhere, by programme and receivers as now."""

    schedule: Schedule
    programme: Programme
    starts_at: datetime
    ends_at: datetime


def occurrences(
    session: Session, of: Sequence[Schedule], zone: ZoneInfo, after: datetime, before: datetime
) -> list[Occurrence]:
    """What is due of these schedules in [after, before), in order. The number of queries does not grow with them."""
    numbers = sorted({s.programme_id for s in of})
    known = {p.number: p for p in session.exec(select(Programme).where(col(Programme.id).in_(numbers)))}
    lengths = {number: duration_us(items) for number, items in items_of_all(session, numbers).items()}
    found, spreading = [], dict[str, Spreading]()
    for one in sorted(of, key=lambda s: s.number):
        programme, length = known[one.programme_id], timedelta(microseconds=lengths[one.programme_id])
        where = spreading.setdefault(one.commune_id, Spreading(session, one.commune_id))
        length = where.total_length(one.time_spread, one.audience, length)
        found += [Occurrence(one, programme, at, at + length) for at in due(one, zone, after, before)]
    return sorted(found, key=attrgetter("starts_at"))  # of one instant in the order of their numbers: sorting is stable


def between(session: Session, commune_id: str, first: date, end: date) -> list[Occurrence]:
    """What is due from the day `first` to the day before `end`, by the commune's own clock, in order."""
    zone = commune(session, commune_id).zone
    start, stop = (datetime.combine(day, time(), tzinfo=zone) for day in (first, end))
    return occurrences(session, schedules(session, commune_id), zone, start, stop)
