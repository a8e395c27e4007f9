"""Outbox: messages to the province, kept until delivered and sent in order.

A message is written in the transaction of the change that it reports. It is sent with its key (MaGoiTin), which is the
same when it is sent again after a crash or a lost answer, so a province that drops known keys takes each message once.
For a province that does not, each message is marked before the next is sent: a crash can then duplicate one at most.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, Index, LargeBinary, func, update
from sqlmodel import Field, Session, UniqueConstraint, col, delete, select

from province.messages import ProvinceMessage
from runtime.database import UtcDateTime, insert_if_absent
from runtime.rows import NumberedRow

#: What was sent is kept so long, for those who ask what the province was told.
KEPT_FOR = timedelta(days=60)

PLAY_LOG, SCHEDULE_CREATED, SCHEDULE_CANCELLED, ANSWER = (
    "play_log",
    "schedule_created",
    "schedule_cancelled",
    "answer",
)
SENT, REFUSED, DROPPED = "sent", "refused", "dropped"


class OutboxMessage(NumberedRow, table=True):
    """One. id: grows, and is the order. key: of the message, the same each time it is sent. body: JSON, our names.

    settled_at, outcome: when it was sent, or refused by the province (why: what it said), or dropped by a person; a
    message without is waiting. tries: how often sending failed.
    """

    __tablename__ = "provinceletter"

    __table_args__ = (
        UniqueConstraint("commune_id", "key"),
        Index("ix_province_letter_waiting", "commune_id", "settled_at", "id"),
    )

    commune_id: str = Field(foreign_key="commune.id")
    kind: str
    key: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    outcome: str = ""
    why: str = ""
    tries: int = Field(default=0, sa_type=BigInteger)


class OutboxCounts(NamedTuple):
    """waiting, refused: numbers of messages. oldest_at: of the waiting ones."""

    waiting: int
    oldest_at: datetime | None
    refused: int


def put(session: Session, commune_id: str, kind: str, key: str, body: ProvinceMessage, now: datetime) -> bool:
    """Add a message, once for each key. Returns False when the key is already in the outbox."""
    row = {
        "commune_id": commune_id,
        "kind": kind,
        "key": key[:200],
        "body": msgspec.json.encode(body),
        "created_at": now,
        "outcome": "",
        "why": "",
        "tries": 0,
    }
    return insert_if_absent(session, OutboxMessage, row)


def waiting(session: Session, commune_ids: Sequence[str], limit: int) -> list[OutboxMessage]:
    """The next to be sent in the name of these communes, in order."""
    query = select(OutboxMessage).where(
        col(OutboxMessage.commune_id).in_(commune_ids), col(OutboxMessage.settled_at).is_(None)
    )
    return list(session.exec(query.order_by(col(OutboxMessage.id)).limit(limit)))


def settle(session: Session, numbers: Sequence[int], outcome: str, now: datetime, why: str = "") -> None:
    """They need not be sent any more. What was settled before stays as it is."""
    session.connection().execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.id).in_(numbers), col(OutboxMessage.settled_at).is_(None))
        .values(settled_at=now, outcome=outcome, why=why[:500])
    )


def note_failure(session: Session, number: int) -> None:
    """Sending it failed; it goes on waiting."""
    session.connection().execute(
        update(OutboxMessage).where(col(OutboxMessage.id) == number).values(tries=col(OutboxMessage.tries) + 1)
    )


def counts(session: Session, commune_id: str) -> OutboxCounts:
    query = select(func.count(), func.min(OutboxMessage.created_at)).where(
        OutboxMessage.commune_id == commune_id, col(OutboxMessage.settled_at).is_(None)
    )
    number, oldest_at = session.exec(query).one()
    refused = session.exec(
        select(func.count()).where(OutboxMessage.commune_id == commune_id, OutboxMessage.outcome == REFUSED)
    ).one()
    return OutboxCounts(int(number), oldest_at, int(refused))


def refused(session: Session, commune_id: str, limit: int = 20) -> list[OutboxMessage]:
    """Those that the province refused, newest first."""
    query = select(OutboxMessage).where(OutboxMessage.commune_id == commune_id, OutboxMessage.outcome == REFUSED)
    return list(session.exec(query.order_by(col(OutboxMessage.id).desc()).limit(limit)))


def send_again(session: Session, commune_id: str) -> None:
    """What the province refused waits once more, in its old place: after the profile was mended."""
    session.connection().execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.commune_id) == commune_id, col(OutboxMessage.outcome) == REFUSED)
        .values(settled_at=None, outcome="", why="")
    )


def drop_refused(session: Session, commune_id: str) -> None:
    """What the province refused is not to be sent any more."""
    session.connection().execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.commune_id) == commune_id, col(OutboxMessage.outcome) == REFUSED)
        .values(outcome=DROPPED)
    )


def forget_old(session: Session, now: datetime) -> None:
    """Drop what was sent long ago; what waits stays however old."""
    session.exec(delete(OutboxMessage).where(col(OutboxMessage.settled_at) < now - KEPT_FOR))
