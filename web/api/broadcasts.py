"""The JSON API's broadcasts: on air, coming, put on air, stop; and the play log."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from broadcast.broadcasts import Broadcast, state
from broadcast.on_air import on_air_now, upcoming
from broadcast.play_log import play_log
from broadcast.play_reports import heard_counts, receiver_outcomes
from broadcast.stop_confirmations import StopConfirmation
from people.rights import Action
from usecases.broadcasts import broadcast_of, confirmation_of, put_on_air, stop
from web.api.targets import TargetsIn
from web.request_context import In, Reading, changes
from web.typed_fields import Count, RowId
from wire.broadcasts import BroadcastClass

router = APIRouter(prefix="/api/v1")


class PutOnAirIn(BaseModel):
    """Something to put on air now: a programme or a clip."""

    programme: RowId | None = None
    clip: str | None = None
    targets: TargetsIn
    broadcast_class: BroadcastClass = Field(BroadcastClass.NORMAL, alias="class")


@router.get("/broadcasts")
def list_broadcasts(frame: In, session: Reading) -> dict[str, list[dict[str, Any]]]:
    """What is on air, and what comes next."""
    now = frame.deps.clock.now()
    return {
        "on_air": [_broadcast(b, now) for b in on_air_now(session, frame.commune_id, now)],
        "coming": [_broadcast(b, now) for b in upcoming(session, frame.commune_id, now)],
    }


@router.post("/broadcasts", status_code=201, dependencies=[changes(Action.ON_AIR)])
def make_broadcast(frame: In, body: PutOnAirIn) -> dict[str, Any]:
    """Put a programme or a clip on air now."""
    broadcast = put_on_air(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        targets=body.targets.targets(),
        class_=body.broadcast_class,
        programme_id=body.programme,
        clip_id=body.clip,
    )
    return _broadcast(broadcast, frame.deps.clock.now())


@router.get("/broadcasts/{broadcast_id}")
def one_broadcast(frame: In, session: Reading, broadcast_id: str) -> dict[str, Any]:
    """One broadcast, with what each receiver said of it."""
    now, broadcast = frame.deps.clock.now(), broadcast_of(session, frame.commune_id, broadcast_id)
    heard = heard_counts(session, [broadcast])[broadcast.id]
    return {
        **_broadcast(broadcast, now),
        "heard": heard.heard,
        "reported": heard.reported,
        "meant": heard.meant,
        "stop": _stop(confirmation_of(session, frame.deps.services, broadcast)),
        "receivers": [
            {
                "receiver": d.receiver.id,
                "outcome": d.outcome or None,
                "cause": d.cause,
                "frames_played": d.report.frames_played if d.report else None,
                "frames_due": d.report.frames_due if d.report else None,
                "error_p99_us": d.report.error_p99_us if d.report else None,
                "amplifier_drew": d.report.amplifier_drew if d.report else None,
                "microphone_heard": d.report.microphone_heard if d.report else None,
            }
            for d in receiver_outcomes(session, broadcast, now)
        ],
    }


@router.post("/broadcasts/{broadcast_id}/stop", dependencies=[changes(Action.ON_AIR)])
def stop_one(frame: In, broadcast_id: str) -> dict[str, Any]:
    """Silence it now; before it began, withdraw it."""
    confirmation = stop(frame.deps.services, frame.actor, frame.commune_id, broadcast_id)
    return {**_broadcast(confirmation.broadcast, frame.deps.clock.now()), "stop": _stop(confirmation)}


@router.get("/play-log")
def list_log(frame: In, session: Reading, limit: Count = 50, offset: Count = 0) -> list[dict[str, Any]]:
    now = frame.deps.clock.now()
    log = play_log(session, frame.commune_id, now, limit=min(500, max(1, limit)), offset=max(0, offset))
    heard = heard_counts(session, log)
    return [{**_broadcast(b, now), "heard": heard[b.id].heard, "meant": heard[b.id].meant} for b in log]


def _stop(confirmation: StopConfirmation) -> dict[str, Any] | None:
    """None for a broadcast that was not stopped."""
    stopped = confirmation.broadcast
    if stopped.stopped_at is None:
        return None
    return {
        "at": stopped.stopped_at,
        "by": stopped.stopped_by,
        "unconfirmed": [receiver.id for receiver in confirmation.unconfirmed],
        "may_sound_until": confirmation.sounds_until if confirmation.unconfirmed else None,
    }


def _broadcast(broadcast: Broadcast, now: datetime) -> dict[str, Any]:
    return {
        "broadcast": broadcast.id,
        "title": broadcast.title,
        "class": broadcast.class_,
        "state": state(broadcast, now),
        "starts_at": broadcast.starts_at,
        "ends_at": broadcast.ends_at,
        "cause": broadcast.cause,
    }
