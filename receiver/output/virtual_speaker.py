"""A speaker for machines without a card: it paces like a card with a crystal of its own and records what leaves.

Two files in a directory, both grow:

    audio.raw     S16_LE, mono
    segments.csv  start,<frame in file>,<CLOCK_MONOTONIC ns>,<true rate Hz>,<nominal rate>,<channels>,<bytes per sample>
                  end,<frame in file>,<ns>,<reason>

Frame i of a segment leaves at ns + (i − start) / true rate.
"""

import logging
import threading
import time
from io import FileIO
from pathlib import Path

import numpy as np

from receiver.output.speaker import FrameRequest, Render, SpeakerFailed
from receiver.playout.cues import RATE

log = logging.getLogger(__name__)

BLOCK_FRAMES = 960


class VirtualSpeaker:
    """See `Speaker`. ppm: error of its crystal.

    buffer_ms: how far ahead frames are taken; a machine that stands still for longer makes an xrun.
    """

    def __init__(self, directory: Path, *, ppm: float = 0.0, buffer_ms: int = 150) -> None:
        self._directory = directory
        self._rate = RATE * (1 + ppm * 1e-6)
        self._buffer = buffer_ms * RATE // 1000
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._run = -1
        self._xruns = 0

    @property
    def xruns(self) -> int:
        return self._xruns

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def open(self, render: Render) -> None:
        if self._thread is not None:
            raise RuntimeError("the speaker is open already")
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            audio = (self._directory / "audio.raw").open("ab", buffering=0)
        except OSError as failure:
            raise SpeakerFailed(f"{self._directory}: {failure}") from failure
        self._ending.clear()
        self._thread = threading.Thread(target=self._pace, args=(render, audio), name="speaker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ending.set()
            thread.join()

    def _pace(self, render: Render, audio: FileIO) -> None:
        with audio:
            while not self._ending.is_set():
                reason = self._segment(render, audio)
                if reason == "xrun":
                    self._xruns += 1

    def _segment(self, render: Render, audio: FileIO) -> str:
        """One stretch without a hole, as a card between start and stop. Returns why it ended."""
        self._run += 1
        base = audio.tell() // 2
        # 1. A card starts when its buffer is filled; here the filling takes no time, and it starts a little later.
        starts_ns = time.monotonic_ns() + 20_000_000
        self._note(f"start,{base},{starts_ns},{self._rate:.9f},{RATE},1,2")
        taken, reason = 0, "stop"
        while True:
            # 2. Wait until a block fits.
            played = (time.monotonic_ns() - starts_ns) * 1e-9 * self._rate
            if played > taken:
                reason = "xrun"
                break
            room_in_s = (taken + BLOCK_FRAMES - self._buffer - played) / self._rate
            if self._ending.wait(max(0.0, room_in_s)):
                break
            # 3. Take it.
            played = max(0.0, (time.monotonic_ns() - starts_ns) * 1e-9 * self._rate)
            leaves_us = starts_ns * 1e-3 + taken / self._rate * 1e6
            sound = render(FrameRequest(BLOCK_FRAMES, taken, leaves_us, self._run))
            audio.write((np.clip(sound, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
            taken += BLOCK_FRAMES
        ended = taken if reason == "xrun" else min(taken, max(0, int(played)))
        self._note(f"end,{base + ended},{starts_ns + round(ended / self._rate * 1e9)},{reason}")
        return reason

    def _note(self, row: str) -> None:
        with (self._directory / "segments.csv").open("a") as segments:
            segments.write(row + "\n")
