"""The timetable as a calendar file, to be saved and to be read."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.modes import Spreading
from broadcast.programmes import duration_us, items_of_all, programmes
from people.rights import Action
from runtime.refusal import N_, Refusal, at_field
from schedules.calendars import MOST_FILE_BYTES, CalendarEntry, write_calendar
from schedules.foreign_calendars import read_foreign_calendar
from schedules.schedules import schedules
from transfer.calendar_import import take_calendar
from web.request_context import In, Reading, changes

router = APIRouter(include_in_schema=False)


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
    with at_field("file"):
        if len(content) > MOST_FILE_BYTES:
            raise Refusal(N_("This file is too large for a calendar file."))
        # Before the transaction: reading takes its time.
        events = read_foreign_calendar(content, frame.commune.zone, source=frame.commune_id)
    taken = take_calendar(frame.deps.services, frame.actor, frame.commune_id, events)
    return frame.page("calendar_import_result.html", taken=taken)


def _entries(session: Session, commune_id: str) -> list[CalendarEntry]:
    of = [s for s in schedules(session, commune_id) if not s.paused_indefinitely]
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
