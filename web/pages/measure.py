"""Measure: how much later is one receiver heard than another, and what path delay brings them in step?"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from acoustics.delay_measurements import (
    LASTS,
    ROUNDS,
    DelayMeasurement,
    Proposal,
    begin,
    horns_apart_m,
    keep_offset,
    measurement_of,
    proposal,
    recent,
    take,
    tones,
    undo,
)
from acoustics.echoes import travel_ms
from broadcast.on_air import between
from devices.presence import PresenceState
from devices.receivers import Receiver, receiver, receivers
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of

router = APIRouter(include_in_schema=False)
#: Three minutes of two channels that are not compressed, at the highest rate that phones record at.
MOST_BYTES = 60_000_000
#: Recorded after the last sound: an echo, and what a telephone's recorder keeps back.
_AFTER_MS = 2000
_LASTS_S = round(LASTS.total_seconds())


@dataclass(frozen=True)
class MeasurementRow:
    """One measurement with its receivers. proposed: None while nothing is heard."""

    measurement: DelayMeasurement
    one: Receiver
    other: Receiver
    proposed: Proposal | None

    def named(self, receiver_id: str | None) -> Receiver:
        """One of the two."""
        return self.one if receiver_id == self.one.id else self.other


@router.get("/measure")
def page(frame: In, session: Reading, one: str = "", other: str = "") -> HTMLResponse:
    """Choose two receivers and where the phone is held; and what was measured before."""
    known = receivers(session, frame.commune_id)
    by_id = {r.id: r for r in known}
    rows = [
        MeasurementRow(m, by_id[m.one_id], by_id[m.other_id], proposal(m))
        for m in recent(session, frame.commune_id)
        if m.one_id in by_id and m.other_id in by_id
    ]
    chosen = one if one in by_id else next(iter(by_id), "")
    second = other if other in by_id else next((r for r in by_id if r != chosen), "")
    return renderer_of(frame.request).page(
        frame,
        "measurement_form.html",
        receivers=known,
        one=chosen,
        other=second,
        rows=rows,
        lasts_s=_LASTS_S,
        **_apart(by_id.get(chosen), by_id.get(second)),
    )


@router.get("/measure/apart")
def apart(frame: In, session: Reading, one: str = "", other: str = "") -> HTMLResponse:
    """How far apart two receivers stand on the map, beside the form."""
    by_id = {r.id: r for r in receivers(session, frame.commune_id)}
    return renderer_of(frame.request).page(frame, "_horn_distance.html", **_apart(by_id.get(one), by_id.get(other)))


@router.post("/measure", dependencies=[changes(Action.RECEIVERS)])
def start(
    frame: In,
    one: Annotated[str, Form()],
    other: Annotated[str, Form()],
    where: Annotated[str, Form()] = "middle",
    one_distance_m: Annotated[float, Form()] = 0.0,
    other_distance_m: Annotated[float, Form()] = 0.0,
) -> Response:
    """Let the two sound. The page's own recorder is told when; others are led to where they bring their recording."""
    now = frame.deps.clock.now()
    metres = (0.0, 0.0) if where == "middle" else (one_distance_m, other_distance_m)
    with frame.deps.database.writing() as session:
        made = begin(
            session,
            frame.commune_id,
            one,
            other,
            one_distance_m=metres[0],
            other_distance_m=metres[1],
            now=now,
            by=frame.operator.name,
        )
        _check_free(frame, session, made)
        names = [receiver(session, receiver_id).name for receiver_id in (one, other)]
        frame.note(session, Deed.RECEIVER_COMMANDED, ", ".join(names))
    for receiver_id, tone in tones(made):
        frame.deps.downlink.send_command(receiver_id, tone)
    path = f"/measure/{made.id}"
    if "application/json" not in frame.request.headers.get("accept", ""):
        return back_to(frame.request, path)
    starts_in_ms = round((made.starts_at - now).total_seconds() * 1000)
    length_ms = round(LASTS.total_seconds() * 1000) + _AFTER_MS
    return JSONResponse({"path": path, "starts_in_ms": starts_in_ms, "length_ms": length_ms})


@router.get("/measure/{measurement_id}")
def one_measurement(frame: In, session: Reading, measurement_id: str) -> HTMLResponse:
    """One measurement: what it says, and where a recording is brought."""
    return renderer_of(frame.request).page(
        frame, "measurement.html", row=_own(frame, session, measurement_id), rounds=ROUNDS, lasts_s=_LASTS_S
    )


