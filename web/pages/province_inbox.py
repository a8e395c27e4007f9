"""The province's inbox: which bulletins came, what shall become of each, and in what order?"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, renditions_of
from broadcast.programmes import programmes
from parsing.numbers import row_number
from people.rights import Action
from province import bulletins, inbox_decisions, priority_queue
from province.bulletins import ProvinceBulletin
from province.schedules_down import airings_of
from runtime.clock import from_us
from runtime.refusal import N_, NotFound
from web.flash import Flash
from web.labels.broadcasts import CLASSES, FIELDS
from web.labels.province import BULLETIN_STATES
from web.request_context import Frame, In, Reading, back_to, changes
from web.typed_fields import RowId
from web.waveforms import listen_url

router = APIRouter(include_in_schema=False)
#: So many of a schedule's times are shown.
TIMES_SHOWN = 6


@dataclass(frozen=True)
class Row:
    """One bulletin. listen: where its sound is, "" while it is not here. airings: its next times, more: how many more.

    order: its place among priority ones that wait, 0 for others. before: the number of the one before it, 0 for none.
    """

    bulletin: ProvinceBulletin
    clip: Clip | None
    listen: str
    airings: list[datetime]
    more: int
    order: int
    before: int


@dataclass(frozen=True)
class Inbox:
    """What waits, and what is over. order_open_until: until when the order of priority ones may be decided.

    blocking_broadcasts: what sounds, or will, so that the first priority one waits.
    """

    rows: list[Row]
    over: list[ProvinceBulletin]
    order_open_until: datetime | None
    blocking_broadcasts: list[Broadcast]

    @property
    def priority(self) -> list[int]:
        """The numbers of the priority ones that wait for their turn, in their order."""
        return [row.bulletin.number for row in sorted(self.rows, key=lambda row: row.order) if row.order]


def inbox_view(session: Session, commune_id: str, now: datetime) -> Inbox:
    """What the page shows. The number of queries does not grow with the bulletins."""
    waiting = bulletins.inbox(session, commune_id)
    turn = priority_queue.waiting_priority(session, commune_id)
    ids = [b.clip_id for b in waiting if b.clip_id]
    clips = {c.id: c for c in session.exec(select(Clip).where(col(Clip.id).in_(ids)))}
    sounds, place = renditions_of(session, ids), {b.number: n for n, b in enumerate(turn, 1)}
    previous = {b.number: before.number for before, b in pairwise(turn)}
    rows = []
    for waiting_bulletin in waiting:
        times = [from_us(a.starts_s * 1_000_000) for a in airings_of(waiting_bulletin)]
        coming = [at for at in times if at > now]
        clip = clips.get(waiting_bulletin.clip_id or "")
        listen = listen_url(sounds.get(clip.id, [])) if clip else ""
        shown, more = coming[:TIMES_SHOWN], max(0, len(coming) - TIMES_SHOWN)
        number = waiting_bulletin.number
        rows.append(Row(waiting_bulletin, clip, listen, shown, more, place.get(number, 0), previous.get(number, 0)))
    blocking = (
        priority_queue.blocking_broadcasts(session, commune_id, now, priority_queue.length_of(session, turn[0]))
        if turn
        else []
    )
    return Inbox(rows, bulletins.decided(session, commune_id), priority_queue.order_open_until(turn), blocking)


@router.get("/province/inbox")
def page(frame: In, session: Reading) -> HTMLResponse:
    """All that waits, and what became of the rest."""
    part = frame.request.headers.get("hx-target") == "inbox"
    return frame.page(
        "_province_inbox.html" if part else "province_inbox.html",
        view=inbox_view(session, frame.commune_id, frame.deps.clock.now()),
        classes=CLASSES,
        fields=FIELDS,
        states=BULLETIN_STATES,
        programmes=programmes(session, frame.commune_id),
    )


@router.post("/province/inbox/{number}/put-on-air", dependencies=[changes(Action.ON_AIR)])
def put_on_air(frame: In, number: RowId) -> Response:
    """Now; a priority one before every other priority broadcast."""
    inbox_decisions.put_on_air(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, "/province/inbox", Flash(N_("The bulletin goes on air.")))


@router.post("/province/inbox/{number}/programme", dependencies=[changes(Action.PROGRAMMES)])
def into_programme(frame: In, session: Reading, number: RowId, programme: Annotated[str, Form()] = "") -> Response:
    """At the end of a programme, or as a new one."""
    chosen = own_programme(frame, session, programme)
    session.rollback()  # our own reading must not hold the writer up
    made = inbox_decisions.take_into_programme(frame.deps.services, frame.actor, frame.commune_id, number, chosen)
    return back_to(frame.request, f"/programmes/{made}", Flash(N_("The bulletin is now part of this programme.")))


@router.post("/province/inbox/{number}/timetable", dependencies=[changes(Action.TIMETABLE)])
def to_timetable(frame: In, number: RowId) -> Response:
    """At the times that the province proposes."""
    inbox_decisions.take_onto_timetable(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, "/province/inbox", Flash(N_("The bulletin is on the timetable.")))


@router.post("/province/inbox/{number}/decline", dependencies=[changes(Action.ON_AIR)])
def decline(frame: In, number: RowId, reason: Annotated[str, Form()] = "") -> Response:
    """Not here; the province is told why."""
    services, notify = frame.deps.services, frame.deps.exchange.wake
    inbox_decisions.decline(services, frame.actor, frame.commune_id, number, reason, notify)
    return back_to(frame.request, "/province/inbox", Flash(N_("Declined. The province is told why.")))


@router.post("/province/inbox/{number}/up", dependencies=[changes(Action.ON_AIR)])
def move_up(frame: In, number: RowId, before: Annotated[RowId, Form()]) -> Response:
    """before: the priority one that stood before it on the page."""
    inbox_decisions.move_before(frame.deps.services, frame.actor, frame.commune_id, number, before)
    return back_to(frame.request, "/province/inbox", Flash(N_("Moved up.")))


@router.post("/province/inbox/order", dependencies=[changes(Action.ON_AIR)])
def confirm(frame: In, shown: Annotated[list[RowId], Form()]) -> Response:
    """The order that was shown is decided: the first goes on air."""
    services, notify = frame.deps.services, frame.deps.exchange.wake
    inbox_decisions.confirm_order(services, frame.actor, frame.commune_id, shown, notify)
    return back_to(frame.request, "/province/inbox", Flash(N_("The order is confirmed.")))


def own_programme(frame: Frame, session: Session, number_text: str) -> int | None:
    """The programme that a form names, of this commune; None for a new one. Raises NotFound."""
    if not number_text.strip():
        return None
    number = row_number(number_text)
    if number not in {p.number for p in programmes(session, frame.commune_id)}:
        raise NotFound(N_("This programme no longer exists."))
    return number
