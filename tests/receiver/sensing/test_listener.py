"""When it is listened, and what a window is compared with: on a clock turned by hand, over a tape and a microphone."""

import threading
from pathlib import Path

import numpy as np
import pytest

from receiver.output.speaker import FrameRequest
from receiver.output.virtual_speaker import VirtualSpeaker
from receiver.playout.cues import FRAME_US, RATE, Samples
from receiver.sensing.listener import AGAIN_US, EVERY_US, FIRST_AFTER_US, SOONER_US, TAPE_S, CurrentSound, Listener
from receiver.sensing.microphone import Capture, MicrophoneFailed
from receiver.sensing.proof import MicrophoneTally, PersistentFaults
from receiver.sensing.tape import TapedSpeaker
from receiver.sensing.virtual_microphone import VirtualMicrophone
from tests.fakes.speaker import FakeSpeaker
from tests.sounds.rooms import WEATHER, in_a_room, speech

SECOND_US = 1_000_000
BEGAN_US = 1_000_000_000  # FakeSpeaker's
WINDOW_US = 3_350_000


class Bench:
    """A speaker that has played the bulletin, again and again, and a microphone in a room with what sounds there."""

    def __init__(self, folder: Path) -> None:
        self.card = FakeSpeaker()
        self.tape = TapedSpeaker(self.card, kept_s=TAPE_S)
        self.tape.open(self._render)
        self.faults = PersistentFaults(folder / "faults.json")
        self.tally = MicrophoneTally(self.faults)
        self.sounds = CurrentSound("b1", 0.0)
        self.listener = Listener(self.tape, self, self.tally, threading.Lock(), lambda: self.sounds)
        self.now_us = BEGAN_US
        self.in_the_room = np.tile(in_a_room(speech(), delay_ms=12.0), 12)
        self.played = np.tile(np.pad(speech(), (0, len(in_a_room(speech(), delay_ms=12.0)) - len(speech()))), 12)
        self.broken = ""
        self.raises: type[Exception] = MicrophoneFailed
        self.recorded_at_us: list[int] = []

    def _render(self, request: FrameRequest) -> Samples:
        at = round((request.leaves_local_us - BEGAN_US) / FRAME_US)
        return self.played[at : at + request.frames].astype(np.float32)

    def record(self, seconds: float, _ending: threading.Event) -> Capture:
        if self.broken:
            raise self.raises(self.broken)
        self.recorded_at_us.append(self.now_us)
        self.let_pass(seconds + 0.2)
        at = round((self.recorded_at_us[-1] - BEGAN_US) / FRAME_US)
        return Capture(float(self.recorded_at_us[-1]), self.in_the_room[at : at + round(seconds * RATE)])

    def let_pass(self, seconds: float) -> None:
        """Time goes on; the card has taken a quarter of a second more than has passed."""
        self.now_us += round(seconds * SECOND_US)
        while self.card.leaves_us < self.now_us + 250_000:
            self.card.take(0.02)

    def run(self, seconds: float) -> None:
        ends_us = self.now_us + seconds * SECOND_US
        while self.now_us < ends_us:
            self.listener.turn(self.now_us)
            self.let_pass(0.25)

    @property
    def after_s(self) -> list[float]:
        """When it was listened, from the beginning."""
        return [(at_us - BEGAN_US) / SECOND_US for at_us in self.recorded_at_us]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_horn_that_sounds_is_heard_a_second_after_the_start_and_each_twenty_seconds(bench: Bench) -> None:
    bench.run(50)
    said = bench.tally.proof("b1")
    assert said is not None
    assert (said.passed, said.windows, said.heard_in) == (True, 3, 3)
    assert said.delay_us == pytest.approx(12_000, abs=600)
    assert bench.after_s[0] == pytest.approx(FIRST_AFTER_US / SECOND_US, abs=0.5)
    assert np.diff(bench.after_s) == pytest.approx((EVERY_US + WINDOW_US) / SECOND_US, abs=0.5)
    assert bench.faults.all == {}


