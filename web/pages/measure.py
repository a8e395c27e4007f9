"""Measure: how much later is one receiver heard than another, and what path delay brings them in step?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from acoustics.delay_measurements import (
    LASTS,
    MOST_RECORDING_BYTES,
    ROUNDS,
    DelayMeasurement,
    Proposal,
    horns_apart_m,
    proposal,
    recent,
)
from acoustics.echoes import travel_ms
from devices.receivers import Receiver, receiver, receivers
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.delay_measurements import (
    begin_measurement,
    keep_heard_offset,
    measurement_of,
    take_path_delay,
    undo_path_delay,
)
from web.flash import Flash
from web.request_context import Frame, In, Reading, back_to, changes
from web.typed_fields import Decimal
from web.uploads import blocks_of_form, body_of

router = APIRouter(include_in_schema=False)
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
        return self.one if receiver_id == self.one.id else self.other


@router.get("/measure")
def page(frame: In, session: Reading, one: str = "", other: str = "") -> HTMLResponse:
    """Choose two receivers and where the phone is held; and what was measured before."""
    commune_receivers = receivers(session, frame.commune_id)
    by_id = {r.id: r for r in commune_receivers}
    rows = [
        MeasurementRow(m, by_id[m.one_id], by_id[m.other_id], proposal(m))
        for m in recent(session, frame.commune_id)
        if m.one_id in by_id and m.other_id in by_id
    ]
    chosen = one if one in by_id else next(iter(by_id), "")
    second = other if other in by_id else next((r for r in by_id if r != chosen), "")
    return frame.page(
        "measurement_form.html",
        receivers=commune_receivers,
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
    return frame.page("_horn_distance.html", **_apart(by_id.get(one), by_id.get(other)))


@router.post("/measure", dependencies=[changes(Action.RECEIVERS)])
def start(
    frame: In,
    one: Annotated[str, Form()],
    other: Annotated[str, Form()],
    where: Annotated[str, Form()] = "middle",
    one_distance_m: Annotated[Decimal, Form()] = 0.0,
    other_distance_m: Annotated[Decimal, Form()] = 0.0,
) -> Response:
    """Let the two sound. The page's own recorder is told when; others are led to where they bring their recording."""
    now = frame.deps.clock.now()
    metres = (0.0, 0.0) if where == "middle" else (one_distance_m, other_distance_m)
    measurement = begin_measurement(
        frame.deps.services, frame.actor, frame.commune_id, (one, other), distances_m=metres
    )
    path = f"/measure/{measurement.id}"
    if "application/json" not in frame.request.headers.get("accept", ""):
        return back_to(frame.request, path)
    starts_in_ms = round((measurement.starts_at - now).total_seconds() * 1000)
    length_ms = round(LASTS.total_seconds() * 1000) + _AFTER_MS
    return JSONResponse({"path": path, "starts_in_ms": starts_in_ms, "length_ms": length_ms})


@router.get("/measure/{measurement_id}")
def one_measurement(frame: In, session: Reading, measurement_id: str) -> HTMLResponse:
    """One measurement: what it says, and where a recording is brought."""
    return frame.page("measurement.html", row=_own(frame, session, measurement_id), rounds=ROUNDS, lasts_s=_LASTS_S)


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
            raise refusal.at("file") from None
        return JSONResponse({"error": frame.t.refusal(refusal)}, 422)
    finally:
        path.unlink(missing_ok=True)
    shown = f"/measure/{measurement_id}"
    if by_script:
        return JSONResponse({"path": shown})
    return back_to(request, shown, Flash(N_("The recording has been examined.")))


@router.post("/measure/{measurement_id}/take", dependencies=[changes(Action.RECEIVERS)])
def do_take(frame: In, measurement_id: str) -> Response:
    """Set the path delay that is proposed."""
    take_path_delay(frame.deps.services, frame.actor, frame.commune_id, measurement_id)
    return back_to(frame.request, f"/measure/{measurement_id}")


@router.post("/measure/{measurement_id}/undo", dependencies=[changes(Action.RECEIVERS)])
def do_undo(frame: In, measurement_id: str) -> Response:
    """Set the path delay from before."""
    undo_path_delay(frame.deps.services, frame.actor, frame.commune_id, measurement_id)
    return back_to(frame.request, f"/measure/{measurement_id}", Flash(N_("The path delay is as before.")))


def _look_through(frame: Frame, measurement_id: str, path: Path) -> None:
    with frame.deps.database.session() as session:
        row = _own(frame, session, measurement_id)
    # Imported here: numpy takes 12 MB and is needed for a recording now and then.
    from acoustics.measuring import MOST_S, measure_offset  # noqa: PLC0415
    from broadcast.audio import Ffmpeg  # noqa: PLC0415
    from broadcast.audio_samples import samples_of  # noqa: PLC0415

    heard = measure_offset(samples_of(path, Ffmpeg(), most_s=MOST_S), row.one.name, row.other.name)
    keep_heard_offset(frame.deps.services, frame.actor, frame.commune_id, measurement_id, heard)


async def _receive(request: Request, path: Path, by_script: bool) -> None:
    if int(request.headers.get("content-length") or 0) > MOST_RECORDING_BYTES:
        raise _too_large()
    received = 0
    with path.open("wb") as file:
        async for block in body_of(request) if by_script else blocks_of_form(request):
            received += len(block)
            if received > MOST_RECORDING_BYTES:
                raise _too_large()
            await run_in_threadpool(file.write, block)


def _too_large() -> Refusal:
    return Refusal(
        N_("The recording is too large. Three minutes are enough; the limit is {mb} MB."),
        mb=MOST_RECORDING_BYTES // 10**6,
    )


def _own(frame: Frame, session: Session, measurement_id: str) -> MeasurementRow:
    measurement = measurement_of(session, frame.commune_id, measurement_id)
    return MeasurementRow(
        measurement,
        receiver(session, measurement.one_id),
        receiver(session, measurement.other_id),
        proposal(measurement),
    )


def _apart(one: Receiver | None, other: Receiver | None) -> dict[str, Any]:
    metres = None if one is None or other is None or one.id == other.id else horns_apart_m(one, other)
    return {"apart_m": metres, "apart_ms": None if metres is None else travel_ms(metres)}
