"""Which of two horns is heard later, and by how much: on recordings with echoes, noise and poor recorders."""

import numpy as np
import pytest
import soxr

from acoustics.arrivals import Offset, find_offset
from acoustics.measuring import TRAIN
from tests.sounds.two_horns import Floats, Scene, recorded


def heard(sound: Floats, rate: int = 48_000) -> Offset:
    at_48k = soxr.resample(sound, rate, 48_000) if rate != 48_000 else sound
    return find_offset(at_48k.astype(np.float32), TRAIN)


@pytest.mark.parametrize(
    "scene",
    [
        Scene(offset_s=0.1184, signal_to_noise_db=40),
        Scene(offset_s=0.1184, echoes=((0.3, 12),), noise="white"),
        Scene(offset_s=-0.3, echoes=((0.3, 9), (0.02, -6)), second_db=-12),
        Scene(offset_s=0.3, echoes=((0.3, -3),), second_db=12, noise="wind", agc=True, peak=1.0),
        Scene(offset_s=0.0, ppm=100, rate=44_100),
        Scene(offset_s=0.05, signal_to_noise_db=-10, noise="white"),
        Scene(offset_s=0.1184, begins_s=40.0, ends_s=20.0),
        Scene(offset_s=0.05, begins_s=-2.0, ends_s=-1.0, echoes=((0.3, 6),)),
    ],
    ids=[
        "clean",
        "louder echo",
        "fainter and earlier",
        "wind and gain",
        "slow clock",
        "in noise",
        "long before and after",
        "begun late",
    ],
)
def test_the_offset_is_found_within_a_millisecond(scene: Scene) -> None:
    found = heard(recorded(scene), scene.rate)
    assert found.offset_s * 1e3 == pytest.approx(scene.offset_s * 1e3, abs=1.0)
    assert found.agreeing >= 4
    assert found.error_s < 0.0005


def test_what_the_recorders_clock_is_off_is_measured() -> None:
    scene = Scene(ppm=80, signal_to_noise_db=30)
    assert heard(recorded(scene)).rate_ppm == pytest.approx(80, abs=15)


@pytest.mark.parametrize("silent", [(True, False), (False, True), (True, True)])
def test_a_horn_that_is_silent_is_not_heard_although_the_other_is_loud(silent: tuple[bool, bool]) -> None:
    found = heard(recorded(Scene(silent=silent, signal_to_noise_db=30)))
    assert (found.rising.heard, found.falling.heard) == (not silent[0], not silent[1])
    assert np.isnan(found.offset_s)


def test_a_bang_and_a_horn_on_the_road_change_nothing() -> None:
    scene = Scene(offset_s=0.1184, echoes=((0.3, 0),))
    sound = recorded(scene)
    sound[200_000:200_400] += np.hanning(400) * 20
    sound[400_000:430_000] += 3 * np.sign(np.sin(2 * np.pi * 700 * np.arange(30_000) / 48_000))
    assert heard(sound).offset_s * 1e3 == pytest.approx(118.4, abs=1.0)


def test_a_recording_that_is_cut_off_at_the_top_is_told_from_one_that_is_not() -> None:
    assert not heard(recorded(Scene(peak=1.0, signal_to_noise_db=40))).clipped
    over = heard(np.clip(recorded(Scene(offset_s=0.02, signal_to_noise_db=40)) * 8, -1, 1))
    assert over.clipped
    assert over.offset_s * 1e3 == pytest.approx(20, abs=1.0)


def test_less_than_two_rounds_are_no_recording() -> None:
    with pytest.raises(ValueError, match="too short"):
        find_offset(np.zeros(4 * 48_000, np.float32), TRAIN)
