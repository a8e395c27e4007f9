"""Stations: which inherited installations does the commune have, and how is each of them?"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices.stations import Station, StationKind, stations
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.stations import StationSettings, add_station, change_station, move_receivers, remove_station
from web.flash import Flash
from web.labels.receivers import KINDS, STATES
from web.receiver_rows import ReceiverRow, receivers_view
from web.request_context import Frame, In, Reading, back_to, changes
from web.typed_fields import RowId

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
    station_rows = []
    for station in stations(session, frame.commune_id):
        mine = [row for row in rows if row.receiver.station_id == station.id]
        counts = {state: n for state in STATES if (n := sum(row.state == state for row in mine))}
        station_rows.append(StationRow(station, mine, counts))
    return station_rows


@router.get("/stations")
def page(frame: In, session: Reading) -> HTMLResponse:
    return frame.page("stations.html", rows=stations_view(session, frame), kinds=KINDS, states=STATES)


def station_from(
    name: Annotated[str, Form()],
    kind: Annotated[str, Form()],
    maker: Annotated[str, Form()] = "",
    former_commune: Annotated[str, Form()] = "",
) -> StationSettings:
    """Of a sent form. Raises Refusal."""
    try:
        return StationSettings(StationKind(kind), name, maker, former_commune)
    except ValueError:
        raise Refusal(N_("A station is wired, FM or IP.")).at("kind") from None


FormStation = Annotated[StationSettings, Depends(station_from)]


@router.post("/stations", dependencies=[changes(Action.RECEIVERS)])
def add(frame: In, settings: FormStation) -> Response:
    add_station(frame.deps.services, frame.actor, frame.commune_id, settings)
    return back_to(frame.request, "/stations")


@router.post("/stations/{number}", dependencies=[changes(Action.RECEIVERS)])
def change(frame: In, number: RowId, settings: FormStation) -> Response:
    change_station(frame.deps.services, frame.actor, frame.commune_id, number, settings)
    return back_to(frame.request, "/stations")


@router.post("/stations/{number}/move", dependencies=[changes(Action.RECEIVERS)])
def move(
    frame: In,
    number: RowId,
    to: Annotated[RowId, Form()],
    receivers: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Move some of its receivers to another station."""
    move_receivers(
        frame.deps.services, frame.actor, frame.commune_id, receivers or [], from_station=number, to_station=to
    )
    return back_to(frame.request, "/stations", Flash(N_("The receivers have been moved.")))


@router.post("/stations/{number}/remove", dependencies=[changes(Action.RECEIVERS)])
def remove(frame: In, number: RowId) -> Response:
    """Remove a station without receivers."""
    remove_station(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, "/stations", Flash(N_("Station removed.")))
