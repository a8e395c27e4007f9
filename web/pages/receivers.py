"""Receivers: which loudspeaker needs me?"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from devices import faults, presence
from devices.heartbeats import samples
from devices.positions import parse_position
from devices.presence import PresenceChange
from devices.stations import StationKind, stations
from devices.zones import zones, zones_of
from parsing.numbers import row_number
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.receivers import (
    ReceiverSettings,
    add_receiver,
    change_receiver,
    receiver_of,
    renew_credentials,
    restore_receiver,
    retire_receiver,
)
from web.flash import saved
from web.labels.causes import cause
from web.labels.receivers import KINDS, STATES
from web.receiver_query import PER_PAGE, AskedReceivers, station_choices
from web.receiver_rows import receivers_view, self_test_values, shown_state
from web.receiver_telemetry import telemetry_view
from web.removed_things import after_removal
from web.request_context import Frame, In, Reading, back_to, changes
from web.sync_plot import plot_of
from web.typed_fields import Count, Decimal, RowId, Seconds, Whole
from wire.credentials import credentials_of

router = APIRouter(include_in_schema=False)
#: Parts of a receiver's page that it reads again, by their id.
LIVE_PARTS = {
    "receiver-now": "_receiver_now.html",
    "receiver-telemetry": "_receiver_telemetry.html",
    "receiver-history": "_receiver_history.html",
}


@router.get("/receivers")
def page(frame: In, session: Reading, asked: AskedReceivers, page: Count = 0) -> HTMLResponse:
    everything = receivers_view(session, frame, frame.deps.clock.now())
    found = asked.matching(everything)
    rows = found[page * PER_PAGE : (page + 1) * PER_PAGE]
    part = frame.request.headers.get("hx-target") == "receivers"
    return frame.page(
        "_receivers.html" if part else "receivers.html",
        rows=rows,
        asked=asked,
        page=page,
        total=len(found),
        more=len(found) > (page + 1) * PER_PAGE,
        count=len(everything),
        latched=frame.open_faults,
        states=STATES,
        kinds=KINDS,
        stations=[] if part else station_choices(session, frame.commune_id),
        zones=[] if part else zones(session, frame.commune_id),
        **self_test_values(session, frame, [row.receiver.id for row in rows]),
    )


@router.get("/receivers/new")
def new(frame: In, session: Reading) -> HTMLResponse:
    """The form for a new receiver."""
    return frame.page(
        "receiver_form.html",
        stations=stations(session, frame.commune_id),
        zones=zones(session, frame.commune_id),
        kinds=KINDS,
    )


@router.post("/receivers", dependencies=[changes(Action.RECEIVERS)])
def add(
    frame: In,
    name: Annotated[str, Form()],
    station: Annotated[str, Form()],
    receiver_id: Annotated[str, Form()] = "",
    place: Annotated[str, Form()] = "",
    latitude: Annotated[str, Form()] = "",
    longitude: Annotated[str, Form()] = "",
    station_name: Annotated[str, Form()] = "",
    path_delay_ms: Annotated[Decimal, Form()] = 0.0,
    zones: Annotated[list[str] | None, Form()] = None,
) -> HTMLResponse:
    """Add it, and show its credentials, this once."""
    station_id = row_number(station)
    if station_id is None and station not in list(StationKind):
        raise Refusal(N_("Choose the station the receiver belongs to.")).at("station")
    credentials = add_receiver(
        frame.deps.services,
        frame.actor,
        frame.deps.issuer,
        frame.commune_id,
        receiver_id=receiver_id.strip(),
        name=name,
        station=StationKind(station) if station_id is None else station_id,
        station_name=station_name,
        place=place,
        zones=zones,
        path_delay_ms=path_delay_ms,
        position=parse_position(latitude, longitude),
    )
    return _credentials(frame, credentials.receiver, name, credentials.text())


@router.get("/receivers/{receiver_id}")
def one(frame: In, session: Reading, receiver_id: str) -> HTMLResponse:
    """One receiver: how it is, how it was, and its settings."""
    now = frame.deps.clock.now()
    receiver = receiver_of(session, frame.commune_id, receiver_id)
    at, broken = frame.deps.presence.receiver_status(receiver_id, now), faults.current(session).get(receiver_id, [])
    history: list[PresenceChange] = presence.changes(session, receiver_id, 30)
    return frame.page(
        LIVE_PARTS.get(frame.request.headers.get("hx-target", ""), "receiver.html"),
        r=receiver,
        at=at,
        state=shown_state(at, broken),
        states=STATES,
        kinds=KINDS,
        stations=stations(session, frame.commune_id),
        zones=zones(session, frame.commune_id),
        chosen=zones_of(session, receiver_id),
        broken=broken,
        history=history,
        past_faults=faults.history(session, receiver_id, 20),
        cause=lambda word: cause(frame.t, word),
        plot=plot_of(samples(session, receiver_id, now - timedelta(hours=24)), frame, now),
        telemetry=telemetry_view(session, frame, receiver_id, at.heartbeat, now),
        **self_test_values(session, frame, [receiver_id]),
    )


@router.post("/receivers/{receiver_id}", dependencies=[changes(Action.RECEIVERS)])
def change(
    frame: In,
    receiver_id: str,
    name: Annotated[str, Form()],
    station_id: Annotated[RowId, Form()],
    volume_percent: Annotated[Whole, Form()],
    volume_ceiling_percent: Annotated[Whole, Form()],
    path_delay_ms: Annotated[Decimal, Form()],
    amplifier_lead_s: Annotated[Seconds, Form()],
    place: Annotated[str, Form()] = "",
    latitude: Annotated[str, Form()] = "",
    longitude: Annotated[str, Form()] = "",
    alert_phone: Annotated[str, Form()] = "",
    zones: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Keep its settings; they go to the receiver at once."""
    settings = ReceiverSettings(
        name=name,
        place=place,
        station_id=station_id,
        zones=zones or [],
        volume_percent=volume_percent,
        volume_ceiling_percent=volume_ceiling_percent,
        path_delay_ms=path_delay_ms,
        amplifier_lead_ms=round(amplifier_lead_s * 1000),
        alert_phone=alert_phone,
    )
    position = parse_position(latitude, longitude)
    change_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id, settings, position)
    return back_to(frame.request, f"/receivers/{receiver_id}", saved(name, f"/receivers/{receiver_id}"))


