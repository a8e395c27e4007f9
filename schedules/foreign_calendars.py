"""Calendar files that people bring, read in a child process with limits."""

from zoneinfo import ZoneInfo

from runtime.refusal import N_, Refusal
from runtime.sandbox import Limits, ParserFailed, run_in_sandbox
from schedules.calendar_entries import CalendarImport
from schedules.calendar_reading import read_calendar

#: A commune's timetable has some ten; more are not read, since each is a write that others wait for.
MOST_EVENTS = 500
#: How files of Excel and LibreOffice begin, new and old.
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_LIMITS = Limits(cpu_s=6, wall_s=30)


def read_foreign_calendar(content: bytes, zone: ZoneInfo, *, source: str) -> CalendarImport:
    """As `read_calendar`. source: whose file it is.

    Raises Refusal, also when the file takes too much time or memory.
    """
    if content.startswith(_SPREADSHEETS):
        raise Refusal(
            N_("This is a spreadsheet, not a calendar file (.ics). Take it in with Import, which reads tables.")
        )
    try:
        events = run_in_sandbox(read_in_child, content, zone.key, result=CalendarImport, source=source, limits=_LIMITS)
    except ParserFailed as failure:
        raise Refusal(N_("This is not a calendar file (.ics). Export one from your calendar program.")) from failure
    if len(events.entries) > MOST_EVENTS:
        raise Refusal(N_("This calendar has more than {most} events. Divide it."), most=MOST_EVENTS)
    return events


def read_in_child(content: bytes, zone: str) -> CalendarImport:
    return read_calendar(content, ZoneInfo(zone))
