"""The recording of the virtual card: what was handed over, and when it left."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from receiver.output.speaker import FrameRequest, SpeakerFailed
from receiver.output.virtual_speaker import VirtualSpeaker
from receiver.playout.cues import RATE, Samples


class Ramp:
    def __init__(self) -> None:
        self.enough = threading.Event()
        self.stall_s = 0.0

    def __call__(self, request: FrameRequest) -> Samples:
        if request.first >= RATE // 2:
            self.enough.set()
        time.sleep(self.stall_s)
        self.stall_s = 0.0
        return (np.arange(request.first, request.first + request.frames) / 1e5).astype(np.float32)


def rows(directory: Path) -> list[list[str]]:
    return [line.split(",") for line in (directory / "segments.csv").read_text().splitlines()]


def test_what_it_plays_is_recorded_with_the_instants(tmp_path: Path) -> None:
    speaker, ramp = VirtualSpeaker(tmp_path / "rec", ppm=-50), Ramp()
    speaker.open(ramp)
    assert ramp.enough.wait(10)
    speaker.close()
    start, end = rows(tmp_path / "rec")[0], rows(tmp_path / "rec")[-1]
    assert start[:2] == ["start", "0"]
    assert float(start[3]) == pytest.approx(RATE * (1 - 50e-6))
    assert start[4:] == ["48000", "1", "2"]
    assert end[0] == "end"
    assert end[3] == "stop"
    raw = np.fromfile(tmp_path / "rec" / "audio.raw", "<i2")
    assert raw[:1000] == pytest.approx(np.arange(1000) / 1e5 * 32767, abs=1)


def test_a_machine_that_stands_still_makes_a_hole_that_is_written_down(tmp_path: Path) -> None:
    speaker, ramp = VirtualSpeaker(tmp_path / "rec", buffer_ms=100), Ramp()
    ramp.stall_s = 0.3
    speaker.open(ramp)
    assert ramp.enough.wait(10)
    speaker.close()
    assert speaker.xruns >= 1
    kinds = [row[0] for row in rows(tmp_path / "rec")]
    assert kinds == ["start", "end"] * (len(kinds) // 2)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpeakerFailed):
        VirtualSpeaker(tmp_path / "file" / "rec").open(Ramp())
