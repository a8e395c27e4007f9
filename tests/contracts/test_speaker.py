"""The same tests for the fake speaker and for the virtual card."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from receiver.output.speaker import FrameRequest, Speaker
from receiver.output.virtual_speaker import VirtualSpeaker
from receiver.playout.cues import RATE, Samples
from receiver.timing.local_clock import local_us
from tests.fakes.speaker import FakeSpeaker

Make = Callable[[Path], Speaker]


class Listener:
    """Renders silence and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[FrameRequest, int]] = []
        self.enough = threading.Event()

    def __call__(self, request: FrameRequest) -> Samples:
        self.asked.append((request, local_us()))
        if len(self.asked) >= 20:
            self.enough.set()
        return np.zeros(request.frames, np.float32)


@pytest.fixture(params=[lambda _: FakeSpeaker(ppm=100), lambda path: VirtualSpeaker(path / "rec", ppm=100)])
def speaker(request: pytest.FixtureRequest, tmp_path: Path) -> Speaker:
    made: Speaker = request.param(tmp_path)
    return made


def listen(speaker: Speaker) -> Listener:
    listener = Listener()
    speaker.open(listener)
    if isinstance(speaker, FakeSpeaker):
        speaker.take(0.5)
    assert listener.enough.wait(10)
    return listener


def test_it_runs_only_between_open_and_close(speaker: Speaker) -> None:
    assert not speaker.running
    listen(speaker)
    assert speaker.running
    speaker.close()
    assert not speaker.running
    speaker.close()


def test_opened_twice_it_refuses(speaker: Speaker) -> None:
    listen(speaker)
    with pytest.raises(RuntimeError):
        speaker.open(Listener())
    speaker.close()


def test_stretches_follow_one_another_without_a_hole(speaker: Speaker) -> None:
    listener = listen(speaker)
    speaker.close()
    for (before, _), (after, _) in zip(listener.asked, listener.asked[1:], strict=False):
        if before.run == after.run:
            assert after.first == before.first + before.frames
            assert after.leaves_local_us > before.leaves_local_us


def test_frames_leave_at_the_pace_of_its_crystal(speaker: Speaker) -> None:
    listener = listen(speaker)
    speaker.close()
    first, last = listener.asked[0][0], listener.asked[-1][0]
    if first.run == last.run:
        pace_us = (last.leaves_local_us - first.leaves_local_us) / (last.first - first.first)
        assert pace_us == pytest.approx(1e6 / (RATE * (1 + 100e-6)), rel=1e-6)


def test_closed_it_asks_no_more_and_opened_again_it_counts_from_nought(speaker: Speaker) -> None:
    first = listen(speaker)
    speaker.close()
    asked = len(first.asked)
    second = listen(speaker)
    speaker.close()
    assert len(first.asked) == asked
    assert second.asked[0][0].first == 0
    assert second.asked[0][0].run > first.asked[-1][0].run
