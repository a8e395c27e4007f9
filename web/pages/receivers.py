"""Receivers: which loudspeaker needs me?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices import fault_latches, faults, presence
from devices.enrolment import enrol, renew_credentials, retire_receiver
from devices.heartbeats import HeartbeatSample, samples
from devices.positions import parse_position, place_receiver
from devices.presence import PresenceChange, PresenceState, ReceiverStatus
from devices.receivers import Receiver, change_receiver, receiver, receivers
from devices.self_tests import latest
from devices.stations import Station, StationKind, add_station, stations
from devices.zones import add_zone, zones, zones_of, zones_of_all
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal
from web.labels.faults import fault_words, test_words
from web.labels.states import KINDS, SENT, STATES, cause
from web.pages.on_air import shown_state
from web.receiver_telemetry import telemetry_view
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of, tell
from wire.commands import Action as Command
from wire.commands import Identify, Reboot, SetVolume, TestTone

router = APIRouter(include_in_schema=False)
#: Trouble first.
_ORDER = ("fault", "offline", "late", "on_air", "online", "new")
#: A self-test older than this says nothing about now.
_TESTS_SHOWN = timedelta(days=3)
_AUDITED = (
    "name",
    "place",
    "station_id",
    "volume_percent",
    "volume_ceiling_percent",
    "path_delay_ms",
    "amplifier_lead_ms",
    "latitude_deg",
    "longitude_deg",
)
PLOT_WIDTH, PLOT_HEIGHT = 720, 160
#: A test tone starts this far ahead, so that every receiver has heard of it.
_TONE_AHEAD_US = 3_000_000


@dataclass(frozen=True)
class ReceiverRow:
    """One receiver in the list. state: one of words.STATES. ready, held: coming broadcasts."""

    receiver: Receiver
    station: Station | None
    zones: list[str]
    state: str
    now: ReceiverStatus | None
    faults: list[faults.Fault]
    ready: int
    held: int


@dataclass(frozen=True)
class Plot:
    """24 hours of sync error. line: an SVG path. bars: of presence gaps. most_us: top of the scale, µs."""

    line: str
    band: str
    most_us: float
    hours: list[tuple[float, str]]
    any: bool


def receivers_view(session: Session, frame: Frame, now: datetime) -> list[ReceiverRow]:
    """The list, trouble first. The number of queries does not grow with it."""
    known = receivers(session, frame.commune_id)
    places = {s.id: s for s in stations(session, frame.commune_id)}
    names = {z.id: z.name for z in zones(session, frame.commune_id)}
    memberships = zones_of_all(session, [r.id for r in known])
    states, broken = frame.deps.presence.snapshot(now), faults.current(session)
    rows = []
    for r in known:
        at = states.get(r.id)
        held = at.heartbeat.holds if at is not None and at.heartbeat is not None else []
        rows.append(
            ReceiverRow(
                r,
                places.get(r.station_id),
                [names.get(z, z) for z in memberships[r.id]],
                shown_state(at, broken.get(r.id)),
                at,
                broken.get(r.id, []),
                sum(h.ready for h in held),
                len(held),
            )
        )
    return sorted(rows, key=lambda row: (_ORDER.index(row.state), row.receiver.name))


def plot_of(found: Sequence[HeartbeatSample], frame: Frame, now: datetime) -> Plot:
    """The last 24 hours as a line: how far from the instant its sound left, p99 of each minute."""
    since = now - timedelta(hours=24)
    most_us = max([1000.0, *(float(s.playout_p99_us + s.clock_error_us) for s in found)])

    def x(at: datetime) -> float:
        return round((at - since).total_seconds() / 86_400 * PLOT_WIDTH, 1)

    def y(us: float) -> float:
        return round(PLOT_HEIGHT - 20 - us / most_us * (PLOT_HEIGHT - 30), 1)

    line, band, last = "", "", None
    for s in found:
        gap = last is None or s.minute_at - last > timedelta(minutes=5)
        line += f"{'M' if gap else 'L'}{x(s.minute_at)} {y(s.playout_p99_us)}"
        width = round(PLOT_WIDTH / 1440, 2)
        band += f"M{x(s.minute_at)} {y(s.clock_error_us)}h{width}V{PLOT_HEIGHT - 20}h-{width}z"
        last = s.minute_at
    hours = [
        (x(at), frame.wording.clock(at))
        for at in (now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=h) for h in range(0, 24, 4))
    ]
    return Plot(line, band, most_us, hours, bool(found))


@router.get("/receivers")
def page(frame: In, session: Reading) -> HTMLResponse:
    """The list."""
    rows = receivers_view(session, frame, frame.deps.clock.now())
    part = frame.request.headers.get("hx-target") == "receivers"
    return renderer_of(frame.request).page(
        frame,
        "_receivers.html" if part else "receivers.html",
        rows=rows,
        latched=len(fault_latches.latches(session, [row.receiver.id for row in rows])),
        states=STATES,
        kinds=KINDS,
        **self_test_values(session, frame, [row.receiver.id for row in rows]),
    )


@router.get("/receivers/new")
def new(frame: In, session: Reading) -> HTMLResponse:
    """The form for a new receiver."""
    return renderer_of(frame.request).page(
        frame,
        "receiver_form.html",
        stations=stations(session, frame.commune_id),
        zones=zones(session, frame.commune_id),
        kinds=KINDS,
    )


@router.post("/receivers", dependencies=[changes(Action.RECEIVERS)])
def add(
    frame: In,
    receiver_id: Annotated[str, Form()],
    name: Annotated[str, Form()],
    station: Annotated[str, Form()],
    place: Annotated[str, Form()] = "",
    latitude: Annotated[str, Form()] = "",
    longitude: Annotated[str, Form()] = "",
    station_name: Annotated[str, Form()] = "",
    path_delay_ms: Annotated[float, Form()] = 0.0,
    zones: Annotated[list[str] | None, Form()] = None,
) -> HTMLResponse:
    """Add it, and show its credentials, this once."""
    with frame.deps.database.writing() as session:
        if station.isdigit():
            number = int(station)
        elif station in list(StationKind):
            made = add_station(session, frame.commune_id, StationKind(station), station_name or name)
            number = made.number
        else:
            raise Refusal(N_("Choose the station the receiver belongs to."))
        added, credentials = enrol(
            session,
            frame.deps.issuer,
            receiver_id=receiver_id.strip(),
            commune_id=frame.commune_id,
            station_id=number,
            name=name,
            place=place,
            zones=zones,
            now=frame.deps.clock.now(),
            path_delay_ms=path_delay_ms,
        )
        place_receiver(session, added.id, parse_position(latitude, longitude))
        frame.note(session, Deed.RECEIVER_ADDED, f"{name} ({added.id})")
    _tell(frame, added.id)
    frame.deps.accounts_changed()
    return _credentials(frame, added.id, name, credentials.text())


@router.post("/zones", dependencies=[changes(Action.RECEIVERS)])
def add_a_zone(frame: In, zone_id: Annotated[str, Form()], name: Annotated[str, Form()]) -> Response:
    """A new zone."""
    with frame.deps.database.writing() as session:
        add_zone(session, frame.commune_id, zone_id.strip(), name)
        frame.note(session, Deed.ZONE_ADDED, name)
    return back_to(frame.request, "/receivers")


@router.get("/receivers/{receiver_id}")
def one(frame: In, session: Reading, receiver_id: str) -> HTMLResponse:
    """One receiver: how it is, how it was, and its settings."""
    now = frame.deps.clock.now()
    found = own_receiver(frame, session, receiver_id)
    at, broken = frame.deps.presence.receiver_status(receiver_id, now), faults.current(session).get(receiver_id, [])
    history: list[PresenceChange] = presence.changes(session, receiver_id, 30)
    return renderer_of(frame.request).page(
        frame,
        "receiver.html",
        r=found,
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
    station_id: Annotated[int, Form()],
    volume_percent: Annotated[int, Form()],
    volume_ceiling_percent: Annotated[int, Form()],
    path_delay_ms: Annotated[float, Form()],
    amplifier_lead_s: Annotated[float, Form()],
    place: Annotated[str, Form()] = "",
    latitude: Annotated[str, Form()] = "",
    longitude: Annotated[str, Form()] = "",
    zones: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Keep its settings; they go to the receiver at once."""
    with frame.deps.database.writing() as session:
        before = _settings(own_receiver(frame, session, receiver_id))
        changed = change_receiver(
            session,
            receiver_id,
            name=name,
            place=place,
            station_id=station_id,
            zones=zones or [],
            volume_percent=volume_percent,
            volume_ceiling_percent=volume_ceiling_percent,
            path_delay_ms=path_delay_ms,
            amplifier_lead_ms=round(amplifier_lead_s * 1000),
        )
        place_receiver(session, receiver_id, parse_position(latitude, longitude))
        frame.note(session, Deed.RECEIVER_CHANGED, _difference(receiver_id, before, _settings(changed)))
    _tell(frame, receiver_id)
    return back_to(frame.request, f"/receivers/{receiver_id}")


