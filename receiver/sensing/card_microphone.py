"""A microphone that is a sound card's input, through PortAudio. A home of sounddevice."""

import threading
from typing import Any

import numpy as np
import sounddevice

from receiver.output.sound_card import PORT_AUDIO, clock_ahead_us
from receiver.playout.cues import RATE, Samples
from receiver.sensing.microphone import Capture, MicrophoneFailed
from receiver.timing.local_clock import local_us

#: A device that has not delivered so long after it should have has failed.
_PATIENCE_S = 2.0


class CardMicrophone:
    """A sound card's input (`Microphone`). device: as PortAudio names it; None is the default."""

    def __init__(self, device: str | None = None) -> None:
        self._device = device

    def record(self, seconds: float, ending: threading.Event) -> Capture | None:
        """See `Microphone`. The device is open for this long only."""
        wanted, blocks = round(seconds * RATE), _Came()
        try:
            stream = self._open(blocks)
            try:
                deadline_us = local_us() + (seconds + _PATIENCE_S) * 1e6
                while blocks.frames < wanted:
                    if ending.wait(0.05):
                        return None
                    if local_us() > deadline_us or not stream.active:
                        raise MicrophoneFailed(f"{self._name} delivers nothing")
            finally:
                self._close(stream)
        except (sounddevice.PortAudioError, ValueError) as failure:
            raise MicrophoneFailed(f"{self._name}: {failure}") from failure
        return Capture(blocks.first_local_us, np.concatenate(blocks.blocks)[:wanted])

    @property
    def _name(self) -> str:
        return f"microphone {self._device or 'default'}"

    def _open(self, blocks: "_Came") -> Any:
        with PORT_AUDIO.lock:
            stream = sounddevice.InputStream(
                samplerate=RATE, device=self._device, channels=1, dtype="float32", callback=blocks.take
            )
            blocks.ahead_us = clock_ahead_us(stream)
            stream.start()
            PORT_AUDIO.inputs.append(stream)
        return stream

    @staticmethod
    def _close(stream: Any) -> None:
        with PORT_AUDIO.lock:
            if stream in PORT_AUDIO.inputs:  # else it was closed when the card was reopened
                PORT_AUDIO.inputs.remove(stream)
                stream.close()


class _Came:
    """What an input stream delivered. ahead_us: local clock less PortAudio's."""

    def __init__(self) -> None:
        self.blocks: list[Samples] = []
        self.frames = 0
        self.first_local_us = self.ahead_us = 0.0

    def take(self, block: Any, frames: int, times: Any, _status: Any) -> None:
        if not self.blocks:
            self.first_local_us = times.inputBufferAdcTime * 1e6 + self.ahead_us
        self.blocks.append(block[:, 0].copy())
        self.frames += frames