@pytest.mark.parametrize("room", ["silence", "another programme"])
def test_a_dead_horn_is_a_fault_within_a_hundred_seconds(bench: Bench, room: str) -> None:
    other = in_a_room(speech(WEATHER), delay_ms=12.0)
    bench.in_the_room = np.tile(other, 12) if room != "silence" else np.zeros_like(bench.in_the_room)
    began_us = bench.now_us
    while not bench.faults.all:
        bench.run(1)
        assert bench.now_us - began_us < 60 * SECOND_US
    assert bench.faults.all == {"not_heard": "0/3"}
    assert np.diff(bench.after_s) == pytest.approx((SOONER_US + WINDOW_US) / SECOND_US, abs=0.5)


def test_a_pause_in_the_programme_is_not_counted_and_looked_at_again_soon(bench: Bench) -> None:
    bench.played[:] = 0
    bench.run(20)
    assert bench.tally.proof("b1") is None
    assert np.diff(bench.after_s) == pytest.approx((AGAIN_US + WINDOW_US) / SECOND_US, abs=0.5)


def test_without_a_broadcast_nothing_is_recorded(bench: Bench) -> None:
    bench.sounds = CurrentSound("", 0.0)
    bench.run(60)
    assert bench.recorded_at_us == []


def test_a_window_in_which_another_broadcast_began_is_nobodys(bench: Bench) -> None:
    other = Listener(
        bench.tape,
        bench,
        bench.tally,
        threading.Lock(),
        lambda: CurrentSound("b2" if bench.recorded_at_us else "b1", 0.0),
    )
    other.turn(bench.now_us)
    bench.let_pass(1)
    other.turn(bench.now_us)
    assert len(bench.recorded_at_us) == 1
    assert (bench.tally.proof("b1"), bench.tally.proof("b2")) == (None, None)


def test_a_microphone_that_fails_is_said_to_until_it_works_again(bench: Bench) -> None:
    bench.broken = "microphone USB: no such device"
    bench.run(5)
    assert bench.listener.failure == "microphone USB: no such device"
    bench.broken = ""
    bench.run(EVERY_US / SECOND_US + 5)
    assert bench.listener.failure == ""
    assert bench.tally.proof("b1") is not None


def test_a_microphone_whose_driver_raises_is_said_to_fail_too(bench: Bench) -> None:
    bench.broken, bench.raises = "[Errno 19] No such device", OSError
    bench.run(5)
    assert bench.listener.failure == "microphone: OSError: [Errno 19] No such device"
    bench.broken = ""
    bench.run(EVERY_US / SECOND_US + 5)
    assert bench.listener.failure == ""


def test_what_the_card_took_before_a_hole_is_not_compared_with_what_came_after_it(bench: Bench) -> None:
    bench.let_pass(3)
    before_us = bench.now_us - SECOND_US
    assert bench.tape.since(before_us, RATE // 2) is not None
    bench.card.run_dry(500_000)
    bench.let_pass(3)
    assert bench.tape.since(before_us, RATE // 2) is None
    after_us = bench.now_us - SECOND_US
    kept = bench.tape.since(after_us, RATE // 2)
    assert kept is not None
    at = round((after_us - BEGAN_US) / FRAME_US)
    assert np.array_equal(kept, bench.played[at : at + RATE // 2].astype(np.float32))


def test_a_virtual_microphone_hears_a_virtual_speaker_and_silence_where_none_is(tmp_path: Path) -> None:
    place = [0]

    def render(request: FrameRequest) -> Samples:
        place[0] += request.frames
        return speech()[place[0] - request.frames : place[0]]

    speaker, silent = TapedSpeaker(VirtualSpeaker(tmp_path / "horn", ppm=80.0), kept_s=TAPE_S), tmp_path / "nothing"
    faults = PersistentFaults(tmp_path / "faults.json")
    heard, not_heard = MicrophoneTally(faults), MicrophoneTally(faults)
    speaker.open(render)
    try:
        listeners = [
            Listener(speaker, VirtualMicrophone(place), tally, threading.Lock(), lambda: CurrentSound("b1", 0.0))
            for place, tally in ((tmp_path / "horn", heard), (silent, not_heard))
        ]
        threads = [threading.Thread(target=_one_window, args=(listener,)) for listener in listeners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        speaker.close()
    said, nothing = heard.proof("b1"), not_heard.proof("b1")
    assert said is not None
    assert nothing is not None
    assert (said.passed, nothing.passed) == (True, False)
    assert said.delay_us == pytest.approx(0, abs=1_000)


def _one_window(listener: Listener) -> None:
    listener.turn(0)
    listener.turn(FIRST_AFTER_US)