@router.post("/measure/{measurement_id}/recording", dependencies=[changes(Action.RECEIVERS)])
async def recording(frame: In, request: Request, measurement_id: str) -> Response:
    """Take a recording, as the request's body or from a form; it is looked through and thrown away."""
    by_script = not request.headers.get("content-type", "").startswith("multipart/form-data")
    path = frame.deps.media.incoming()
    try:
        await _receive(request, path, by_script)
        await run_in_threadpool(_look_through, frame, measurement_id, path)
    except Refusal as refusal:
        if not by_script:
            raise
        return JSONResponse({"error": frame.t.refusal(refusal)}, 422)
    finally:
        path.unlink(missing_ok=True)
    shown = f"/measure/{measurement_id}"
    return JSONResponse({"path": shown}) if by_script else back_to(request, shown)


@router.post("/measure/{measurement_id}/take", dependencies=[changes(Action.RECEIVERS)])
def do_take(frame: In, measurement_id: str) -> Response:
    """Set the path delay that is proposed."""
    with frame.deps.database.writing() as session:
        _own(frame, session, measurement_id)
        changed = take(session, measurement_id, now=frame.deps.clock.now(), by=frame.operator.name)
        _note_delay(frame, session, changed)
    return _told(frame, changed, measurement_id)


@router.post("/measure/{measurement_id}/undo", dependencies=[changes(Action.RECEIVERS)])
def do_undo(frame: In, measurement_id: str) -> Response:
    """Put it back."""
    with frame.deps.database.writing() as session:
        _own(frame, session, measurement_id)
        changed = undo(session, measurement_id, now=frame.deps.clock.now())
        _note_delay(frame, session, changed)
    return _told(frame, changed, measurement_id)


def _note_delay(frame: Frame, session: Session, changed: Receiver) -> None:
    frame.note(session, Deed.RECEIVER_CHANGED, f"{changed.name}: path_delay_ms {changed.path_delay_ms:g}")


def _told(frame: Frame, changed: Receiver, measurement_id: str) -> Response:
    with frame.deps.database.session() as session:
        frame.deps.downlink.configure(session, receiver(session, changed.id))
    return back_to(frame.request, f"/measure/{measurement_id}")


def _look_through(frame: Frame, measurement_id: str, path: Path) -> None:
    with frame.deps.database.session() as session:
        row = _own(frame, session, measurement_id)
    # Imported here: numpy takes 12 MB and is needed for a recording now and then.
    from acoustics.measuring import MOST_S, measure_offset  # noqa: PLC0415
    from broadcast.audio import Ffmpeg  # noqa: PLC0415
    from broadcast.audio_samples import samples_of  # noqa: PLC0415

    heard = measure_offset(samples_of(path, Ffmpeg(), most_s=MOST_S), row.one.name, row.other.name)
    with frame.deps.database.writing() as session:
        keep_offset(
            session,
            measurement_id,
            heard_offset_us=heard.offset_us,
            error_us=heard.error_us,
            agreeing=heard.agreeing,
            clipped=heard.clipped,
            now=frame.deps.clock.now(),
        )


async def _receive(request: Request, path: Path, by_script: bool) -> None:
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        raise _too_large()
    received = 0
    with path.open("wb") as file:
        async for block in request.stream() if by_script else _of_form(request):
            received += len(block)
            if received > MOST_BYTES:
                raise _too_large()
            await run_in_threadpool(file.write, block)


async def _of_form(request: Request) -> AsyncIterator[bytes]:
    async with request.form() as form:
        sent = form.get("file")
        while isinstance(sent, UploadFile) and (block := await sent.read(1 << 20)):
            yield block


def _too_large() -> Refusal:
    return Refusal(
        N_("The recording is too large. Three minutes are enough; the limit is {mb} MB."), mb=MOST_BYTES // 10**6
    )


def _check_free(frame: Frame, session: Session, made: DelayMeasurement) -> None:
    """Refuse what would not be heard: a receiver that is away, a broadcast that goes before a test tone."""
    for receiver_id in (made.one_id, made.other_id):
        at = frame.deps.presence.receiver_status(receiver_id, made.asked_at)
        if at.state in (PresenceState.OFFLINE, PresenceState.NEW):
            name = receiver(session, receiver_id).name
            raise Refusal(N_("{receiver} is offline and cannot play."), receiver=name)
    for meant in between(session, made.commune_id, made.asked_at, made.ends_at):
        if meant.withdrawn_at is None and not meant.missed and meant.sounds_until > made.asked_at:
            raise Refusal(
                N_("“{title}” is playing until {until}. Measure after that."),
                title=meant.title,
                until=frame.wording.clock_with_seconds(meant.ends_at),
            )


def _own(frame: Frame, session: Session, measurement_id: str) -> MeasurementRow:
    found = measurement_of(session, measurement_id)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("This measurement no longer exists."))
    return MeasurementRow(found, receiver(session, found.one_id), receiver(session, found.other_id), proposal(found))


def _apart(one: Receiver | None, other: Receiver | None) -> dict[str, Any]:
    metres = None if one is None or other is None or one.id == other.id else horns_apart_m(one, other)
    return {"apart_m": metres, "apart_ms": None if metres is None else travel_ms(metres)}