@router.post("/receivers/{receiver_id}/do/{action}", dependencies=[changes(Action.RECEIVERS)])
def command(frame: In, receiver_id: str, action: str, volume: Annotated[int, Form()] = 50) -> Response:
    """Identify, test tone, volume now, restart."""
    with frame.deps.database.session() as session:
        found = own_receiver(frame, session, receiver_id)
    connected = frame.deps.presence.receiver_status(receiver_id, frame.deps.clock.now()).state is PresenceState.ONLINE
    actions: dict[str, Command] = {
        "identify": Identify(),
        "test-tone": TestTone(starts_at_us=frame.deps.clock.now_us() + _TONE_AHEAD_US),
        "volume": SetVolume(volume_percent=min(100, max(0, volume))),
        "reboot": Reboot(),
    }
    if action not in actions:
        raise NotFound(N_("This page does not exist. Go back to the home page."))
    with frame.deps.database.writing() as session:
        frame.note(session, Deed.RECEIVER_COMMANDED, f"{found.name}: {action}")
    frame.deps.downlink.send_command(receiver_id, actions[action])
    return tell(frame, f"/receivers/{receiver_id}", SENT[action if connected else "away"], well=connected)


@router.post("/receivers/test-tone/all", dependencies=[changes(Action.RECEIVERS)])
def test_tone_for_all(frame: In) -> Response:
    """Clicks on every receiver at the same instant, for measuring by ear or microphone."""
    starts_at_us = frame.deps.clock.now_us() + _TONE_AHEAD_US
    with frame.deps.database.writing() as session:
        known = receivers(session, frame.commune_id)
        frame.note(session, Deed.RECEIVER_COMMANDED, f"test-tone: {len(known)}")
    for r in known:
        frame.deps.downlink.send_command(r.id, TestTone(starts_at_us=starts_at_us))
    return back_to(frame.request, "/receivers")


