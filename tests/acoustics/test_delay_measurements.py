"""What a measurement proposes, and how it is taken and undone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session

from acoustics.delay_measurements import (
    DelayMeasurement,
    begin,
    keep_offset,
    measurement_of,
    proposal,
    recent,
    take,
    tones,
    undo,
)
from devices.receivers import change_receiver, receiver
from runtime.clock import ManualClock, to_us
from runtime.refusal import NotFound, Refusal
from tests.cast import COMMUNE, OPERATOR
from tests.devices.conftest import Site
from wire.commands import ToneSound


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    for name in ("thon-1", "fm"):
        site.enrol(name)
    with site.database.writing() as opened:
        yield opened


def measured(session: Session, clock: ManualClock, offset_ms: float, **where: float) -> DelayMeasurement:
    made = begin(session, COMMUNE, "thon-1", "fm", now=clock.now(), by=OPERATOR, **where)
    return keep_offset(
        session,
        made.id,
        heard_offset_us=round(offset_ms * 1000),
        error_us=20,
        agreeing=6,
        clipped=False,
        now=clock.now(),
    )


def test_the_two_sound_different_sweeps_in_turn_after_their_amplifiers_are_on(
    session: Session, clock: ManualClock
) -> None:
    change_receiver(session, "fm", amplifier_lead_ms=9000)
    made = begin(session, COMMUNE, "thon-1", "fm", now=clock.now(), by=OPERATOR)
    (one, rising), (other, falling) = tones(made)
    assert (one, other, rising.sound, falling.sound) == ("thon-1", "fm", ToneSound.RISING, ToneSound.FALLING)
    assert rising.starts_at_us == to_us(clock.now() + timedelta(seconds=17))
    assert falling.starts_at_us - rising.starts_at_us == 1_250_000 == rising.period_us // 2
    assert made.ends_at - made.starts_at == timedelta(seconds=15)


@pytest.mark.parametrize(
    ("one_us", "other_us", "offset_ms", "expected"),
    [
        (0, 0, 118.4, ("fm", 118_400)),
        (0, 120_000, -1.64, ("fm", 118_400)),
        (0, 5000, -20.0, ("thon-1", 20_000)),  # a horn cannot be made later than its own chain
        (3000, 0, -20.0, ("thon-1", 23_000)),
        (7000, 3000, -3.0, ("fm", 0)),
    ],
)
def test_the_path_delay_that_brings_them_in_step_is_proposed(
    session: Session, clock: ManualClock, one_us: int, other_us: int, offset_ms: float, expected: tuple[str, int]
) -> None:
    change_receiver(session, "thon-1", path_delay_ms=one_us / 1000)
    change_receiver(session, "fm", path_delay_ms=other_us / 1000)
    proposed = proposal(measured(session, clock, offset_ms))
    assert proposed is not None
    assert (proposed.receiver_id, proposed.after_us) == expected


def test_what_the_distance_does_is_taken_off(session: Session, clock: ManualClock) -> None:
    found = measured(session, clock, 118.4, one_distance_m=2, other_distance_m=2 + 34.3)
    assert found.offset_us == 18_400
    assert not found.in_step
    assert measured(session, clock, 100.5, one_distance_m=2, other_distance_m=2 + 34.3).in_step


def test_it_is_taken_once_and_undone_once(session: Session, clock: ManualClock) -> None:
    found = measured(session, clock, 118.4)
    revision = receiver(session, "fm").config_revision
    changed = take(session, found.id, now=clock.now(), by=OPERATOR)
    assert (changed.id, changed.path_delay_us, changed.config_revision) == ("fm", 118_400, revision + 1)
    with pytest.raises(Refusal, match="nothing to apply"):
        take(session, found.id, now=clock.now(), by=OPERATOR)
    with pytest.raises(Refusal, match="already been applied"):
        keep_offset(session, found.id, heard_offset_us=1, error_us=1, agreeing=6, clipped=False, now=clock.now())
    assert undo(session, found.id, now=clock.now()).path_delay_us == 0
    with pytest.raises(Refusal, match="nothing to undo"):
        undo(session, found.id, now=clock.now())


@pytest.mark.parametrize("changed", ["thon-1", "fm"])
def test_what_was_changed_since_is_not_overwritten(session: Session, clock: ManualClock, changed: str) -> None:
    found = measured(session, clock, 118.4)
    change_receiver(session, changed, path_delay_ms=7)
    with pytest.raises(Refusal, match="changed after this measurement"):
        take(session, found.id, now=clock.now(), by=OPERATOR)
    second = measured(session, clock, 118.4)
    take(session, second.id, now=clock.now(), by=OPERATOR)
    change_receiver(session, "fm", path_delay_ms=1)
    with pytest.raises(Refusal, match="changed again"):
        undo(session, second.id, now=clock.now())


def test_a_delay_beyond_what_a_receiver_can_hold_is_refused(session: Session, clock: ManualClock) -> None:
    change_receiver(session, "fm", path_delay_ms=1900)
    with pytest.raises(Refusal, match="between 0 and"):
        take(session, measured(session, clock, 200).id, now=clock.now(), by=OPERATOR)
    assert receiver(session, "fm").path_delay_us == 1_900_000


def test_it_is_sure_only_when_every_round_says_the_same(session: Session, clock: ManualClock) -> None:
    def sure(error_us: int, agreeing: int, clipped: bool) -> bool:
        made = begin(session, COMMUNE, "thon-1", "fm", now=clock.now(), by=OPERATOR)
        return keep_offset(
            session, made.id, heard_offset_us=0, error_us=error_us, agreeing=agreeing, clipped=clipped, now=clock.now()
        ).sure

    assert sure(300, 6, False)
    assert not sure(301, 6, False)
    assert not sure(10, 5, False)
    assert not sure(10, 6, True)


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ("thon-1", "thon-1", 0),
        ("thon-1", "none", 0),
        ("thon-1", "fm", -1),
        ("thon-1", "fm", 2001),
        ("thon-1", "fm", float("nan")),
    ],
)
def test_what_cannot_be_measured_is_refused(
    session: Session, clock: ManualClock, one: str, other: str, metres: float
) -> None:
    with pytest.raises((Refusal, NotFound)):
        begin(session, COMMUNE, one, other, other_distance_m=metres, now=clock.now(), by=OPERATOR)
    with pytest.raises(NotFound):
        measurement_of(session, "none")


def test_only_what_was_heard_is_listed_newest_first(session: Session, clock: ManualClock) -> None:
    begin(session, COMMUNE, "thon-1", "fm", now=clock.now(), by=OPERATOR)
    first = measured(session, clock, 1)
    clock.advance(seconds=60)
    second = measured(session, clock, 2)
    assert [m.id for m in recent(session, COMMUNE)] == [second.id, first.id]
    assert proposal(begin(session, COMMUNE, "thon-1", "fm", now=clock.now(), by=OPERATOR)) is None
