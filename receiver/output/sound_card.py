"""A speaker that is a sound card, through PortAudio. Home of sounddevice.

The card is reopened when it stops asking for frames (unplugged) or has many xruns. Its clock is PortAudio's; the offset
to the local monotonic clock is measured, since it need not be the same clock (PulseAudio).
"""

import logging
import threading
from typing import Any

import numpy as np
import sounddevice

from receiver.output.speaker import FrameRequest, Render, SpeakerFailed
from receiver.playout.cues import RATE
from receiver.timing.local_clock import local_us
from transport.worker import BackOff, Worker

log = logging.getLogger(__name__)

#: Frames of one call: 20 ms, 50 calls a second.
BLOCK_FRAMES = 960
#: How far ahead the card is fed: a block less is what a busy small computer may stand still without a hole. After so
#: many xruns it is fed further ahead, from the next silence on: live sound that is on its way would come too late.
LATENCY_S, DEEPER_S, DEEPER_AFTER = 0.15, 0.25, 3
#: Silence that is waited for.
SILENCE_US = 2_000_000
#: A card that has not asked for so long is lost; looked for again so often.
LOST_S = 1.0
#: A card with so many xruns between two checks is reopened.
STORM = 10
#: Readings of both clocks, of which the quickest counts.
READINGS = 9


class _PortAudio:
    """State of the whole process. Initialising PortAudio again ends every stream: inputs are closed first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inputs: list[Any] = []

    def reinitialise(self) -> None:
        """PortAudio knows only the devices that were there when it was set up."""
        with self.lock:
            for stream in self.inputs:
                stream.close()
            self.inputs.clear()
            sounddevice._terminate()
            sounddevice._initialize()


PORT_AUDIO = _PortAudio()


def clock_ahead_us(stream: Any) -> float:
    """The local monotonic clock less the stream's own."""
    narrowest_us, ahead_us = 1e9, 0.0
    for _ in range(READINGS):
        before_us, theirs_s, after_us = local_us(), stream.time, local_us()
        if after_us - before_us < narrowest_us:
            narrowest_us, ahead_us = after_us - before_us, (before_us + after_us) / 2 - theirs_s * 1e6
    return ahead_us


class SoundCard:
    """See `Speaker`. device: as PortAudio names it; None is the default."""

    def __init__(self, device: str | int | None = None) -> None:
        self._device = device
        self._stream: Any = None
        self._render: Render | None = None
        self._guard = Worker(self._watch, "card guard", back_off=BackOff(LOST_S, LOST_S))
        self._xruns = 0
        self._run = -1
        self._first = 0
        self._ahead_us = 0.0  # local clock less PortAudio's
        self._asked_us = 0
        self._xruns_seen = 0
        self._latency_s = LATENCY_S
        self._loud_us = 0

    @property
    def xruns(self) -> int:
        return self._xruns

    @property
    def running(self) -> bool:
        return self._stream is not None and local_us() - self._asked_us < LOST_S * 1e6

    def open(self, render: Render) -> None:
        if self._render is not None:
            raise RuntimeError("the speaker is open already")
        self._render = render
        try:
            self._begin()
        except (sounddevice.PortAudioError, ValueError) as failure:
            self._render = None
            raise SpeakerFailed(f"sound card {self._device or 'default'}: {failure}") from failure
        self._guard.start()

    def close(self) -> None:
        self._guard.close()
        self._stop()
        self._render = None

    def _begin(self) -> None:
        self._run += 1
        self._first = 0
        self._asked_us = local_us()
        self._stream = sounddevice.OutputStream(
            samplerate=RATE,
            blocksize=BLOCK_FRAMES,
            device=self._device,
            channels=1,
            dtype="float32",
            latency=self._latency_s,
            callback=self._ask,
        )
        self._ahead_us = clock_ahead_us(self._stream)
        self._stream.start()

    def _stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.abort()
                stream.close()
            except sounddevice.PortAudioError as failure:
                log.warning("the sound card did not close in order: %s", failure)

    def _ask(self, out: Any, frames: int, times: Any, status: Any) -> None:
        self._asked_us = local_us()
        if status.output_underflow:
            self._xruns += 1
            self._run += 1
            self._first = 0
        leaves_us = times.outputBufferDacTime * 1e6 + self._ahead_us
        ahead_us = (times.outputBufferDacTime - times.currentTime) * 1e6
        first, self._first = self._first, self._first + frames
        render = self._render
        if render is None:
            out.fill(0)
            return
        np.clip(render(FrameRequest(frames, first, leaves_us, self._run, ahead_us)), -1.0, 1.0, out=out[:, 0])
        if out.any():
            self._loud_us = self._asked_us

    def _watch(self) -> float:
        self.look()
        return LOST_S

    def look(self) -> None:
        """Reopen a card that was lost or has too many xruns."""
        storm = self._xruns - self._xruns_seen >= STORM
        self._xruns_seen = self._xruns
        deeper = self._latency_s < DEEPER_S and self._xruns >= DEEPER_AFTER
        deeper &= local_us() - self._loud_us > SILENCE_US
        is_asking = self._stream is not None and local_us() - self._asked_us < LOST_S * 1e6
        if is_asking and not storm and not deeper:
            return
        if deeper:
            self._latency_s = DEEPER_S
        log.warning(
            "sound card %s: reopening, fed %.0f ms ahead",
            "had xruns" if storm or deeper else "no longer asks for frames",
            self._latency_s * 1000,
        )
        self._stop()
        try:
            PORT_AUDIO.reinitialise()
            self._begin()
            self._xruns += 1
        except (sounddevice.PortAudioError, ValueError) as failure:
            log.warning("sound card unavailable: %s", failure)
