"""Which receivers of a commune sound, or may still sound after a stop, by their own reports."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from broadcast.broadcasts import Broadcast
from broadcast.on_air import on_air_now, stopped_early
from broadcast.stop_confirmations import stop_confirmation
from devices.presence_states import PresenceState
from devices.receivers import Receiver, receivers
from web.deps import Deps

#: Older stops are confirmed, or their broadcast is over.
_SINCE = timedelta(days=1)


@dataclass(frozen=True)
class StillSounding:
    """receivers: by name. until: the latest end of what they may sound; None while none does.

    on_air: broadcasts that nobody has stopped.
    """

    receivers: list[Receiver]
    until: datetime | None
    on_air: list[Broadcast]


def still_sounding(session: Session, deps: Deps, commune_id: str) -> StillSounding:
    now = deps.clock.now()
    statuses = deps.presence.snapshot(now)
    on_air = on_air_now(session, commune_id, now)
    stopped = [
        stop_confirmation(session, b, statuses, now) for b in stopped_early(session, commune_id, now, now - _SINCE)
    ]
    unconfirmed = {receiver.id for confirmation in stopped for receiver in confirmation.unconfirmed}
    sounding = []
    for receiver in receivers(session, commune_id):
        status = statuses.get(receiver.id)
        beat = status.heartbeat if status is not None and status.state is PresenceState.ONLINE else None
        if receiver.id in unconfirmed or (beat is not None and beat.broadcast):
            sounding.append(receiver)
    ends = [c.sounds_until for c in stopped if c.unconfirmed] + [b.ends_at for b in on_air]
    return StillSounding(sounding, max(ends) if sounding and ends else None, on_air)