@router.post("/receivers/{receiver_id}/credentials", dependencies=[changes(Action.RECEIVERS)])
def new_credentials(frame: In, session: Reading, receiver_id: str) -> HTMLResponse:
    """New credentials; the old ones are no longer valid."""
    name = receiver_of(session, frame.commune_id, receiver_id).name
    session.rollback()  # the read transaction must not block the write
    credentials = renew_credentials(frame.deps.services, frame.actor, frame.deps.issuer, frame.commune_id, receiver_id)
    return _credentials(frame, receiver_id, name, credentials.text())


@router.post("/receivers/{receiver_id}/credentials-file", dependencies=[changes(Action.RECEIVERS)])
def credentials_file(frame: In, session: Reading, receiver_id: str, text: Annotated[str, Form()]) -> Response:
    """The credentials that the page shows, as a file. They are kept nowhere, so the page sends them along."""
    receiver_of(session, frame.commune_id, receiver_id)
    try:
        content = credentials_of(text)
    except ValueError:
        raise Refusal(N_("These are no credentials. Create new ones.")) from None
    headers = {"Content-Disposition": f'attachment; filename="{receiver_id}.json"', "Cache-Control": "no-store"}
    return Response(content.text(), media_type="application/json", headers=headers)


@router.post("/receivers/{receiver_id}/retire", dependencies=[changes(Action.RECEIVERS)])
def do_retire(frame: In, receiver_id: str) -> Response:
    retire_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id)
    return after_removal(frame, "receiver", receiver_id)


@router.post("/receivers/{receiver_id}/restore", dependencies=[changes(Action.RECEIVERS)])
def do_restore(frame: In, receiver_id: str) -> Response:
    restore_receiver(frame.deps.services, frame.actor, frame.commune_id, receiver_id)
    return back_to(frame.request, f"/receivers/{receiver_id}")


def _credentials(frame: Frame, receiver_id: str, name: str, text: str) -> HTMLResponse:
    page = frame.page("receiver_credentials.html", receiver_id=receiver_id, name=name, text=text)
    page.headers["Cache-Control"] = "no-store"
    return page
