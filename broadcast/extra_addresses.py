"""Addresses: communes besides its own under which a broadcast is at the broker.

A receiver that went over to another commune listens there; what is on air under the old name is announced to it there
too, so that it can join late and hears the stop. And what was announced under an old address is cleared in its time.
"""

from datetime import datetime

import msgspec
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.broadcasts import Broadcast
from runtime.database import UtcDateTime
from wire.broadcasts import Targets


class BroadcastAddress(SQLModel, table=True):
    """A broadcast under another commune's address. targets: JSON, whom it means there; None: it is not told there now.

    announced_revision: the last that the broker acknowledged there, 0 for none.
    """

    broadcast_id: str = Field(foreign_key="broadcast.id", primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", primary_key=True)
    targets: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    announced_revision: int = 0
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def audience(self) -> Targets | None:
        """Who sounds there."""
        return None if self.targets is None else msgspec.json.decode(self.targets, type=Targets)


def unannounced_addresses(session: Session, now: datetime, limit: int) -> list[tuple[Broadcast, BroadcastAddress]]:
    """What the broker does not have in its newest form under another address, soonest first."""
    query = (
        select(Broadcast, BroadcastAddress)
        .join(BroadcastAddress, col(BroadcastAddress.broadcast_id) == col(Broadcast.id))
        .where(
            col(BroadcastAddress.targets).is_not(None),
            col(BroadcastAddress.announced_revision) < col(Broadcast.revision),
            col(Broadcast.ends_at) > now,
        )
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at)).limit(limit)).all())


def expired_addresses(session: Session, before: datetime, limit: int) -> list[BroadcastAddress]:
    """Addresses of broadcasts that ended before an instant and are still at the broker."""
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
