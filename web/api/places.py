"""The JSON API's places: stations, where receivers stand, the commune's border, horns heard as two."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from acoustics.echoes import echo_pairs_of
from devices.communes import commune
from devices.outlines import MOST_BYTES
from devices.positions import Position
from devices.receivers import receivers
from devices.stations import StationKind, stations
from people.rights import Action
from runtime.refusal import N_, NotFound
from usecases.receivers import place_receiver
from usecases.stations import StationSettings, add_station, move_receivers, set_outline
from web.request_context import In, Reading, changes
from web.typed_fields import Degrees, RowId

router = APIRouter(prefix="/api/v1")


class StationIn(BaseModel):
    """A new station. kind: wired, fm, ip."""

    name: str
    kind: StationKind
    maker: str = ""
    former_commune: str = ""


class PositionIn(BaseModel):
    """Where a receiver stands, in degrees of WGS 84."""

    latitude_deg: Degrees
    longitude_deg: Degrees


class BelongsIn(BaseModel):
    """The station that a receiver belongs to."""

    station: RowId


@router.get("/stations")
def list_stations(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The stations with the receivers of each."""
    commune_receivers = receivers(session, frame.commune_id)
    return [
        {
            "station": s.number,
            "name": s.name,
            "kind": s.kind,
            "maker": s.maker,
            "former_commune": s.former_commune,
            "receivers": [r.id for r in commune_receivers if r.station_id == s.id],
        }
        for s in stations(session, frame.commune_id)
    ]


@router.post("/stations", status_code=201, dependencies=[changes(Action.RECEIVERS)])
def make_station(frame: In, body: StationIn) -> dict[str, int]:
    settings = StationSettings(body.kind, body.name, body.maker, body.former_commune)
    station = add_station(frame.deps.services, frame.actor, frame.commune_id, settings)
    return {"station": station.number}


@router.put("/receivers/{receiver_id}/station", status_code=204, dependencies=[changes(Action.RECEIVERS)])
def belongs(frame: In, receiver_id: str, body: BelongsIn) -> None:
    """It belongs to another station."""
    move_receivers(frame.deps.services, frame.actor, frame.commune_id, [receiver_id], to_station=body.station)


@router.put("/receivers/{receiver_id}/position", status_code=204, dependencies=[changes(Action.RECEIVERS)])
def place(frame: In, receiver_id: str, body: PositionIn) -> None:
    position = Position(body.latitude_deg, body.longitude_deg)
    place_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id, position)


@router.delete("/receivers/{receiver_id}/position", status_code=204, dependencies=[changes(Action.RECEIVERS)])
def take_off(frame: In, receiver_id: str) -> None:
    """Nobody knows where it stands."""
    place_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id, None)


@router.get("/outline")
def outline(frame: In, session: Reading) -> Response:
    """The commune's border, a GeoJSON MultiPolygon."""
    border = commune(session, frame.commune_id).outline
    if border is None:
        raise NotFound(N_("This commune has no boundary on the map yet."))
    return Response(border, media_type="application/geo+json")


@router.put("/outline", status_code=204, dependencies=[changes(Action.RECEIVERS)])
async def bring_outline(frame: In, request: Request) -> None:
    """Keep the border: GeoJSON as the request's body."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            break
    await run_in_threadpool(set_outline, frame.deps.services, frame.actor, frame.commune_id, content)


@router.delete("/outline", status_code=204, dependencies=[changes(Action.RECEIVERS)])
def remove_outline(frame: In) -> None:
    set_outline(frame.deps.services, frame.actor, frame.commune_id, None)


@router.get("/echoes")
def list_echoes(frame: In, session: Reading) -> list[dict[str, Any]]:
    """Pairs of horns that some place hears as two by distance alone, the worst first."""
    commune_receivers = receivers(session, frame.commune_id)
    return [
        {
            "receivers": [e.one, e.other],
            "distance_m": round(e.distance_m, 1),
            "difference_ms": round(e.difference_ms, 1),
        }
        for e in echo_pairs_of(commune_receivers, frame.deps.settings.horn_reach_m)
    ]
