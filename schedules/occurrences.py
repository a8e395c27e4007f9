"""Occurrences: the due instants of schedules with the programme that sounds, in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from broadcast.modes import Spreading
from broadcast.programmes import Programme, duration_us, items_of_all, programme_source
from devices.communes import commune
from schedules.recurrence import instants
from schedules.schedules import Schedule, due, schedules
from wire.broadcasts import SoundSource


@dataclass(frozen=True)
class Occurrence:
    """One due instant of a schedule. ends_at: at the last receiver, by today's programme and receivers.

    paused: it would be due, were the schedule not paused then.
    """

    schedule: Schedule
    programme: Programme
    starts_at: datetime
    ends_at: datetime
    paused: bool = False
    source: SoundSource = SoundSource.RECORDED


def occurrences(
    session: Session,
    of: Sequence[Schedule],
    zone: ZoneInfo,
    after: datetime,
    before: datetime,
    *,
    with_paused: bool = False,
) -> list[Occurrence]:
    """Due instants in [after, before), in order of time. The number of queries does not grow with the schedules.

    with_paused: those too that a pause leaves out.
    """
    numbers = sorted({s.programme_id for s in of})
    programmes = {p.number: p for p in session.exec(select(Programme).where(col(Programme.id).in_(numbers)))}
    items = items_of_all(session, numbers)
    result, spreading = [], dict[str, Spreading]()
    for schedule in sorted(of, key=lambda s: s.number):
        programme, running = programmes[schedule.programme_id], items[schedule.programme_id]
        length, source = timedelta(microseconds=duration_us(running)), programme_source(running)
        spreading_of_commune = spreading.setdefault(schedule.commune_id, Spreading(session, schedule.commune_id))
        length = spreading_of_commune.total_length(schedule.time_spread, schedule.audience, length)
        if with_paused and schedule.paused and schedule.retired_at is None:
            due_at = instants(schedule.recurrence, zone, after, before)
        else:
            due_at = due(schedule, zone, after, before)
        result += [Occurrence(schedule, programme, at, at + length, schedule.is_paused_at(at), source) for at in due_at]
    return sorted(
        result, key=attrgetter("starts_at")
    )  # of one instant in the order of their numbers: sorting is stable


def between(
    session: Session, commune_id: str, first: date, end: date, *, with_paused: bool = False
) -> list[Occurrence]:
    """From the day `first` to the day before `end`, by the commune's clock, in order of time."""
    zone = commune(session, commune_id).zone
    start, stop = (datetime.combine(day, time(), tzinfo=zone) for day in (first, end))
    return occurrences(session, schedules(session, commune_id), zone, start, stop, with_paused=with_paused)
