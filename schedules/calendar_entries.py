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
    """unread: titles of events that were not imported, with the reasons."""

    entries: list[CalendarEntry] = field(default_factory=list)
    unread: list[tuple[str, Refusal]] = field(default_factory=list)
