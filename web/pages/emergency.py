"""Emergency: what, where, sure? Prepared here, confirmed by a second person, followed receiver by receiver, ended.

What is sent from here waits for nothing else (`web.urgent`), and carries no key of `web.once_only`, which would write
before it is read: an alert is its own key.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from alerts.alert_settings import alert_settings
from alerts.alert_sounds import wanted_sounds
from alerts.emergency_alerts import EmergencyAlert, receipt_counts, recent_alerts
from alerts.hazards import HAZARD_NAMES, LEVEL_COLOURS, LEVELS, Hazard
from alerts.templates import AlertMessage, EndKind
from broadcast.clips import renditions_of
from broadcast.ingest_jobs import IngestJob
from parsing.numbers import row_number
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.emergencies import (
    LEAST_REASON,
    EmergencyOrder,
    break_glass,
    confirm_emergency,
    end_emergency,
    prepare_emergency,
    refuse_emergency,
    request_emergency,
)
from usecases.emergency_recordings import open_recording
from usecases.emergency_sms import send_by_sms
from web.emergency_view import alert_view
from web.flash import Flash
from web.labels.emergencies import ALERT_STATES, END_KINDS, SOURCES
from web.labels.places import PlaceNames
from web.request_context import In, Reading, back_to
from web.targets import TargetChoice, target_choice, targets_from
from web.uploads import blocks_of, receive
from web.urgent import UrgentIn, urgent_changes, urgently
from web.waveforms import listen_url

router = APIRouter(include_in_schema=False)

FREE = "message"
_SHOWN = 10


@dataclass(frozen=True)
class AlertRecording:
    """listen: address of its sound, "" until it is ready."""

    job: IngestJob
    listen: str


async def _chosen_targets(
    where: Annotated[str, Form()] = "all",
    zones: Annotated[list[str] | None, Form()] = None,
    receivers: Annotated[list[str] | None, Form()] = None,
) -> TargetChoice:
    return targets_from(where, zones, receivers)


async def _order(
    chosen: Annotated[TargetChoice, Depends(_chosen_targets)],
    what: Annotated[str, Form()] = "",
    level: Annotated[str, Form()] = "0",
    hour: Annotated[str, Form()] = "",
    until_ended: Annotated[str, Form()] = "",
    free_text: Annotated[str, Form()] = "",
    request_key: Annotated[str, Form()] = "",
    silent: Annotated[str, Form()] = "",
    by_sms: Annotated[str, Form()] = "",
) -> EmergencyOrder:
    """From a sent form. Raises Refusal."""
    hazard = None if what == FREE else next((h for h in Hazard if h == what), None)
    if hazard is None and what != FREE:
        raise Refusal(N_("Choose what it is about.")).at("what")
    number, before = row_number(level) or 0, row_number(hour) if hour.strip() else None
    if before is not None and before > 23:
        raise Refusal(N_("The hour is a number from 0 to 23.")).at("hour")
    return EmergencyOrder(
        message=AlertMessage(hazard, number if hazard and number in LEVELS[hazard] else 0),
        targets=chosen.targets(),
        hour=before,
        until_ended=bool(until_ended),
        free_text=free_text if hazard is None else "",
        request_key=request_key,
        is_silent=bool(silent),
        by_sms=bool(by_sms),
    )


Order = Annotated[EmergencyOrder, Depends(_order)]
Recording = Annotated[UploadFile | None, File()]


@router.get("/emergency")
def page(frame: In, session: Reading) -> HTMLResponse:
    return _form_page(frame, session, is_drill=False)


@router.get("/emergency/drill")
def drill_page(frame: In, session: Reading) -> HTMLResponse:
    return _form_page(frame, session, is_drill=True)


@router.post("/emergency", dependencies=[urgent_changes(Action.EMERGENCY)])
async def do_request(frame: UrgentIn, order: Order, recording: Recording = None) -> Response:
    return await _request(frame, order, recording)


@router.post("/emergency/drill", dependencies=[urgent_changes(Action.EMERGENCY)])
async def do_drill(frame: UrgentIn, order: Order, recording: Recording = None) -> Response:
    return await _request(frame, replace(order, is_drill=True), recording)


async def _request(frame: UrgentIn, order: EmergencyOrder, recording: UploadFile | None) -> Response:
    desk, actor, commune_id = frame.deps.desk, frame.actor, frame.commune_id
    if order.message.hazard is None and recording is not None and recording.filename:
        order = await _recorded(frame, order, recording)
    row = await urgently(lambda: request_emergency(desk, actor, commune_id, order))
    return back_to(frame.request, f"/emergency/alerts/{row.id}", None)


async def _recorded(frame: UrgentIn, order: EmergencyOrder, recording: UploadFile) -> EmergencyOrder:
    """With the recording, which is kept only when the message could be sent with it. Raises NotAllowed, Refusal."""
    desk, actor, commune_id = frame.deps.desk, frame.actor, frame.commune_id
    if await urgently(lambda: desk.by_key(commune_id, order.request_key)) is not None:
        return order  # the form was sent twice
    with_recording = replace(order, free_text="", free_job_id="…")
    await urgently(lambda: prepare_emergency(desk, actor, commune_id, with_recording))
    name, size = recording.filename or "", recording.size or 0
    upload = await urgently(lambda: open_recording(frame.deps.ingest, actor, commune_id, name, size))
    await receive(upload, blocks_of(recording))
    return replace(with_recording, free_job_id=upload.job_id)


@router.get("/emergency/alerts/{alert_id}")
def one(frame: In, session: Reading, alert_id: str) -> HTMLResponse:
    return frame.page("emergency_alert.html", **_alert_values(frame, session, alert_id))


@router.get("/emergency/alerts/{alert_id}/now")
def one_now(frame: In, session: Reading, alert_id: str) -> HTMLResponse:
    """The part that is read again."""
    return frame.page("_emergency_alert.html", **_alert_values(frame, session, alert_id))


@router.post("/emergency/alerts/{alert_id}/confirm", dependencies=[urgent_changes(Action.EMERGENCY)])
async def do_confirm(frame: UrgentIn, alert_id: str, password: Annotated[str, Form()] = "") -> Response:
    desk = frame.deps.desk
    await urgently(lambda: confirm_emergency(desk, frame.actor, frame.commune_id, alert_id, password))
    return back_to(frame.request, f"/emergency/alerts/{alert_id}", None)


@router.post("/emergency/alerts/{alert_id}/alone", dependencies=[urgent_changes(Action.EMERGENCY)])
async def do_break_glass(
    frame: UrgentIn, alert_id: str, reason: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    desk = frame.deps.desk
    await urgently(lambda: break_glass(desk, frame.actor, frame.commune_id, alert_id, reason, password))
    return back_to(frame.request, f"/emergency/alerts/{alert_id}", None)


@router.post("/emergency/alerts/{alert_id}/refuse", dependencies=[urgent_changes(Action.EMERGENCY)])
async def do_refuse(frame: UrgentIn, alert_id: str) -> Response:
    await urgently(lambda: refuse_emergency(frame.deps.desk, frame.actor, frame.commune_id, alert_id))
    return back_to(frame.request, "/emergency", Flash(N_("The message was refused. Nothing was sent.")))


@router.post("/emergency/alerts/{alert_id}/cancel", dependencies=[urgent_changes(Action.CLEAR_EMERGENCY)])
async def do_cancel(frame: UrgentIn, alert_id: str) -> Response:
    return await _end(frame, alert_id, EndKind.CANCEL)


@router.post("/emergency/alerts/{alert_id}/all-clear", dependencies=[urgent_changes(Action.CLEAR_EMERGENCY)])
async def do_all_clear(frame: UrgentIn, alert_id: str) -> Response:
    return await _end(frame, alert_id, EndKind.ALL_CLEAR)


@router.post("/emergency/alerts/{alert_id}/sms", dependencies=[urgent_changes(Action.EMERGENCY)])
async def do_send_by_sms(frame: UrgentIn, alert_id: str) -> Response:
    await urgently(lambda: send_by_sms(frame.deps.desk, frame.actor, frame.commune_id, alert_id))
    return back_to(frame.request, f"/emergency/alerts/{alert_id}", None)


async def _end(frame: UrgentIn, alert_id: str, kind: EndKind) -> Response:
    await urgently(lambda: end_emergency(frame.deps.desk, frame.actor, frame.commune_id, alert_id, kind))
    return back_to(frame.request, f"/emergency/alerts/{alert_id}", None)


def _form_page(frame: In, session: Reading, *, is_drill: bool) -> HTMLResponse:
    recent = [row for row in recent_alerts(session, frame.commune_id, 2 * _SHOWN) if row.is_drill == is_drill]
    lacking = sum(not sound.is_made for sound in wanted_sounds(session, frame.commune_id))
    if lacking and frame.may(Action.EMERGENCY):
        frame.deps.alarms.run_soon("alert books")
    return frame.page(
        "emergency.html",
        is_drill=is_drill,
        current=[row for row in frame.deps.desk.current(frame.commune_id) if row.is_drill == is_drill],
        hazards=HAZARD_NAMES,
        levels=LEVELS,
        colours=LEVEL_COLOURS,
        free=FREE,
        targets=target_choice(session, frame.commune_id),
        settings=alert_settings(session, frame.commune_id),
        recent=recent[:_SHOWN],
        counts=receipt_counts(session, [row.id for row in recent[:_SHOWN]]),
        lacking=lacking,
        states=ALERT_STATES,
        request_key=secrets.token_urlsafe(12),
        connected=frame.deps.desk.connected,
        sms_is_set_up=frame.deps.desk.sms.is_set_up,
    )


def _alert_values(frame: In, session: Reading, alert_id: str) -> dict[str, Any]:
    row = frame.deps.desk.alert(frame.commune_id, alert_id)
    return {
        "view": alert_view(session, frame.deps, frame.t, row),
        "a": row,
        "where": PlaceNames(session, frame.commune_id).where(frame.t, row.audience, 20),
        "states": ALERT_STATES,
        "end_kinds": END_KINDS,
        "sources": SOURCES,
        "recording": _recording(session, row),
        "mine": row.requested_by == frame.operator.name,
        "least_reason": LEAST_REASON,
        "connected": frame.deps.desk.connected,
    }


def _recording(session: Session, row: EmergencyAlert) -> AlertRecording | None:
    """Of a message that was recorded: its job, and where to listen to it once it is ready."""
    made = session.get(IngestJob, row.free_job_id) if row.free_job_id else None
    if made is None:
        return None
    clip_id = made.clip_id or ""
    files = renditions_of(session, [clip_id]).get(clip_id, []) if clip_id else []
    return AlertRecording(made, listen_url(files) if files else "")
