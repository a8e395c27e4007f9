"""The JSON API's receivers."""

from typing import Any

from fastapi import APIRouter

from devices.presence_states import PresenceState
from devices.receivers import receivers
from web.request_context import In, Reading

router = APIRouter(prefix="/api/v1")


@router.get("/receivers")
def list_receivers(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The receivers as they are now."""
    now = frame.deps.clock.now()
    states = frame.deps.presence.snapshot(now)
    rows = []
    for r in receivers(session, frame.commune_id):
        at = states.get(r.id)
        beat = at.heartbeat if at else None
        rows.append(
            {
                "receiver": r.id,
                "name": r.name,
                "station": r.station_id,
                "path_delay_ms": r.path_delay_ms,
                "latitude_deg": r.latitude_deg,
                "longitude_deg": r.longitude_deg,
                "volume_percent": r.volume_percent,
                "state": at.state if at else PresenceState.NEW,
                "since": at.since if at else None,
                "last_heard_at": at.last_heard_at if at else None,
                "sequence": beat.sequence if beat else None,
                "broadcast": beat.broadcast if beat else "",
                "ready": [h.broadcast for h in beat.holds if h.ready] if beat else [],
                "clock_error_us": beat.clock.error_us if beat and beat.clock.locked else None,
                "playout_p99_us": beat.playout.error_p99_us if beat else None,
                "config_revision": beat.config_revision if beat else None,
            }
        )
    return rows
