"""Map: where do the receivers stand, how are they, and which horns are heard as two?"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from acoustics.echoes import ECHO_WITHIN_DB, HEARD_AS_TWO_MS, echo_pairs_of
from devices import faults, presence
from devices.outlines import MOST_BYTES, CommuneOutline, outline_of
from devices.positions import Position, parse_position, position_of
from devices.receivers import Receiver, receivers
from devices.stations import station
from people.rights import Action
from runtime.refusal import N_, NotFound, at_field
from usecases.receivers import place_receiver, receiver_of
from usecases.stations import set_outline
from web.flash import Flash
from web.labels.causes import cause
from web.labels.receivers import KINDS, STATES
from web.receiver_rows import ReceiverRow, receivers_view, self_test_values, shown_state
from web.request_context import Frame, In, Reading, back_to, changes

router = APIRouter(include_in_schema=False)
_HISTORY_SHOWN = 8
#: Pairs of horns in the list and as lines; more than these nobody reads, and each receiver has all of its own.
_ECHOES_LISTED = 100


@dataclass(frozen=True)
class Moved:
    """Where a receiver stood before it was moved, as a form gives it back."""

    latitude: str
    longitude: str


@router.get("/map")
def page(frame: In, session: Reading, receiver: str = "") -> HTMLResponse:
    """The map, with one receiver opened beside it."""
    settings, border = frame.deps.settings, _outline(frame, session)
    values = {
        **_rows(frame, session),
        **_echoes(frame, session),
        **(_one(frame, session, receiver) if receiver else {}),
        "tiles_url": settings.map_tiles_url or "",
        "attribution": settings.map_tiles_attribution,
        "outline": border,
        "outline_url": f"/map/outline.json?v={_tag(border.text)}" if border.text else "",
    }
    return frame.page("map.html", **{"r": None, **values})


@router.get("/map/rows")
def rows(frame: In, session: Reading) -> HTMLResponse:
    """The list beside the map, as it is now; the markers are drawn from it."""
    return frame.page("_map_rows.html", **_rows(frame, session))


@router.get("/map/echoes")
def echoes(frame: In, session: Reading) -> HTMLResponse:
    """The pairs of horns that are heard as two; the lines are drawn from them."""
    return frame.page("_map_echoes.html", **_echoes(frame, session))


@router.get("/map/nobody")
def nobody(_frame: In) -> HTMLResponse:
    """Beside the map when no receiver is opened."""
    return HTMLResponse("")


@router.get("/map/receivers/{receiver_id}")
def one(frame: In, session: Reading, receiver_id: str) -> HTMLResponse:
    """One receiver, beside the map."""
    return frame.page("_map_receiver.html", **_one(frame, session, receiver_id))


@router.get("/map/receivers/{receiver_id}/now")
def one_now(frame: In, session: Reading, receiver_id: str) -> HTMLResponse:
    return frame.page("_map_receiver_state.html", **_now(frame, session, receiver_id))


@router.post("/receivers/{receiver_id}/position", dependencies=[changes(Action.RECEIVERS)])
def place(
    frame: In, receiver_id: str, latitude: Annotated[str, Form()] = "", longitude: Annotated[str, Form()] = ""
) -> Response:
    """Put it on the map, move it, or take it off; with a way back."""
    position = parse_position(latitude, longitude)
    before = place_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id, position)
    if not frame.request.headers.get("hx-request"):
        return back_to(frame.request, f"/map?receiver={receiver_id}")
    with frame.deps.database.session() as session:
        values = {**_one(frame, session, receiver_id), "moved": _said(before)}
        answer = frame.page("_map_receiver.html", **values)
    answer.headers["HX-Trigger-After-Swap"] = "placed"
    return answer


@router.get("/map/outline.json")
def outline(frame: In, session: Reading) -> Response:
    """The commune's border as GeoJSON. Its address changes when it does."""
    border = _outline(frame, session)
    if border.text is None:
        raise NotFound(N_("This commune has no boundary on the map yet."))
    return Response(border.text, media_type="application/geo+json", headers={"Cache-Control": "private, max-age=86400"})


