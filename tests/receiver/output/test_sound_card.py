"""A sound card that is lost, or stutters, is opened anew; PortAudio itself is played here, since no card is."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sounddevice

from receiver.output import sound_card
from receiver.output.sound_card import DEEPER_AFTER, DEEPER_S, LATENCY_S, LOST_S, SILENCE_US, STORM, SoundCard
from receiver.output.speaker import FrameRequest, SpeakerFailed
from receiver.playout.cues import RATE, Samples


class Bench:
    """PortAudio with one card, on a clock turned by hand (s)."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.plugged = True
        self.streams: list[Stream] = []
        self.looked_anew = 0
        self.latencies_s: list[float] = []

    def open(self, **asked: Any) -> "Stream":
        if not self.plugged:
            raise sounddevice.PortAudioError("no such device")
        self.streams.append(Stream(self, asked["callback"]))
        self.latencies_s.append(asked["latency"])
        return self.streams[-1]

    def look_anew(self) -> None:
        self.looked_anew += 1


class Stream:
    def __init__(self, bench: Bench, callback: Any) -> None:
        self.bench, self.callback, self.closed = bench, callback, False
        self._filled_s = 0.25

    @property
    def time(self) -> float:
        return self.bench.now_s

    def start(self) -> None: ...
    def abort(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def ask(self, blocks: int = 1, *, underflow: bool = False) -> None:
        for _ in range(blocks):
            self.bench.now_s += 960 / RATE
            out = np.empty((960, 1), np.float32)
            times = SimpleNamespace(currentTime=self.bench.now_s, outputBufferDacTime=self.bench.now_s + self._filled_s)
            self.callback(out, 960, times, SimpleNamespace(output_underflow=underflow))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(sounddevice, "OutputStream", made.open)
    monkeypatch.setattr(sounddevice, "_terminate", lambda: None)
    monkeypatch.setattr(sounddevice, "_initialize", made.look_anew)
    monkeypatch.setattr(sound_card, "local_us", lambda: round(made.now_s * 1e6))
    # Looked after by hand.
    monkeypatch.setattr(SoundCard, "_watch", lambda _self: None)
    return made


class Heard:
    def __init__(self) -> None:
        self.stretches: list[FrameRequest] = []
        self.level = 0.0

    def __call__(self, request: FrameRequest) -> Samples:
        self.stretches.append(request)
        return np.full(request.frames, self.level, np.float32)


def test_a_card_that_was_unplugged_is_opened_anew_when_it_is_back(bench: Bench) -> None:
    card, heard = SoundCard(), Heard()
    card.open(heard)
    bench.streams[0].ask(50)
    card.look()
    assert (card.running, len(bench.streams)) == (True, 1)
    bench.plugged = False
    bench.now_s += 2 * LOST_S
    assert not card.running
    card.look()
    assert (card.running, len(bench.streams), bench.streams[0].closed) == (False, 1, True)
    bench.plugged = True
    bench.now_s += 1
    card.look()
    bench.streams[1].ask(5)
    assert card.running
    assert bench.looked_anew == 2
    # A new run, so that the playout knows of the hole; and the instant is told by the clock, not by counting on.
    last = heard.stretches[-1]
    assert last.run > heard.stretches[0].run
    assert (last.first, card.xruns) == (4 * 960, 1)
    assert last.leaves_local_us == pytest.approx((bench.now_s + 0.25) * 1e6, abs=1)
    card.close()


def test_a_card_that_stutters_is_opened_anew_and_one_xrun_is_no_storm(bench: Bench) -> None:
    card, heard = SoundCard(), Heard()
    card.open(heard)
    bench.streams[0].ask(10)
    bench.streams[0].ask(1, underflow=True)
    card.look()
    assert len(bench.streams) == 1
    bench.streams[0].ask(STORM, underflow=True)
    card.look()
    assert len(bench.streams) == 2
    bench.streams[1].ask(10)
    card.look()
    assert len(bench.streams) == 2
    assert card.xruns == 1 + STORM + 1
    card.close()


def test_a_card_with_some_xruns_is_fed_further_ahead_once_it_is_silent(bench: Bench) -> None:
    card, heard = SoundCard(), Heard()
    heard.level = 0.1
    card.open(heard)
    for _ in range(DEEPER_AFTER):
        bench.streams[0].ask(5)
        bench.streams[0].ask(1, underflow=True)
        card.look()
    assert bench.latencies_s == [LATENCY_S], "live sound that is on its way would come too late"
    heard.level = 0.0
    bench.streams[0].ask(round(SILENCE_US / 20_000) + 1)
    card.look()
    assert bench.latencies_s == [LATENCY_S, DEEPER_S]
    bench.streams[1].ask(200)
    card.look()
    assert len(bench.streams) == 2, "once"
    card.close()


def test_no_card_at_the_start_is_said(bench: Bench) -> None:
    bench.plugged = False
    card = SoundCard("hw:7")
    with pytest.raises(SpeakerFailed, match="hw:7"):
        card.open(Heard())
    bench.plugged = True
    card.open(Heard())
    card.close()
