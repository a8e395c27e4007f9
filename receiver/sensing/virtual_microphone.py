"""A microphone for machines without a card."""

import threading
from pathlib import Path

import numpy as np

from receiver.playout.cues import RATE, Samples
from receiver.sensing.microphone import Capture
from receiver.timing.local_clock import local_us


class VirtualMicrophone:
    """Listens to what a virtual speaker records (`receiver.output.virtual_speaker`); where none records it is silent.

    For machines without a card, and for trying: `--listen virtual:DIR` with the speaker's own directory hears it, with
    another's hears another.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def record(self, seconds: float, ending: threading.Event) -> Capture | None:
        first_us = local_us()
        if ending.wait(seconds):
            return None
        sound, wanted = np.zeros(round(seconds * RATE), np.float32), round(seconds * RATE)
        for base, starts_us, rate in self._segments():
            # Of the file: the frame that left when we began; a crystal that is off is heard so.
            at = base + round((first_us - starts_us) * rate / 1e6)
            skipped = max(0, base - at)
            samples = self._read(at + skipped, wanted - skipped)
            sound[skipped : skipped + len(samples)] = samples
        return Capture(float(first_us), sound)

    def _segments(self) -> list[tuple[int, float, float]]:
        """The last segment that began: its first frame in the file, when it left, and its true rate."""
        try:
            rows = [row.split(",") for row in (self._directory / "segments.csv").read_text().splitlines()]
        except OSError:
            return []
        starts = [row for row in rows if row[0] == "start"]
        return [(int(row[1]), int(row[2]) / 1e3, float(row[3])) for row in starts[-1:]]

    def _read(self, first: int, frames: int) -> Samples:
        with (self._directory / "audio.raw").open("rb") as audio:
            audio.seek(2 * first)
            content = audio.read(2 * max(0, frames))
        return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32767.0
