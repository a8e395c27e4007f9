"""Schedule overlaps: programmes of different communes of a merge that play at the same time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from mergers.commune_data import CommuneData
from schedules.occurrences import Occurrence, occurrences
from schedules.schedules import Schedule
from wire.broadcasts import BroadcastClass

#: How far ahead overlaps are searched: a week has every weekday. The timetable's page shows later ones.
AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class ScheduleOverlap:
    """Schedules of several communes that play at the same time. titles: by schedule. first_at: the first overlap."""

    key: str
    schedules: tuple[Schedule, ...]
    titles: dict[int, str]
    first_at: datetime
    airings: int

    def communes(self) -> list[str]:
        return list(dict.fromkeys(s.commune_id for s in self.schedules))

    def of(self, commune_id: str) -> list[Schedule]:
        return [s for s in self.schedules if s.commune_id == commune_id]


def schedule_overlaps(
    session: Session, data: CommuneData, order: Sequence[str], now: datetime
) -> list[ScheduleOverlap]:
    """Schedules that overlap with one of another commune within a week. order: of the communes."""
    due: list[Occurrence] = []
    for commune in data.communes:
        going = [
            s
            for s in data.of(data.schedules, commune.id)
            if s.retired_at is None and not s.paused_indefinitely and s.broadcast_class is not BroadcastClass.EMERGENCY
        ]
        due += occurrences(session, going, commune.zone, now, now + AHEAD)
    due.sort(key=lambda o: (o.starts_at, o.schedule.number))
    joined = _Groups()
    first: dict[int, datetime] = {}
    met: dict[int, int] = {}
    open_now: list[Occurrence] = []
    for broadcast in due:
        open_now = [other for other in open_now if other.ends_at > broadcast.starts_at]
        for other in open_now:
            if other.schedule.commune_id != broadcast.schedule.commune_id:
                joined.join(broadcast.schedule.number, other.schedule.number)
                first.setdefault(broadcast.schedule.number, broadcast.starts_at)
                first.setdefault(other.schedule.number, broadcast.starts_at)
                met[broadcast.schedule.number] = met.get(broadcast.schedule.number, 0) + 1
        open_now.append(broadcast)
    occurrence_of = {o.schedule.number: o for o in due}
    overlaps = []
    for numbers in joined.groups():
        ordered = sorted(numbers, key=lambda n: (order.index(occurrence_of[n].schedule.commune_id), n))
        overlaps.append(
            ScheduleOverlap(
                "schedules:" + hashlib.sha256(repr(sorted(numbers)).encode()).hexdigest()[:12],
                tuple(occurrence_of[n].schedule for n in ordered),
                {n: occurrence_of[n].schedule.title or occurrence_of[n].programme.title for n in ordered},
                min(first[n] for n in numbers),
                sum(met.get(n, 0) for n in numbers),
            )
        )
    return sorted(overlaps, key=lambda m: (m.first_at, m.key))


class _Groups:
    """Disjoint sets of numbers (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def _root(self, number: int) -> int:
        parent = self._parent.setdefault(number, number)
        while parent != self._parent[parent]:
            parent = self._parent[number] = self._parent[self._parent[parent]]
        return parent

    def join(self, one: int, other: int) -> None:
        self._parent[self._root(one)] = self._root(other)

    def groups(self) -> list[list[int]]:
        groups: dict[int, list[int]] = {}
        for number in self._parent:
            groups.setdefault(self._root(number), []).append(number)
        return list(groups.values())
