"""The timetable as a calendar file, to be saved and to be read."""

import time
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.modes import Spreading
from broadcast.programmes import duration_us, items_of_all, programmes
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules.calendars import MOST_FILE_BYTES, CalendarEntry, CalendarImport, write_calendar
from schedules.foreign_calendars import read_foreign_calendar
from schedules.schedules import schedules
from transfer.calendar_import import EventTaker, TakenEvents
from web.request_context import Frame, In, Reading, changes

router = APIRouter(include_in_schema=False)
#: Events in one transaction, and the pause before the next, in which others write.
_AT_ONCE, _GAP_S = 10, 0.05


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
    # Before the transaction: reading takes its time.
    events = read_foreign_calendar(content, frame.commune.zone, source=frame.commune_id)
    taken = _take(frame, events)
    frame.deps.services.plan(frame.commune_id)
    return frame.page("calendar_import_result.html", taken=taken)


def _take(frame: Frame, events: CalendarImport) -> TakenEvents:
    """In short transactions: an emergency is written between two of them."""
    all_taken, used = TakenEvents(unread=list(events.unread)), set[int]()
    for first in range(0, len(events.entries), _AT_ONCE):
        if first:
            time.sleep(_GAP_S)
        with frame.deps.database.writing() as session:
            taker = EventTaker(session, frame.commune_id, frame.deps.clock.now(), frame.actor, used)
            taken = taker.take(CalendarImport(entries=events.entries[first : first + _AT_ONCE]))
        all_taken.extend(taken)
    with frame.deps.database.writing() as session:
        gone = EventTaker(session, frame.commune_id, frame.deps.clock.now(), frame.actor, used).remove_gone(events)
    all_taken.extend(gone)
    return all_taken


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
