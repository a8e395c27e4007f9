"""Extra addresses: other communes under which a broadcast is also published.

A receiver that moved to another commune subscribes there. A broadcast on air under the old commune is published there
too, so that the receiver can join late and receives the stop. Manifests under an old address are cleared like all
others.
"""

from datetime import datetime

import msgspec
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.broadcasts import Broadcast
from runtime.database import UtcDateTime
from wire.broadcasts import Targets


class BroadcastAddress(SQLModel, table=True):
    """A broadcast under another commune's topic. targets: JSON, the receivers addressed there; None: not published
    there now.

    announced_revision: the last that the broker acknowledged there, 0 for none.
    """

    broadcast_id: str = Field(foreign_key="broadcast.id", primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", primary_key=True)
    targets: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    announced_revision: int = 0
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def audience(self) -> Targets | None:
        """Which receivers play it under this address."""
        return None if self.targets is None else msgspec.json.decode(self.targets, type=Targets)


def unannounced_addresses(session: Session, now: datetime, limit: int) -> list[tuple[Broadcast, BroadcastAddress]]:
    """Addresses at which the broker lacks the newest revision, earliest broadcast first."""
    query = (
        select(Broadcast, BroadcastAddress)
        .join(BroadcastAddress, col(BroadcastAddress.broadcast_id) == col(Broadcast.id))
        .where(
            # Addresses are few: without this every broadcast to come would be read.
            col(Broadcast.id).in_(
                select(BroadcastAddress.broadcast_id).where(col(BroadcastAddress.targets).is_not(None))
            ),
            col(BroadcastAddress.targets).is_not(None),
            col(BroadcastAddress.announced_revision) < col(Broadcast.revision),
            col(Broadcast.ends_at) > now,
        )
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at)).limit(limit)).all())


def expired_addresses(session: Session, before: datetime, limit: int) -> list[BroadcastAddress]:
    """Addresses of broadcasts that ended before an instant and are still published."""
    query = (
        select(BroadcastAddress)
        .join(Broadcast, col(BroadcastAddress.broadcast_id) == col(Broadcast.id))
        .where(
            col(Broadcast.ends_at) < before,
            col(BroadcastAddress.announced_revision) > 0,
            col(BroadcastAddress.cleared_at).is_(None),
        )
    )
    return list(session.exec(query.limit(limit)))
