"""What a calendar file holds for the timetable, read or to be written."""

from dataclasses import dataclass, field
from datetime import timedelta

from runtime.refusal import Refusal
from schedules.recurrence import Rule


@dataclass(frozen=True)
class CalendarEntry:
    """A schedule as a calendar event. uid: stable, so that a calendar program recognizes it.

    uids: of all events that an entry was read from.
    """

    uid: str
    title: str
    rule: Rule
    length: timedelta
    where: str = ""
    uids: tuple[str, ...] = ()


@dataclass(frozen=True)
class CalendarImport:
    """unread: titles of events that were not imported, with the reasons. cancelled: titles and UIDs.

    uids: of the events that were read whole, so that what they no longer hold can leave the timetable.
    """

    entries: list[CalendarEntry] = field(default_factory=list)
    unread: list[tuple[str, Refusal]] = field(default_factory=list)
    cancelled: list[tuple[str, str]] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
