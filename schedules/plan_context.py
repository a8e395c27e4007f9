"""What planning a schedule depends on: its programme's content, allowed hours and start times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec
from sqlmodel import Session, col, select

from broadcast.clips import renditions_of
from broadcast.manifest_items import has_live, recordings_of, wire_items
from broadcast.modes import NO_SHIFTS, Shifts, Spreading
from broadcast.programmes import Programme, duration_us, items_of_all
from devices.communes import commune
from noise.noise_rules import AllowedTimes, CommuneAllowedTimes
from runtime.refusal import Refusal
from schedules.schedules import Schedule
from wire.broadcasts import BroadcastClass, Item


@dataclass(frozen=True)
class ProgrammeContent:
    """What a programme plays now."""

    title: str
    items: list[Item]
    length_us: int

    @cached_property
    def encoded_items(self) -> bytes:
        """As a broadcast stores them."""
        return msgspec.json.encode(self.items)

    def is_stored_as(self, stored: bytes | None) -> bool:
        """Whether the items of a broadcast are these."""
        if stored == self.encoded_items:
            return True  # the usual case, without decoding
        return stored is not None and msgspec.json.decode(stored, type=list[Item]) == self.items


@dataclass(frozen=True)
class PlanContext:
    """What planning a schedule depends on. content: why there is none, when it is a refusal.

    may: when its targets may sound, None for always (an emergency). shifts: of its receivers as they are now.
    """

    zone: ZoneInfo
    content: ProgrammeContent | Refusal
    may: AllowedTimes | None
    shifts: Shifts

    def allows(self, due_at: datetime) -> bool:
        """Whether any target may sound at this instant; each receiver checks for itself."""
        return self.may is None or self.may.allows_any(due_at)


class PlanContexts:
    """The contexts of the schedules of one commune. What they share is read once."""

    def __init__(self, session: Session, commune_id: str, programme_ids: Iterable[int], now: datetime) -> None:
        """programme_ids: of all schedules that will be asked about."""
        self.zone = commune(session, commune_id).zone
        self._contents = contents_of(session, programme_ids)
        self._spreading = Spreading(session, commune_id)
        self._allowed_times = CommuneAllowedTimes(session, commune_id, now.astimezone(self.zone).date())

    def of(self, schedule: Schedule) -> PlanContext:
        content, shifts = self._contents[schedule.programme_id], NO_SHIFTS
        if isinstance(content, ProgrammeContent) and not has_live(content.items):
            shifts = self._spreading.shifts(schedule.time_spread, schedule.audience, content.length_us)
        emergency = schedule.broadcast_class is BroadcastClass.EMERGENCY
        may = None if emergency else self._allowed_times.of(schedule.audience)
        return PlanContext(self.zone, content, may, shifts)


def contents_of(session: Session, programme_ids: Iterable[int]) -> dict[int, ProgrammeContent | Refusal]:
    """The content of each programme, or why it has none. The number of queries does not grow with the programmes."""
    wanted = sorted(set(programme_ids))
    titles = dict(session.exec(select(Programme.id, Programme.title).where(col(Programme.id).in_(wanted))).all())
    items = items_of_all(session, wanted)
    renditions = renditions_of(session, [r.id for listed in items.values() for r in recordings_of(listed)])
    contents: dict[int, ProgrammeContent | Refusal] = {}
    for programme_id in wanted:
        try:
            listed = wire_items(items[programme_id], renditions)
            contents[programme_id] = ProgrammeContent(titles[programme_id], listed, duration_us(items[programme_id]))
        except Refusal as refusal:
            contents[programme_id] = refusal
    return contents
