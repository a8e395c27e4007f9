"""Manifests: a broadcast as receivers are told of it."""

from datetime import datetime, timedelta

from broadcast.broadcasts import Broadcast
from runtime.clock import to_us
from wire.broadcasts import Manifest, Targets
from wire.messages import for_commune

#: How long a manifest is valid after the end: reports refer to it.
MANIFEST_HOLDS = timedelta(hours=24)


def manifest_of(broadcast: Broadcast, now: datetime, elsewhere: tuple[str, Targets] | None = None) -> Manifest:
    """elsewhere: another commune to address, and the targets there."""
    commune_id, targets = elsewhere or (broadcast.commune_id, broadcast.audience)
    shifts_us = broadcast.shifts_us
    return Manifest(
        to=for_commune(commune_id),
        revision=broadcast.revision,
        issued_at_us=to_us(now),
        expires_at_us=to_us(broadcast.ends_at + MANIFEST_HOLDS),
        broadcast=broadcast.id,
        title=broadcast.title,
        class_=broadcast.broadcast_class,
        precedence=broadcast.precedence,
        targets=targets,
        starts_at_us=to_us(broadcast.starts_at),
        ends_at_us=to_us(broadcast.ends_at) - max(shifts_us.values(), default=0),
        items=broadcast.playlist,
        shifts_us=shifts_us,
        stopped_at_us=to_us(broadcast.stopped_at) if broadcast.stopped_at else None,
        withdrawn=broadcast.withdrawn_at is not None,
        replaces=broadcast.replaces or "",
    )
