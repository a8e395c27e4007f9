"""Delay measurements: two receivers play sweeps in turn, a recording shows the difference, and one path delay is
corrected.

A measurement begins with the tones, is heard when a recording was analysed (`acoustics.measuring`), then applied, and
can be undone. It is valid only while both path delays are as they were during the tones.
"""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from acoustics.echoes import distance_m, travel_ms
from devices.positions import position_of
from devices.receivers import MOST_PATH_DELAY_MS, Receiver, change_receiver, receiver
from runtime.clock import to_us
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal
from runtime.rows import existing
from wire.commands import TestTone, ToneSound

#: Three minutes of two channels that are not compressed, at the highest rate that phones record at.
MOST_RECORDING_BYTES = 60_000_000
#: Sweeps of each receiver, and the time between the two receivers' sweeps: it must exceed offset plus echo, and 15 s in
#: total is bearable next to a horn.
ROUNDS = 6
INTERVAL = timedelta(milliseconds=1250)
LASTS = 2 * ROUNDS * INTERVAL
#: From the request to the first sweep, in addition to the amplifiers' lead: time to start a recorder.
LEAD = timedelta(seconds=8)
#: Less than this is in step: the position of a hand-held phone is known to 30 cm at best.
IN_STEP_US = 1000
#: Path delays are proposed in tenths of a millisecond.
_STEP_US = 100
#: A horn farther from the phone is not heard.
MOST_DISTANCE_M = 2000.0


class DelayMeasurement(SQLModel, table=True):
    """one, other: receivers; the offset of the other is measured against the one.

    one_path_delay_us, other_path_delay_us: during the tones. one_distance_m, other_distance_m: from the horn to the
    recorder.
    offset_us: how much later the other sounds at its horn, without geometry; None while it is not heard. error_us:
    standard error. agreeing: rounds with this offset. clipped: whether the recorder was overdriven.
    changed_id, before_us, after_us: the receiver whose path delay was changed, and the values; None before that.
    """

    id: str = Field(primary_key=True, max_length=32)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    one_id: str = Field(foreign_key="receiver.id")
    other_id: str = Field(foreign_key="receiver.id")
    one_path_delay_us: int
    other_path_delay_us: int
    one_distance_m: float
    other_distance_m: float
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    asked_by: str
    starts_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    heard_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    offset_us: int | None = None
    error_us: int | None = None
    agreeing: int = 0
    clipped: bool = False
    changed_id: str | None = Field(default=None, foreign_key="receiver.id")
    before_us: int | None = None
    after_us: int | None = None
    taken_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    taken_by: str = ""
    undone_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def ends_at(self) -> datetime:
        """The end of the last sweep."""
        return self.starts_at + LASTS

    @property
    def geometry_us(self) -> int:
        """How much later the other is heard because its horn is farther away."""
        return round(travel_ms(self.other_distance_m - self.one_distance_m) * 1000)

    @property
    def in_step(self) -> bool:
        """Whether the two sound together as they are."""
        return self.offset_us is not None and abs(self.offset_us) <= IN_STEP_US

    @property
    def sure(self) -> bool:
        """Whether all rounds agree to a third of a millisecond and the recorder was not overdriven."""
        return self.agreeing == ROUNDS and (self.error_us or 0) <= 300 and not self.clipped


class Proposal(NamedTuple):
    """A new path delay (µs). later: whether that receiver was heard late."""

    receiver_id: str
    before_us: int
    after_us: int
    later: bool


def begin(
    session: Session,
    commune_id: str,
    one_id: str,
    other_id: str,
    *,
    one_distance_m: float = 0.0,
    other_distance_m: float = 0.0,
    now: datetime,
    by: str,
) -> DelayMeasurement:
    """Insert a measurement; the caller then sends `tones`. Raises Refusal, NotFound."""
    if one_id == other_id:
        raise Refusal(N_("Choose two different receivers."))
    pair = [receiver(session, receiver_id) for receiver_id in (one_id, other_id)]
    for row in pair:
        if row.commune_id != commune_id or row.retired_at is not None:
            raise NotFound(N_("Receiver {id} does not exist."), id=row.id)
    for distance in (one_distance_m, other_distance_m):
        if not 0 <= distance <= MOST_DISTANCE_M:
            raise Refusal(N_("The distance is between 0 and {most} m."), most=int(MOST_DISTANCE_M))
    one, other = pair
    measurement = DelayMeasurement(
        id=secrets.token_hex(8),
        commune_id=commune_id,
        one_id=one.id,
        other_id=other.id,
        one_path_delay_us=one.path_delay_us,
        other_path_delay_us=other.path_delay_us,
        one_distance_m=one_distance_m,
        other_distance_m=other_distance_m,
        asked_at=now,
        asked_by=by,
        starts_at=now + LEAD + timedelta(milliseconds=max(one.amplifier_lead_ms, other.amplifier_lead_ms)),
    )
    session.add(measurement)
    session.flush()
    return measurement


