"""What was removed and can be restored: schedules, programmes, recordings, relay stations, sources of alerts,
receivers, zones and people.

A removal leads to the list of what is in use, which then offers to undo it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi.responses import Response
from sqlmodel import Session, col, select

from broadcast.clips import Clip
from broadcast.programmes import Programme
from broadcast.relay_sources import RelaySource
from cap.sources import CapSource
from devices.receivers import Receiver
from devices.zones import Zone
from parsing.numbers import row_number
from people import staff
from people.rights import Action, Standing
from runtime.refusal import N_
from schedules.schedules import Schedule
from usecases.revisions import Thing, newest_entry, revision_of
from usecases.schedules import title_of
from web.flash import Flash
from web.request_context import Frame, back_to

#: On one page of the list.
SHOWN = 100


@dataclass(frozen=True)
class RemovableKind:
    """word: for its tab. list_path: where those in use are listed. action: the right to remove and restore one."""

    word: str
    list_path: str
    action: Action
    table: type[Any] | None


KINDS = {
    "schedule": RemovableKind(N_("Schedules"), "/timetable", Action.TIMETABLE, Schedule),
    "programme": RemovableKind(N_("Programmes"), "/programmes", Action.PROGRAMMES, Programme),
    "clip": RemovableKind(N_("Recordings"), "/clips", Action.CLIPS, Clip),
    "relay": RemovableKind(N_("Relay stations"), "/relays", Action.PROGRAMMES, RelaySource),
    "cap_source": RemovableKind(N_("Sources of alerts"), "/cap/sources", Action.EXCHANGE, CapSource),
    "receiver": RemovableKind(N_("Receivers"), "/receivers", Action.RECEIVERS, Receiver),
    "zone": RemovableKind(N_("Zones"), "/zones", Action.RECEIVERS, Zone),
    "operator": RemovableKind(N_("People"), "/operators", Action.OPERATORS, None),
}


@dataclass(frozen=True)
class RemovedThing:
    """thing: its row, for the revision that the form to restore it sends. path: of its own page."""

    kind: str
    title: str
    at: datetime
    thing: Thing
    path: str
    replaced_by: str = ""


def removed_things(
    session: Session, commune_id: str, standing: Standing, kind: str, page: int = 0
) -> list[RemovedThing]:
    """Those of one kind, the last removed first; one more than a page shows when there are more."""
    table = KINDS[kind].table
    if table is None:
        people = [p for p in staff.staff(session, standing) if p.operator.retired_at is not None]
        things = [_removed(session, kind, person) for person in people]
        things.sort(key=lambda thing: thing.at, reverse=True)
        return things[page * SHOWN : (page + 1) * SHOWN + 1]
    query = select(table).where(table.commune_id == commune_id, table.retired_at.is_not(None))
    if table is Clip:
        query = query.where(Clip.builtin == "")
    query = query.order_by(table.retired_at.desc(), col(table.id)).offset(page * SHOWN).limit(SHOWN + 1)
    return [_removed(session, kind, row) for row in session.exec(query)]


def after_removal(frame: Frame, kind: str, ident: object) -> Response:
    """Go to the list of what is in use; it names what was removed, and offers to undo that."""
    with frame.deps.database.session() as session:
        removed = _removed(session, kind, _thing(session, frame, kind, str(ident)))
        revision = revision_of(session, removed.thing, newest_entry(session))
    undo = f"{removed.path}/restore"
    flash = Flash(N_("Removed: “{title}”."), {"title": removed.title}, undo=undo, revision=revision)
    return back_to(frame.request, KINDS[kind].list_path, flash)


def _thing(session: Session, frame: Frame, kind: str, ident: str) -> Thing:
    number = row_number(ident) or 0
    table = KINDS[kind].table
    if table is None:
        return staff.member(session, frame.standing, number)
    row: Thing = session.get_one(table, number if kind in ("schedule", "programme", "relay", "cap_source") else ident)
    return row


def _removed(session: Session, kind: str, thing: Any) -> RemovedThing:
    row = thing.operator if isinstance(thing, staff.Person) else thing
    if isinstance(row, Schedule):
        title = title_of(session, row)
    elif isinstance(thing, staff.Person):
        title = row.called
    else:
        title = row.title if hasattr(row, "title") else row.name
    at: Any = row.retired_at
    path = f"{KINDS[kind].list_path}/{row.id}"
    return RemovedThing(kind, title, at, thing, path, getattr(row, "replaced_by", None) or "")
