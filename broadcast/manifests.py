"""Manifests: what receivers are told of a broadcast."""

from datetime import datetime, timedelta

from broadcast.broadcasts import Broadcast
from runtime.clock import to_us
from wire.broadcasts import Manifest, Targets
from wire.messages import for_commune

#: How long a manifest is valid after the end: reports refer to it.
MANIFEST_HOLDS = timedelta(hours=24)


def manifest_of(planned: Broadcast, now: datetime, elsewhere: tuple[str, Targets] | None = None) -> Manifest:
    """What receivers are told of it. elsewhere: under another commune's address, and whom it means there."""
    commune_id, targets = elsewhere or (planned.commune_id, planned.audience)
    shifts_us = planned.shifts_us
    return Manifest(
        to=for_commune(commune_id),
        revision=planned.revision,
        issued_at_us=to_us(now),
        expires_at_us=to_us(planned.ends_at + MANIFEST_HOLDS),
        broadcast=planned.id,
        title=planned.title,
        class_=planned.broadcast_class,
        precedence=planned.precedence,
        targets=targets,
        starts_at_us=to_us(planned.starts_at),
        ends_at_us=to_us(planned.ends_at) - max(shifts_us.values(), default=0),
        items=planned.playlist,
        shifts_us=shifts_us,
        stopped_at_us=to_us(planned.stopped_at) if planned.stopped_at else None,
        withdrawn=planned.withdrawn_at is not None,
        replaces=planned.replaces or "",
    )
