"""The programme is heard in what a microphone captured, and nothing else is: real speech, a room, an echo, noise."""

import numpy as np
import pytest

from receiver.playout.cues import RATE, ChimeSpec
from receiver.playout.sources import ChimeSource
from receiver.sensing.correlation import HEARD_FROM, Match, find
from tests.sounds.rooms import WEATHER, Sound, in_a_room, speech

WINDOW, LEAD, SPREAD = 3 * RATE, RATE // 20, RATE // 2
LEAD_US = 50_000
WINDOWS = [RATE // 2 * k for k in range(1, 8)]


def window(played: Sound, captured: Sound, at: int) -> Match | None:
    """What is found of the three seconds from `at` on, in a capture that began as the played did."""
    padded = np.concatenate([captured, np.zeros(2 * RATE, np.float32)])
    return find(played[at : at + WINDOW], padded[at - LEAD : at + WINDOW + SPREAD], LEAD_US)


def all_windows(played: Sound, captured: Sound) -> list[Match]:
    found = [window(played, captured, at) for at in WINDOWS]
    return [match for match in found if match is not None]


@pytest.mark.parametrize("delay_ms", [0.0, 12.0, 180.0, 400.0])
def test_speech_is_heard_through_a_room_with_an_echo_and_noise_and_its_delay_found(delay_ms: float) -> None:
    found = all_windows(speech(), in_a_room(speech(), delay_ms=delay_ms))
    assert len(found) == len(WINDOWS)
    assert all(match.heard and match.correlation > 2 * HEARD_FROM for match in found)
    assert all(abs(match.lag_us - delay_ms * 1000) <= 500 for match in found)


@pytest.mark.parametrize(
    "worse",
    [
        {"snr_db": 0.0},
        {"snr_db": -5.0},
        {"level": 0.0005},
        {"echo": 0.95},
        {"ppm": 100.0},
        {"ppm": -100.0},
        {"level": -0.05},
    ],
    ids=str,
)
def test_neither_level_nor_polarity_nor_noise_nor_a_crystal_that_is_off_hide_it(worse: dict[str, float]) -> None:
    assert all(match.heard for match in all_windows(speech(), in_a_room(speech(), delay_ms=20.0, **worse)))


def noise(seed: int = 3) -> Sound:
    return (0.1 * np.random.default_rng(seed).standard_normal(12 * RATE)).astype(np.float32)


def hum() -> Sound:
    at = np.arange(12 * RATE) / RATE
    return (0.1 * sum(np.sin(2 * np.pi * 50 * k * at + k) / k for k in range(1, 40))).astype(np.float32)


@pytest.mark.parametrize(
    "captured",
    [
        lambda: in_a_room(speech(WEATHER), delay_ms=12.0),
        lambda: in_a_room(speech(WEATHER), delay_ms=0.0, snr_db=60.0),
        noise,
        hum,
        lambda: np.zeros(12 * RATE, np.float32),
        lambda: in_a_room(speech(), delay_ms=2500.0),
        lambda: speech()[::-1].copy(),
    ],
    ids=["another programme", "another, clear", "noise", "hum", "silence", "the same, far too late", "backwards"],
)
def test_what_is_not_the_programme_is_not_heard(captured: object) -> None:
    assert callable(captured)
    found = all_windows(speech(), captured())
    assert len(found) == len(WINDOWS)
    assert max(match.correlation for match in found) < 0.75 * HEARD_FROM


def test_a_pause_or_a_chime_in_the_programme_proves_nothing() -> None:
    chime = ChimeSource(ChimeSpec()).read(0, 12 * RATE)
    assert window(np.zeros(12 * RATE, np.float32), noise(), RATE) is None
    assert window((noise() * 1e-4).astype(np.float32), noise(), RATE) is None
    assert window(chime, chime, LEAD) is None


def test_a_part_of_the_window_is_enough() -> None:
    mostly_silent = speech().copy()
    mostly_silent[: 2 * RATE] = 0
    found = window(mostly_silent, in_a_room(mostly_silent, delay_ms=30.0), LEAD)
    assert found is not None
    assert found.heard
    assert abs(found.lag_us - 30_000) <= 500