@router.post("/receivers/{receiver_id}/credentials", dependencies=[changes(Action.RECEIVERS)])
def new_credentials(frame: In, receiver_id: str) -> HTMLResponse:
    """New credentials; the old ones hold no longer."""
    with frame.deps.database.writing() as session:
        found = own_receiver(frame, session, receiver_id)
        credentials = renew_credentials(session, frame.deps.issuer, receiver_id)
        frame.note(session, Deed.CREDENTIALS_RENEWED, f"{found.name} ({receiver_id})")
    frame.deps.accounts_changed()
    return _credentials(frame, receiver_id, found.name, credentials.text())


@router.post("/receivers/{receiver_id}/retire", dependencies=[changes(Action.RECEIVERS)])
def do_retire(frame: In, receiver_id: str) -> Response:
    """Out of service."""
    with frame.deps.database.writing() as session:
        found = own_receiver(frame, session, receiver_id)
        retire_receiver(session, receiver_id, frame.deps.clock.now())
        frame.note(session, Deed.RECEIVER_RETIRED, f"{found.name} ({receiver_id})")
    frame.deps.accounts_changed()
    return back_to(frame.request, "/receivers")


def own_receiver(frame: Frame, session: Session, receiver_id: str) -> Receiver:
    """A receiver of the commune that is shown. Raises NotFound."""
    found = receiver(session, receiver_id)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("Receiver {id} does not exist."), id=receiver_id)
    return found


def _settings(found: Receiver) -> dict[str, object]:
    """What of a receiver people set, for the audit: who looks must see what was before."""
    return {name: getattr(found, name) for name in _AUDITED}


def _difference(receiver_id: str, before: dict[str, object], after: dict[str, object]) -> str:
    changed = [f"{key} {before[key]} → {after[key]}" for key in sorted(after) if before[key] != after[key]]
    return f"{after['name']} ({receiver_id}): {'; '.join(changed) or '='}"


def self_test_values(session: Session, frame: Frame, receiver_ids: list[str]) -> dict[str, Any]:
    """What the templates need to say how the last self-tests went."""
    return {
        "tests": latest(session, receiver_ids, frame.deps.clock.now() - _TESTS_SHOWN),
        "test_words": lambda part: test_words(frame, part),
        "fault_words": lambda fault: fault_words(frame, fault),
    }


def _tell(frame: Frame, receiver_id: str) -> None:
    with frame.deps.database.session() as session:
        frame.deps.downlink.configure(session, receiver(session, receiver_id))


def _credentials(frame: Frame, receiver_id: str, name: str, text: str) -> HTMLResponse:
    return renderer_of(frame.request).page(
        frame, "receiver_credentials.html", receiver_id=receiver_id, name=name, text=text
    )
