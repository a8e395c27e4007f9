"""A sound card's input: what it captured and when; PortAudio itself is played here, since no card is."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sounddevice

from receiver.output.sound_card import PORT_AUDIO
from receiver.playout.cues import RATE
from receiver.sensing.card_microphone import CardMicrophone
from receiver.sensing.microphone import MicrophoneFailed


class Input:
    """A stream of PortAudio's: delivers a rising ramp from a thread of its own, faster than real."""

    opened: list["Input"] = []
    delivers = True

    def __init__(self, **asked: Any) -> None:
        self.asked, self.closed, self.active = asked, False, True
        Input.opened.append(self)

    @property
    def time(self) -> float:
        return time.monotonic() - 1000.0  # another clock than ours

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, args=(self.time - 0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closed, self.active = True, False
        self._thread.join()

    def _run(self, began_s: float) -> None:
        first = 0
        while not self.closed and Input.delivers:
            block = np.arange(first, first + 960, dtype=np.float32)[:, None]
            self.asked["callback"](block, 960, SimpleNamespace(inputBufferAdcTime=began_s + first / RATE), None)
            first += 960
            time.sleep(0.0005)


@pytest.fixture(autouse=True)
def port_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    Input.opened, Input.delivers = [], True
    monkeypatch.setattr(sounddevice, "InputStream", Input)
    monkeypatch.setattr(sounddevice, "_terminate", lambda: None)
    monkeypatch.setattr(sounddevice, "_initialize", lambda: None)


def test_it_captures_so_much_and_says_when_the_first_sample_was_by_our_clock() -> None:
    before_us = time.monotonic() * 1e6
    heard = CardMicrophone("USB").record(0.5, threading.Event())
    assert heard is not None
    assert np.array_equal(heard.samples, np.arange(RATE // 2, dtype=np.float32))
    assert heard.first_local_us == pytest.approx(before_us - 10_000, abs=50_000)
    [stream] = Input.opened
    assert (stream.closed, stream.asked["device"], stream.asked["channels"]) == (True, "USB", 1)
    assert PORT_AUDIO.inputs == []


def test_told_to_end_it_lets_go_at_once() -> None:
    ending = threading.Event()
    ending.set()
    assert CardMicrophone().record(3.0, ending) is None
    assert Input.opened[0].closed


def test_one_that_is_not_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_asked: Any) -> None:
        raise sounddevice.PortAudioError("Invalid device")

    monkeypatch.setattr(sounddevice, "InputStream", refuse)
    with pytest.raises(MicrophoneFailed, match="microphone hw:3: Invalid device"):
        CardMicrophone("hw:3").record(0.1, threading.Event())


def test_when_the_speakers_card_is_reopened_the_microphone_fails_and_nothing_is_closed_twice() -> None:
    Input.delivers = False
    failed: list[MicrophoneFailed] = []

    def listen() -> None:
        with pytest.raises(MicrophoneFailed) as raised:
            CardMicrophone().record(5.0, threading.Event())
        failed.append(raised.value)

    thread = threading.Thread(target=listen)
    thread.start()
    while not PORT_AUDIO.inputs:
        time.sleep(0.005)
    PORT_AUDIO.reinitialise()
    thread.join(5)
    assert "delivers nothing" in str(failed[0])
    assert (len(Input.opened), PORT_AUDIO.inputs) == (1, [])
