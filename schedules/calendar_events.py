"""The events in the text of a calendar file. One that cannot be parsed is named, and the others are parsed alone."""

import codecs
import re
from typing import Any

from runtime.refusal import N_, Refusal

_FAILURES = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)
_EVENT = re.compile(r"^BEGIN:VEVENT[ \t]*$", re.MULTILINE | re.IGNORECASE)
_END = re.compile(r"^END:VEVENT[ \t]*$", re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(r"^BEGIN:VTIMEZONE[ \t]*$.*?^END:VTIMEZONE[ \t]*$", re.MULTILINE | re.IGNORECASE | re.DOTALL)
_SUMMARY = re.compile(r"^SUMMARY[^:\n]*:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_CANCELLED = re.compile(r"^METHOD:CANCEL[ \t]*$", re.MULTILINE | re.IGNORECASE)


def events_of(content: bytes) -> tuple[list[Any], list[tuple[str, Refusal]]]:
    """The events, and the titles of those that cannot be parsed, with the reason. Raises Refusal for no calendar."""
    try:
        text = _text(content).replace("\r\n", "\n").replace("\r", "\n")
    except ValueError as failure:
        raise _no_calendar() from failure
    if re.search("^BEGIN:VCALENDAR[ \t]*$", text, re.MULTILINE | re.IGNORECASE) is None:
        raise _no_calendar()
    unread: list[tuple[str, Refusal]] = []
    try:
        events = _parsed(text)
        is_whole = len(events) >= len(_EVENT.findall(text))
    except _FAILURES:
        is_whole = False
    if not is_whole:
        events, unread = _one_by_one(text)
    if not events and not unread:
        raise Refusal(N_("There is no event in this calendar file. Export the calendar with its events."))
    if _CANCELLED.search(text):
        for event in events:
            event["status"] = "CANCELLED"
    return events, unread


def _parsed(text: str) -> list[Any]:
    import icalendar  # noqa: PLC0415 - as in `schedules.calendars`

    calendars = icalendar.Calendar.from_ical(text, multiple=True)
    return [event for calendar in calendars for event in calendar.walk("VEVENT")]


def _one_by_one(text: str) -> tuple[list[Any], list[tuple[str, Refusal]]]:
    zones = "\n".join(match[0] for match in _ZONE.finditer(text))
    begins = [match.start() for match in _EVENT.finditer(text)]
    events: list[Any] = []
    unread: list[tuple[str, Refusal]] = []
    for begin, next_begin in zip(begins, [*begins[1:], len(text)], strict=True):
        end = _END.search(text, begin, next_begin)
        part = text[begin : end.end() if end else next_begin]
        summary = _SUMMARY.search(part)
        title = " ".join(summary[1].replace("\n ", "").replace("\n\t", "").split())[:200] if summary else ""
        if end is None:
            unread.append((title, Refusal(N_("This event is cut off: its end is missing."))))
            continue
        for around in (zones, ""):  # the fault may be in a time zone
            try:
                events += _parsed(f"BEGIN:VCALENDAR\n{around}\n{part}\nEND:VCALENDAR\n")
                break
            except _FAILURES:
                continue
        else:
            unread.append((title, Refusal(N_("This event cannot be read."))))
    return events, unread


def _text(content: bytes) -> str:
    """Raises ValueError (UnicodeDecodeError) for what is not Unicode."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode("utf-8-sig")


def _no_calendar() -> Refusal:
    return Refusal(N_("This is not a calendar file (.ics). Export one from your calendar program."))
