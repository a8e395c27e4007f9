"""What planning a schedule depends on: its programme's content, allowed hours and start times."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.modes import NO_SHIFTS, Shifts, Spreading
from broadcast.programmes import duration_us, items_of, manifest_items, programme
from devices.communes import commune
from noise.noise_rules import AllowedTimes, allowed_times
from runtime.refusal import Refusal
from schedules.schedules import Schedule
from wire.broadcasts import BroadcastClass, ClipItem


class ProgrammeContent(NamedTuple):
    """What a programme plays now."""

    title: str
    items: list[ClipItem]
    length_us: int


class PlanContext(NamedTuple):
    """What planning a schedule depends on. may: when its targets may sound, None for always (an emergency).

    shifts: of its receivers as they are now.
    """

    zone: ZoneInfo
    may: AllowedTimes | None
    shifts: Shifts

    def allows(self, due_at: datetime) -> bool:
        """Whether any target may sound at this instant; each receiver checks for itself."""
        return self.may is None or self.may.allows_any(due_at)


def content_of(session: Session, programme_id: int) -> ProgrammeContent | Refusal:
    """The content of a programme, or why it has none."""
    try:
        row, items = programme(session, programme_id), items_of(session, programme_id)
        return ProgrammeContent(row.title, manifest_items(session, items), duration_us(items))
    except Refusal as refusal:
        return refusal


def context_of(session: Session, schedule: Schedule, content: ProgrammeContent | Refusal, now: datetime) -> PlanContext:
    zone, shifts = commune(session, schedule.commune_id).zone, NO_SHIFTS
    if isinstance(content, ProgrammeContent):
        shifts = Spreading(session, schedule.commune_id).shifts(
            schedule.time_spread, schedule.audience, content.length_us
        )
    if schedule.broadcast_class is BroadcastClass.EMERGENCY:
        return PlanContext(zone, None, shifts)
    return PlanContext(
        zone, allowed_times(session, schedule.commune_id, schedule.audience, now.astimezone(zone).date()), shifts
    )
