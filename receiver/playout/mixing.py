"""Mixing: what a stretch of controller time sounds like. The same for a sound card and for listening ahead of time."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from receiver.playout.cues import FRAME_US, RATE, Cue, Samples, Timeline
from receiver.playout.interpolation import interpolate, span
from receiver.playout.readers import CueReader, edged

#: Receives each part that sounds: its cue, its start (µs since the epoch), its length (µs), whether it was not there.
OnPart = Callable[[Cue, float, float, bool], None]
#: Listening ahead of time reads this much at once.
_STRETCH_FRAMES = RATE // 2
_HORIZON_US = 2_000_000


def mix(
    readers: Sequence[CueReader],
    epoch_us: int,
    at_us: float,
    frames: int,
    step_us: float,
    on_part: OnPart | None = None,
) -> Samples:
    """The `frames` samples from `epoch_us` + `at_us` (controller time) on, one each `step_us`."""
    sound = np.zeros(frames, np.float32)
    for reader in readers:
        cue = reader.cue
        start = math.ceil((cue.sounds_from_us - epoch_us - at_us) / step_us)
        end = math.ceil((cue.until_us - epoch_us - at_us) / step_us)
        start, end = max(0, start), min(frames, end)
        if start >= end:
            continue
        from_us = at_us + start * step_us
        place, speed = (from_us - (cue.starts_at_us - epoch_us)) / FRAME_US, step_us / FRAME_US
        read = reader.buffer.read(*span(place, speed, end - start))
        if read is not None:
            piece = interpolate(read, place, speed, end - start)
            sound[start:end] = edged(piece, cue, epoch_us, from_us, step_us) * np.float32(cue.gain)
        if on_part is not None:
            on_part(cue, from_us, (end - start) * step_us, read is None)
    return sound


def readers_of(cues: Sequence[Cue], before: Sequence[CueReader]) -> tuple[CueReader, ...]:
    """A reader for each cue: the one that has its source open already, or a new one."""
    return tuple(_reader(cue, before) for cue in cues)


def close_unused(before: Sequence[CueReader], after: Sequence[CueReader]) -> None:
    buffers = {id(reader.buffer) for reader in after}
    for reader in before:
        if id(reader.buffer) not in buffers:
            reader.buffer.close()


def rendered(timeline: Timeline, epoch_us: int, first: int, until: int) -> Iterator[Samples]:
    """Samples `first` to `until`, counted from `epoch_us` (controller time), as fast as they are taken."""
    readers: tuple[CueReader, ...] = ()
    try:
        for sample in range(first, until, _STRETCH_FRAMES):
            at_us = sample * FRAME_US
            after = readers_of(timeline.cues(epoch_us + int(at_us), _HORIZON_US), readers)
            for reader in after:
                reader.prepare(epoch_us + at_us)
            close_unused(readers, after)
            readers = after
            yield mix(readers, epoch_us, at_us, min(_STRETCH_FRAMES, until - sample), FRAME_US)
    finally:
        close_unused(readers, ())


def _reader(cue: Cue, readers: Sequence[CueReader]) -> CueReader:
    for reader in readers:
        if reader.fits(cue):
            return reader if reader.cue == cue else CueReader(cue, reader.buffer)
    return CueReader(cue)