def tones(measurement: DelayMeasurement) -> list[tuple[str, TestTone]]:
    """The tone command for each of the two receivers, by receiver id."""
    starts_at_us, interval_us = to_us(measurement.starts_at), INTERVAL // timedelta(microseconds=1)
    return [
        (measurement.one_id, _tone(starts_at_us, ToneSound.RISING, interval_us)),
        (measurement.other_id, _tone(starts_at_us + interval_us, ToneSound.FALLING, interval_us)),
    ]


def keep_offset(
    session: Session,
    measurement_id: str,
    *,
    heard_offset_us: int,
    error_us: int,
    agreeing: int,
    clipped: bool,
    now: datetime,
) -> DelayMeasurement:
    """Store the result of a recording; heard_offset_us: at the recorder.

    Raises Refusal once it was applied, NotFound.
    """
    measurement = measurement_of(session, measurement_id)
    if measurement.taken_at is not None:
        raise Refusal(N_("This measurement has already been applied. Measure again."))
    measurement.offset_us, measurement.error_us = heard_offset_us - measurement.geometry_us, error_us
    measurement.agreeing, measurement.clipped, measurement.heard_at = agreeing, clipped, now
    session.add(measurement)
    return measurement


def proposal(measurement: DelayMeasurement) -> Proposal | None:
    """The change that brings the two in step; None before a recording.

    The other's path delay is changed, unless it would become negative; then the one's is increased.
    """
    if measurement.offset_us is None:
        return None
    offset_us = round(measurement.offset_us / _STEP_US) * _STEP_US
    before_us, after_us = measurement.other_path_delay_us, measurement.other_path_delay_us + offset_us
    if after_us >= 0:
        return Proposal(measurement.other_id, before_us, after_us, offset_us > 0)
    before_us = measurement.one_path_delay_us
    return Proposal(measurement.one_id, before_us, before_us - offset_us, later=True)


def take(session: Session, measurement_id: str, *, now: datetime, by: str) -> Receiver:
    """Set the proposed path delay. Send it with `Downlink.configure`. Raises Refusal, NotFound."""
    measurement = measurement_of(session, measurement_id)
    proposed = proposal(measurement)
    if proposed is None or measurement.taken_at is not None:
        raise Refusal(N_("There is nothing to apply. Measure first."))
    one, other = receiver(session, measurement.one_id), receiver(session, measurement.other_id)
    if (one.path_delay_us, other.path_delay_us) != (measurement.one_path_delay_us, measurement.other_path_delay_us):
        raise Refusal(N_("A path delay was changed after this measurement. Measure again."))
    if proposed.after_us > MOST_PATH_DELAY_MS * 1000:
        raise Refusal(N_("The path delay is between 0 and {most} ms."), most=int(MOST_PATH_DELAY_MS))
    changed = change_receiver(session, proposed.receiver_id, path_delay_ms=proposed.after_us / 1000)
    measurement.changed_id, measurement.before_us, measurement.after_us = (
        changed.id,
        proposed.before_us,
        proposed.after_us,
    )
    measurement.taken_at, measurement.taken_by = now, by
    session.add(measurement)
    return changed


def undo(session: Session, measurement_id: str, *, now: datetime) -> Receiver:
    """Restore the previous path delay. Raises Refusal when it was changed since, NotFound."""
    measurement = measurement_of(session, measurement_id)
    if measurement.changed_id is None or measurement.before_us is None or measurement.undone_at is not None:
        raise Refusal(N_("There is nothing to undo."))
    changed = receiver(session, measurement.changed_id)
    if changed.path_delay_us != measurement.after_us:
        raise Refusal(N_("The path delay was changed again since. Set it on the receiver's own page."))
    measurement.undone_at = now
    session.add(measurement)
    return change_receiver(session, changed.id, path_delay_ms=measurement.before_us / 1000)


def measurement_of(session: Session, measurement_id: str) -> DelayMeasurement:
    """Raises NotFound when no row has this id."""
    return existing(session, DelayMeasurement, measurement_id, N_("This measurement no longer exists."))


def recent(session: Session, commune_id: str, limit: int = 20) -> list[DelayMeasurement]:
    """Those that were heard, newest first."""
    query = select(DelayMeasurement).where(
        DelayMeasurement.commune_id == commune_id, col(DelayMeasurement.heard_at).is_not(None)
    )
    return list(session.exec(query.order_by(col(DelayMeasurement.asked_at).desc()).limit(limit)))


def horns_apart_m(one: Receiver, other: Receiver) -> float | None:
    """By the map; None when one of them is not on it."""
    one_position, other_position = position_of(one), position_of(other)
    return None if one_position is None or other_position is None else distance_m(one_position, other_position)


def _tone(starts_at_us: int, sound: ToneSound, interval_us: int) -> TestTone:
    return TestTone(starts_at_us=starts_at_us, clicks=ROUNDS, period_us=2 * interval_us, sound=sound)
