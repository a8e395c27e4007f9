"""The timetable as a calendar file, to be saved and to be read."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.modes import Spreading
from broadcast.programmes import duration_us, items_of_all, programmes
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules.calendars import MOST_FILE_BYTES, CalendarEntry, read_calendar, write_calendar
from schedules.schedules import schedules
from usecases.schedules import ScheduleSettings, add_schedule_in
from web.request_context import Frame, In, Reading, changes, renderer_of
from wire.broadcasts import Targets

router = APIRouter(include_in_schema=False)


@dataclass
class Taken:
    """What became of a calendar file. unread: titles with why they were left out."""

    added: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    unread: list[tuple[str, Refusal]] = field(default_factory=list)


@router.get("/timetable.ics")
def save(frame: In, session: Reading) -> Response:
    """The timetable as a calendar program reads it."""
    made = write_calendar(
        frame.commune.name, _entries(session, frame.commune_id), frame.commune.zone, frame.deps.clock.now()
    )
    return Response(
        made, media_type="text/calendar", headers={"Content-Disposition": 'attachment; filename="lich-phat.ics"'}
    )


@router.post("/timetable/read", dependencies=[changes(Action.TIMETABLE)])
def read(frame: In, file: Annotated[UploadFile, File()]) -> HTMLResponse:
    """Put the events of a calendar file on the timetable; reading it again changes nothing."""
    content = file.file.read(MOST_FILE_BYTES + 1)
    if len(content) > MOST_FILE_BYTES:
        raise Refusal(N_("This file is too large for a calendar file."))
    with frame.deps.database.writing() as session:
        taken = _take(frame, session, content)
        if taken.added:
            frame.note(session, Deed.CALENDAR_READ, ", ".join(taken.added))
    frame.deps.services.plan(frame.commune_id)
    return renderer_of(frame.request).page(frame, "calendar_import_result.html", taken=taken)


def _take(frame: Frame, session: Session, content: bytes) -> Taken:
    found = read_calendar(content, frame.commune.zone)
    taken = Taken(unread=list(found.unread))
    by_title = {p.title: p.number for p in programmes(session, frame.commune_id)}
    there = [(s.programme_id, s.recurrence) for s in schedules(session, frame.commune_id)]
    for entry in found.entries:
        programme_id = by_title.get(entry.title)
        if programme_id is None:
            why = Refusal(N_("No programme has this name. Create it, then import the file again."))
            taken.unread.append((entry.title, why))
            continue
        if (programme_id, entry.rule) in there:
            taken.there.append(entry.title)
            continue
        try:
            settings = ScheduleSettings(programme_id, entry.rule, Targets(all=True))
            add_schedule_in(session, frame.actor, frame.commune_id, settings, frame.deps.clock.now())
        except Refusal as refusal:
            taken.unread.append((entry.title, refusal))
        else:
            taken.added.append(entry.title)
    return taken


def _entries(session: Session, commune_id: str) -> list[CalendarEntry]:
    of = [s for s in schedules(session, commune_id) if not s.paused]
    titles = {p.number: p.title for p in programmes(session, commune_id, include_retired=True)}
    items, spreading = items_of_all(session, sorted({s.programme_id for s in of})), Spreading(session, commune_id)
    return [
        CalendarEntry(
            f"loa-{commune_id}-{s.number}",
            s.title or titles[s.programme_id],
            s.recurrence,
            spreading.total_length(
                s.time_spread, s.audience, timedelta(microseconds=duration_us(items[s.programme_id]))
            ),
        )
        for s in of
    ]
