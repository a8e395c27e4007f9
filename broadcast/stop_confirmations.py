"""Which receivers have confirmed a stop. The others may still sound until the planned end.

A stop is a wish until a receiver says that it is silent: one without a connection plays what it has stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from broadcast.audiences import Audiences, MeantReceiver
from broadcast.broadcasts import Broadcast
from broadcast.play_reports import reports_of
from devices.presence_states import ReceiverStatus
from wire.broadcasts import LiveItem

#: Live audio cannot sound longer without frames: the most that a receiver holds ahead.
LIVE_HELD = timedelta(seconds=15)


@dataclass(frozen=True)
class StopConfirmation:
    """unconfirmed: receivers that may still sound, at the latest until `sounds_until`; by name."""

    broadcast: Broadcast
    unconfirmed: list[MeantReceiver]
    sounds_until: datetime


def stop_confirmation(
    session: Session, broadcast: Broadcast, statuses: Mapping[str, ReceiverStatus], now: datetime
) -> StopConfirmation:
    """statuses: of the receivers now, by id. A broadcast that was not stopped, or is over, has none unconfirmed."""
    stopped_at, until = broadcast.stopped_at, broadcast.ends_at
    if stopped_at is None:
        return StopConfirmation(broadcast, [], until)
    if all(isinstance(item, LiveItem) and not item.relay for item in broadcast.playlist):
        until = min(until, stopped_at + LIVE_HELD)
    if now >= until:
        return StopConfirmation(broadcast, [], until)
    reports = reports_of(session, broadcast.id)
    unconfirmed = [
        receiver
        for receiver in Audiences(session).of(broadcast).receivers
        if receiver.id not in reports and _may_sound(statuses.get(receiver.id), broadcast)
    ]
    return StopConfirmation(broadcast, sorted(unconfirmed, key=lambda receiver: receiver.name), until)


def _may_sound(status: ReceiverStatus | None, broadcast: Broadcast) -> bool:
    """By its last heartbeat: it sounds it, or holds its audio and an older revision than the stop.

    One that has heard of the stop names the broadcast no longer. One that was never heard holds nothing.
    """
    heartbeat = status.heartbeat if status is not None else None
    if heartbeat is None:
        return False
    holds_older = any(
        held.broadcast == broadcast.id and held.ready and held.revision < broadcast.revision for held in heartbeat.holds
    )
    return heartbeat.broadcast == broadcast.id or holds_older
