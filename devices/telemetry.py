"""What receivers tell of their supply, temperature and mobile network, with its history.

A row every five minutes, and one more when something has changed by a step that matters, at most one a minute: so a
mains that wavers all day costs no more than the minutes do.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, delete, select

from runtime.database import UtcDateTime, upsert_many
from wire.reports import Heartbeat

#: What equipment for the mains must bear; outside it cuts itself off, and the receiver tells the fault `mains`.
MAINS_LEAST_V, MAINS_MOST_V = 90.0, 240.0
EVERY = timedelta(minutes=5)
AT_MOST_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=14)
#: From one row to the next, what is less than this is no change.
STEPS = {"mains_v": 5.0, "battery_v": 0.2, "temperature_c": 3.0, "signal_dbm": 6.0}


class TelemetrySample(SQLModel, table=True):
    """What one receiver told at one time; None and "" for what it has no meter for. Units as in the heartbeat."""

    receiver_id: str = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    mains_v: float | None = None
    battery_v: float | None = None
    on_battery: bool | None = None
    temperature_c: float | None = None
    signal_dbm: int | None = None
    operator: str = ""
    sim: str = ""


class TelemetryHistory:
    """Which rows to write; used by the thread that writes heartbeats. What it remembers is the last row of each."""

    def __init__(self) -> None:
        self._last: dict[str, TelemetrySample] = {}

    def keep(self, session: Session, heard: Iterable[tuple[str, datetime, Heartbeat]]) -> None:
        """Write down what is worth it: receiver, when, what. One statement."""
        rows = [row for row in (sample_of(*heartbeat) for heartbeat in heard) if row and self._worth(row)]
        if rows:
            upsert_many(session, TelemetrySample, [row.model_dump() for row in rows], ["receiver_id", "at"])
            self._last |= {row.receiver_id: row for row in rows}

    def _worth(self, row: TelemetrySample) -> bool:
        last = self._last.get(row.receiver_id)
        return last is None or worth_keeping(last, row)


def sample_of(receiver_id: str, at: datetime, heartbeat: Heartbeat) -> TelemetrySample | None:
    """A heartbeat's telemetry; None when there is none in it."""
    supply, link = heartbeat.supply, heartbeat.link
    if supply is None and link is None and heartbeat.temperature_c is None:
        return None
    return TelemetrySample(
        receiver_id=receiver_id,
        at=at,
        temperature_c=heartbeat.temperature_c,
        mains_v=supply.mains_v if supply else None,
        battery_v=supply.battery_v if supply else None,
        on_battery=supply.on_battery if supply else None,
        signal_dbm=link.signal_dbm if link else None,
        operator=link.operator[:40] if link else "",
        sim=link.sim[:20] if link else "",
    )


def worth_keeping(last: TelemetrySample, row: TelemetrySample) -> bool:
    """Whether a row is to follow the last one."""
    passed = row.at - last.at
    if passed >= EVERY:
        return True
    # What switches is told at once; a minute between two could hide a short cut of the mains.
    if any(getattr(last, name) != getattr(row, name) for name in ("on_battery", "sim", "operator")):
        return True
    return passed >= AT_MOST_EVERY and any(_stepped(last, row, name, step) for name, step in STEPS.items())


def history(session: Session, receiver_id: str, since: datetime) -> Sequence[TelemetrySample]:
    """A receiver's rows since then, oldest first."""
    query = select(TelemetrySample).where(TelemetrySample.receiver_id == receiver_id, col(TelemetrySample.at) >= since)
    return session.exec(query.order_by(col(TelemetrySample.at))).all()


def forget_old(session: Session, now: datetime) -> None:
    """Drop what is older than the history that is kept."""
    session.exec(delete(TelemetrySample).where(col(TelemetrySample.at) < now - KEPT))


def _stepped(last: TelemetrySample, row: TelemetrySample, name: str, step: float) -> bool:
    before: float | None = getattr(last, name)
    after: float | None = getattr(row, name)
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= step
