"""What is thrown away of the exchanges says nothing: the lines through what is left are the lines through all."""

import random

import pytest

from receiver.timing.exchange_history import ExchangeHistory
from receiver.timing.time_lines import WHOLE, Bounds, fit_lines


def jittery(count: int, *, seed: int = 1, drift_ppm: float = 0.0) -> list[Bounds]:
    rnd = random.Random(seed)
    made = []
    for k in range(count):
        gone_us = k * 0.05 * drift_ppm
        made.append(Bounds(k * 50_000, gone_us + rnd.uniform(30e3, 70e3), gone_us - rnd.uniform(30e3, 70e3)))
    return made


def kept(rows: list[Bounds], drift_ppm: float = 0.0) -> ExchangeHistory:
    made = ExchangeHistory()
    for k, bounds in enumerate(rows):
        made.add(bounds)
        if k % 100 == 0:
            made.thin(drift_ppm)
    return made


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("drift_ppm", [0.0, 37.0])
def test_the_lines_through_what_is_left_are_the_lines_through_all(seed: int, drift_ppm: float) -> None:
    rows = jittery(6000, seed=seed, drift_ppm=drift_ppm)
    # Thinned by a drift that is known to some ppm only, as in life.
    thinned = kept(rows, drift_ppm + 3.0)
    assert len(thinned) < 1700
    of_all, of_left = fit_lines(rows, 0.0), fit_lines(list(thinned), 0.0)
    assert of_left.offset_us + of_left.fraction_us == pytest.approx(of_all.offset_us + of_all.fraction_us, abs=4)
    assert of_left.drift_ppm == pytest.approx(of_all.drift_ppm, abs=0.03)
    assert of_left.precision_us == pytest.approx(of_all.precision_us, rel=0.25)
    assert of_left.half_way_us == pytest.approx(of_all.half_way_us, abs=4)
    assert not of_left.quiet


def test_all_are_counted_and_the_newest_are_whole_and_in_order() -> None:
    rows = jittery(4000)
    thinned = kept(rows)
    assert thinned.count == 4000
    assert sum(b.stands_for for b in thinned) == 4000
    assert list(thinned)[-WHOLE:] == rows[-WHOLE:]
    instants = [b.local_us for b in thinned]
    assert instants == sorted(set(instants))


def test_half_and_a_third_are_halves_and_thirds_of_all_that_were_counted() -> None:
    thinned = kept(jittery(4000))
    third = thinned.newest_third()
    assert sum(b.stands_for for b in third) == pytest.approx(4000 / 3, rel=0.05)
    assert third[0].local_us == pytest.approx(4000 * 50_000 * 2 / 3, rel=0.05)
    thinned.forget_half()
    assert thinned.count == pytest.approx(2000, rel=0.05)
    assert thinned.oldest.local_us == pytest.approx(2000 * 50_000, rel=0.08)
    assert thinned.newest.local_us == 3999 * 50_000


def test_a_few_are_left_as_they_are_and_what_is_too_old_is_forgotten() -> None:
    rows = jittery(300)
    few = kept(rows)
    assert list(few) == rows
    few.forget_before(200 * 50_000)
    assert list(few) == rows[200:]
    few.replace_newest(Bounds(1, 2.0, 3.0))
    assert (few.newest, few.count) == (Bounds(1, 2.0, 3.0), 100)
    few.clear()
    assert (len(few), few.count) == (0, 0)


def test_answers_that_overtook_one_another_are_thinned_all_the_same() -> None:
    rows = jittery(4000)
    for k in range(0, 3999, 2):
        rows[k], rows[k + 1] = rows[k + 1], rows[k]
    assert kept(rows).count == 4000
