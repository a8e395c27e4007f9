"""Heartbeats: the last one of each receiver, and a thinned history for the plots."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, Session, SQLModel, col, delete, select

from devices.telemetry import TelemetryHistory
from runtime.database import Database, UtcDateTime, upsert_many
from wire.reports import Heartbeat

#: One sample a minute is kept for this long.
HISTORY_KEPT = timedelta(days=7)


class LastHeartbeat(SQLModel, table=True):
    """The last heartbeat heard of a receiver. payload: the message's JSON."""

    receiver_id: str = Field(primary_key=True)
    session: int = Field(sa_type=BigInteger)
    sequence: int = Field(sa_type=BigInteger)
    heard_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    @property
    def message(self) -> Heartbeat:
        return msgspec.json.decode(self.payload, type=Heartbeat)


class HeartbeatSample(SQLModel, table=True):
    """What one minute of a receiver looked like. Times in µs, as in the heartbeat."""

    receiver_id: str = Field(primary_key=True)
    minute_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    clock_error_us: int = Field(sa_type=BigInteger)
    clock_offset_us: int = Field(sa_type=BigInteger)
    playout_p50_us: int = Field(sa_type=BigInteger)
    playout_p99_us: int = Field(sa_type=BigInteger)
    playout_max_us: int = Field(sa_type=BigInteger)
    steering_ppm: float
    lost: int = Field(sa_type=BigInteger)
    underruns: int = Field(sa_type=BigInteger)
    playing: bool


class ReceivedHeartbeat(NamedTuple):
    """A heartbeat with whose it is and when it was heard."""

    receiver_id: str
    heard_at: datetime
    message: Heartbeat


def keep(database: Database, heard: Iterable[ReceivedHeartbeat], telemetry: TelemetryHistory | None = None) -> None:
    """Write heartbeats down, in one transaction. Of several of one receiver the newest stays.

    telemetry: what is to keep the history of supply, temperature and network; None for none.
    """
    newest: dict[str, ReceivedHeartbeat] = {}
    for heartbeat in heard:
        newest[heartbeat.receiver_id] = heartbeat
    if not newest:
        return
    with database.writing() as session:
        upsert_many(session, LastHeartbeat, [_last(heartbeat) for heartbeat in newest.values()], ["receiver_id"])
        upsert_many(
            session,
            HeartbeatSample,
            [_sample(heartbeat) for heartbeat in newest.values()],
            ["receiver_id", "minute_at"],
        )
        if telemetry is not None:
            telemetry.keep(session, newest.values())


def last_heartbeats(session: Session) -> dict[str, LastHeartbeat]:
    """Of every receiver that was ever heard."""
    return {row.receiver_id: row for row in session.exec(select(LastHeartbeat))}


def forget_last(session: Session, receiver_ids: Collection[str]) -> None:
    session.exec(delete(LastHeartbeat).where(col(LastHeartbeat.receiver_id).in_(receiver_ids)))


def samples(session: Session, receiver_id: str, since: datetime) -> list[HeartbeatSample]:
    """A receiver's minutes since then, oldest first."""
    query = select(HeartbeatSample).where(
        HeartbeatSample.receiver_id == receiver_id, col(HeartbeatSample.minute_at) >= since
    )
    return list(session.exec(query.order_by(col(HeartbeatSample.minute_at))))


def forget_old_samples(session: Session, now: datetime) -> None:
    """Drop what is older than the history that is kept."""
    session.exec(delete(HeartbeatSample).where(col(HeartbeatSample.minute_at) < now - HISTORY_KEPT))


def _last(heard: ReceivedHeartbeat) -> dict[str, object]:
    return {
        "receiver_id": heard.receiver_id,
        "session": heard.message.session,
        "sequence": heard.message.sequence,
        "heard_at": heard.heard_at,
        "payload": msgspec.json.encode(heard.message),
    }


def _sample(heard: ReceivedHeartbeat) -> dict[str, object]:
    clock, playout = heard.message.clock, heard.message.playout
    return {
        "receiver_id": heard.receiver_id,
        "minute_at": heard.heard_at.replace(second=0, microsecond=0),
        "clock_error_us": clock.error_us,
        "clock_offset_us": clock.offset_us,
        "playout_p50_us": playout.error_p50_us,
        "playout_p99_us": playout.error_p99_us,
        "playout_max_us": playout.error_max_us,
        "steering_ppm": playout.steering_ppm,
        "lost": playout.lost,
        "underruns": playout.underruns,
        "playing": bool(heard.message.broadcast),
    }
