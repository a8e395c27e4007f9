"""The last seconds that left the card, with their instants: compared with what a microphone captures."""

import threading
from collections import deque
from typing import NamedTuple

import numpy as np

from receiver.output.speaker import FrameRequest, Render, Speaker
from receiver.playout.cues import FRAME_US, RATE, Samples


class _Piece(NamedTuple):
    """A stretch as it was handed over. origin_us: when frame 0 of its run left, by what the card said here."""

    run: int
    first: int
    origin_us: float
    sound: Samples


class TapedSpeaker:
    """A speaker whose last seconds are kept (`receiver.output.speaker.Speaker`)."""

    def __init__(self, speaker: Speaker, *, kept_s: float) -> None:
        """kept_s: how much is kept; 200 kB a second."""
        self._speaker = speaker
        self._kept_frames = round(kept_s * RATE)
        self._lock = threading.Lock()
        self._pieces: deque[_Piece] = deque()
        self._frames = 0

    @property
    def xruns(self) -> int:
        return self._speaker.xruns

    @property
    def running(self) -> bool:
        return self._speaker.running

    def open(self, render: Render) -> None:
        def taped(request: FrameRequest) -> Samples:
            sound = render(request)
            self._keep(request, sound)
            return sound

        self._speaker.open(taped)

    def close(self) -> None:
        self._speaker.close()

    def since(self, local_us: float, frames: int) -> Samples | None:
        """The frames that left the card from this instant of the local clock on.

        None when they are not all kept any more, not handed over yet, or the card stopped in between.
        """
        with self._lock:
            pieces = list(self._pieces)
        if not pieces:
            return None
        run = pieces[-1].run
        pieces = [piece for piece in pieces if piece.run == run]
        # A card says where it is to a millisecond or so; all that it said of a run together says it better.
        origin_us = float(np.median([piece.origin_us for piece in pieces]))
        start = round((local_us - origin_us) / FRAME_US) - pieces[0].first
        sound = np.concatenate([piece.sound for piece in pieces])
        return sound[start : start + frames] if start >= 0 and start + frames <= len(sound) else None

    def _keep(self, request: FrameRequest, sound: Samples) -> None:
        origin_us = request.leaves_local_us - request.first * FRAME_US
        with self._lock:
            self._pieces.append(_Piece(request.run, request.first, origin_us, sound))
            self._frames += len(sound)
            while self._frames > self._kept_frames:
                self._frames -= len(self._pieces.popleft().sound)
