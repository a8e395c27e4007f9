"""Measurements of delay: two receivers sound in turn, are recorded at one place, and one's path delay is corrected.

A measurement begins with the tones, is heard when a recording was looked through (`acoustics.measuring`), then taken,
and can be undone. What it says holds only while both path delays are what they were when the tones sounded.
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
from wire.commands import TestTone, ToneSound

#: Sweeps of each receiver, and from one receiver's to the other's: offsets up to an interval less an echo are told
#: apart, and 15 s can be borne by whoever stands below.
ROUNDS = 6
INTERVAL = timedelta(milliseconds=1250)
LASTS = 2 * ROUNDS * INTERVAL
#: From the press to the first sweep, besides the amplifiers' lead: the way there, and a recorder to be started.
LEAD = timedelta(seconds=8)
#: Closer than this is in step: the place of a phone in a hand is not known better than to a foot.
IN_STEP_US = 1000
#: Path delays are proposed in tenths of a millisecond.
_STEP_US = 100
#: Farther from the phone than this a horn is not heard.
MOST_DISTANCE_M = 2000.0


class DelayMeasurement(SQLModel, table=True):
    """One measurement. one, other: receivers; the other's offset is looked for, so the one is trusted.

    one_path_delay_us, other_path_delay_us: as they were while it sounded. one_distance_m, other_distance_m: from the
    horn to the recorder.
    offset_us: how much later the other sounds at its horn, geometry taken off; None while it is not heard. error_us:
    standard error. agreeing: rounds that say so. clipped: whether the recorder was overdriven.
    changed_id, before_us, after_us: whose path delay was changed, from what to what; None while nothing was.
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
        """When the last sweep is over."""
        return self.starts_at + LASTS

    @property
    def geometry_us(self) -> int:
        """How much later the other is heard only because its horn is farther away."""
        return round(travel_ms(self.other_distance_m - self.one_distance_m) * 1000)

    @property
    def in_step(self) -> bool:
        """Whether the two sound together as they are."""
        return self.offset_us is not None and abs(self.offset_us) <= IN_STEP_US

    @property
    def sure(self) -> bool:
        """Whether every round said the same, to a third of a millisecond, and the recorder was not overdriven."""
        return self.agreeing == ROUNDS and (self.error_us or 0) <= 300 and not self.clipped


class Proposal(NamedTuple):
    """Whose path delay is to be what (µs) instead of what. later: whether that receiver was heard late."""

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
    """Keep a measurement whose tones are yet to be sent. Raises Refusal, NotFound."""
    if one_id == other_id:
        raise Refusal(N_("Choose two different receivers."))
    pair = [receiver(session, one) for one in (one_id, other_id)]
    for found in pair:
        if found.commune_id != commune_id or found.retired_at is not None:
            raise NotFound(N_("Receiver {id} does not exist."), id=found.id)
    for distance in (one_distance_m, other_distance_m):
        if not 0 <= distance <= MOST_DISTANCE_M:
            raise Refusal(N_("The distance is between 0 and {most} m."), most=int(MOST_DISTANCE_M))
    one, other = pair
    made = DelayMeasurement(
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
    session.add(made)
    session.flush()
    return made


def tones(measurement: DelayMeasurement) -> list[tuple[str, TestTone]]:
    """What each of the two is to sound."""
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
    """Write down what a recording says; heard_offset_us: at the recorder. Raises Refusal once it is taken, NotFound."""
    found = measurement_of(session, measurement_id)
    if found.taken_at is not None:
        raise Refusal(N_("This measurement was taken already. Measure again."))
    found.offset_us, found.error_us = heard_offset_us - found.geometry_us, error_us
    found.agreeing, found.clipped, found.heard_at = agreeing, clipped, now
    session.add(found)
    return found


def proposal(measurement: DelayMeasurement) -> Proposal | None:
    """What would bring the two in step; None while nothing is known.

    The other's path delay is changed. Only where it would have to be less than none, the one's is made longer.
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
    """Set the path delay that is proposed. Its receiver is told with `Downlink.configure`. Raises Refusal, NotFound."""
    found = measurement_of(session, measurement_id)
    proposed = proposal(found)
    if proposed is None or found.taken_at is not None:
        raise Refusal(N_("There is nothing to take: measure first."))
    one, other = receiver(session, found.one_id), receiver(session, found.other_id)
    if (one.path_delay_us, other.path_delay_us) != (found.one_path_delay_us, found.other_path_delay_us):
        raise Refusal(N_("A path delay was changed after this measurement. Measure again."))
    if proposed.after_us > MOST_PATH_DELAY_MS * 1000:
        raise Refusal(N_("The path delay is between 0 and {most} ms."), most=int(MOST_PATH_DELAY_MS))
    changed = change_receiver(session, proposed.receiver_id, path_delay_ms=proposed.after_us / 1000)
    found.changed_id, found.before_us, found.after_us = changed.id, proposed.before_us, proposed.after_us
    found.taken_at, found.taken_by = now, by
    session.add(found)
    return changed


def undo(session: Session, measurement_id: str, *, now: datetime) -> Receiver:
    """Put the path delay back to what it was. Raises Refusal when it was changed by hand since, NotFound."""
    found = measurement_of(session, measurement_id)
    if found.changed_id is None or found.before_us is None or found.undone_at is not None:
        raise Refusal(N_("There is nothing to undo."))
    changed = receiver(session, found.changed_id)
    if changed.path_delay_us != found.after_us:
        raise Refusal(N_("The path delay was changed again since. Set it on the receiver's own page."))
    found.undone_at = now
    session.add(found)
    return change_receiver(session, changed.id, path_delay_ms=found.before_us / 1000)


def measurement_of(session: Session, measurement_id: str) -> DelayMeasurement:
    """One. Raises NotFound."""
    found = session.get(DelayMeasurement, measurement_id)
    if found is None:
        raise NotFound(N_("This measurement no longer exists."))
    return found


def recent(session: Session, commune_id: str, limit: int = 20) -> list[DelayMeasurement]:
    """Those of a commune that were heard, newest first."""
    query = select(DelayMeasurement).where(
        DelayMeasurement.commune_id == commune_id, col(DelayMeasurement.heard_at).is_not(None)
    )
    return list(session.exec(query.order_by(col(DelayMeasurement.asked_at).desc()).limit(limit)))


def horns_apart_m(one: Receiver, other: Receiver) -> float | None:
    """By the map; None when one of them is not on it."""
    here, there = position_of(one), position_of(other)
    return None if here is None or there is None else distance_m(here, there)


def _tone(starts_at_us: int, sound: ToneSound, interval_us: int) -> TestTone:
    return TestTone(starts_at_us=starts_at_us, clicks=ROUNDS, period_us=2 * interval_us, sound=sound)
