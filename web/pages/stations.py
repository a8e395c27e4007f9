"""Stations: which inherited installations does the commune have, and how is each of them?"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices.receivers import move_receivers, remove_station
from devices.stations import Station, StationKind, add_station, change_station, station, stations
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal
from web.labels.states import KINDS, STATES
from web.pages.receivers import ReceiverRow, own_receiver, receivers_view
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class StationRow:
    """A station with its receivers, trouble first. counts: state → how many, without zeros."""

    station: Station
    receivers: list[ReceiverRow]
    counts: dict[str, int]


def stations_view(session: Session, frame: Frame) -> list[StationRow]:
    """The stations by name. The number of queries grows neither with them nor with their receivers."""
    rows = receivers_view(session, frame, frame.deps.clock.now())
    found = []
    for one in stations(session, frame.commune_id):
        mine = [row for row in rows if row.receiver.station_id == one.id]
        counts = {state: n for state in STATES if (n := sum(row.state == state for row in mine))}
        found.append(StationRow(one, mine, counts))
    return found


@router.get("/stations")
def page(frame: In, session: Reading) -> HTMLResponse:
    """All of the commune."""
    return renderer_of(frame.request).page(
        frame, "stations.html", rows=stations_view(session, frame), kinds=KINDS, states=STATES
    )


@router.post("/stations", dependencies=[changes(Action.RECEIVERS)])
def add(
    frame: In,
    name: Annotated[str, Form()],
    kind: Annotated[str, Form()],
    maker: Annotated[str, Form()] = "",
    former_commune: Annotated[str, Form()] = "",
) -> Response:
    """One more."""
    with frame.deps.database.writing() as session:
        added = add_station(session, frame.commune_id, _kind(kind), name, maker=maker, former_commune=former_commune)
        frame.note(session, Deed.STATION_ADDED, _described(added))
    return back_to(frame.request, "/stations")


@router.post("/stations/{number}", dependencies=[changes(Action.RECEIVERS)])
def change(
    frame: In,
    number: int,
    name: Annotated[str, Form()],
    kind: Annotated[str, Form()],
    maker: Annotated[str, Form()] = "",
    former_commune: Annotated[str, Form()] = "",
) -> Response:
    """Say anew what it is."""
    with frame.deps.database.writing() as session:
        found = own_station(frame, session, number)
        before = _described(found)
        change_station(session, number, kind=_kind(kind), name=name, maker=maker, former_commune=former_commune)
        frame.note(session, Deed.STATION_CHANGED, f"{before} → {_described(found)}")
    return back_to(frame.request, "/stations")


@router.post("/stations/{number}/move", dependencies=[changes(Action.RECEIVERS)])
def move(
    frame: In, number: int, to: Annotated[int, Form()], receivers: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Some of its receivers belong to another station."""
    if not receivers:
        raise Refusal(N_("Choose the receivers to move to another station."))
    with frame.deps.database.writing() as session:
        before = own_station(frame, session, number).name
        moved = [own_receiver(frame, session, ident).name for ident in receivers]
        move_receivers(session, receivers, to)
        after = station(session, to).name
        frame.note(session, Deed.RECEIVER_CHANGED, f"{', '.join(moved)}: {before} → {after}")
    return back_to(frame.request, "/stations")


@router.post("/stations/{number}/remove", dependencies=[changes(Action.RECEIVERS)])
def remove(frame: In, number: int) -> Response:
    """An empty one goes."""
    with frame.deps.database.writing() as session:
        frame.note(session, Deed.STATION_REMOVED, _described(own_station(frame, session, number)))
        remove_station(session, number)
    return back_to(frame.request, "/stations")


def own_station(frame: Frame, session: Session, number: int) -> Station:
    """A station of the commune that is shown. Raises NotFound."""
    found = station(session, number)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("This station no longer exists."))
    return found


def _described(s: Station) -> str:
    """A station for the log of changes."""
    return ", ".join(part for part in (s.name, s.kind, s.maker, s.former_commune) if part)


def _kind(word: str) -> StationKind:
    try:
        return StationKind(word)
    except ValueError:
        raise Refusal(N_("A station is wired, FM or IP.")) from None