@router.post("/map/outline", dependencies=[changes(Action.RECEIVERS)])
def bring_outline(frame: In, file: Annotated[UploadFile, File()]) -> Response:
    """Keep the border of a file."""
    content = file.file.read(MOST_BYTES + 1)
    with at_field("file"):
        set_outline(frame.deps.services, frame.actor, frame.commune_id, content)
    return back_to(frame.request, "/map")


@router.post("/map/outline/remove", dependencies=[changes(Action.RECEIVERS)])
def remove_outline(frame: In) -> Response:
    set_outline(frame.deps.services, frame.actor, frame.commune_id, None)
    return back_to(frame.request, "/map", Flash(N_("The boundary has been removed.")))


def _rows(frame: Frame, session: Session) -> dict[str, Any]:
    rows: list[ReceiverRow] = receivers_view(session, frame, frame.deps.clock.now())
    return {
        "unplaced": [row for row in rows if position_of(row.receiver) is None],
        "placed_rows": [row for row in rows if position_of(row.receiver) is not None],
        "states": STATES,
        "kinds": KINDS,
        "coordinates": lambda r: _coordinates(frame, r),
        **self_test_values(session, frame, []),
    }


def _echoes(frame: Frame, session: Session) -> dict[str, Any]:
    commune_receivers, reach_m = receivers(session, frame.commune_id), frame.deps.settings.horn_reach_m
    return {
        "echoes": echo_pairs_of(commune_receivers, reach_m),
        "names": {r.id: r.name for r in commune_receivers},
        "reach_m": reach_m,
        "listed": _ECHOES_LISTED,
        "late_ms": int(HEARD_AS_TWO_MS),
        "within_db": int(ECHO_WITHIN_DB),
        "placed_any": any(position_of(r) is not None for r in commune_receivers),
    }


def _now(frame: Frame, session: Session, receiver_id: str) -> dict[str, Any]:
    receiver = receiver_of(session, frame.commune_id, receiver_id)
    at = frame.deps.presence.receiver_status(receiver_id, frame.deps.clock.now())
    broken = faults.current(session).get(receiver_id, [])
    return {
        "r": receiver,
        "at": at,
        "broken": broken,
        "state": shown_state(at, broken),
        "states": STATES,
        **self_test_values(session, frame, [receiver_id]),
    }


def _one(frame: Frame, session: Session, receiver_id: str) -> dict[str, Any]:
    now = _now(frame, session, receiver_id)
    commune_receivers, reach_m = receivers(session, frame.commune_id), frame.deps.settings.horn_reach_m
    return {
        "own_echoes": [e for e in echo_pairs_of(commune_receivers, reach_m) if receiver_id in (e.one, e.other)],
        "names": {r.id: r.name for r in commune_receivers},
        **now,
        "station": station(session, now["r"].station_id),
        "kinds": KINDS,
        "moved": None,
        "history": presence.changes(session, receiver_id, _HISTORY_SHOWN),
        "past_faults": faults.history(session, receiver_id, _HISTORY_SHOWN),
        "cause": lambda word: cause(frame.t, word),
    }


def _outline(frame: Frame, session: Session) -> CommuneOutline:
    return outline_of(session, frame.commune_id) if frame.commune_id else CommuneOutline("", None)


def _tag(border: str) -> str:
    return hashlib.sha256(border.encode()).hexdigest()[:12]


def _said(before: Position | None) -> Moved:
    return Moved("", "") if before is None else Moved(str(before.latitude_deg), str(before.longitude_deg))


def _coordinates(frame: Frame, r: Receiver) -> str:
    at = position_of(r)
    return "" if at is None else f"{at.latitude_deg:.5f}, {at.longitude_deg:.5f}"
