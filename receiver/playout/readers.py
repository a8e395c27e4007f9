"""Readers: cues with their sources opened and read ahead, so that the card never waits for disk or decoder."""

import logging

import numpy as np

from receiver.playout.cues import FRAME_US, RATE, Cue, LiveSpec, Samples
from receiver.playout.interpolation import REACH
from receiver.playout.sources import Source, SourceFailed, open_source

log = logging.getLogger(__name__)

#: Half a second is read at a time.
CHUNK_FRAMES = RATE // 2
#: So much is held ahead of what sounds: a slow SD card has hiccups of a second.
AHEAD_CHUNKS = 6
#: Enough to begin with: half a second at least.
FIRST_CHUNKS = 2
BEHIND_CHUNKS = 2
#: Length of the fades at jumps, joins and cuts: 10 ms is no click and no gap.
FADE_FRAMES = 480


class SourceBuffer:
    """A source with what was read of it. `prepare` and `close` are the feeder's, `read` is the speaker thread's."""

    def __init__(self, cue: Cue) -> None:
        """Opens the cue's source; when that fails, `failure` says why, and nothing is ever there to read."""
        self.failure = ""
        #: When it failed: the sample up to which it can be read all the same.
        self.readable_until = 0
        self._name = f"broadcast {cue.broadcast}, item {cue.position}"
        self._chunks: dict[int, Samples] = {}
        self._source: Source | None = None
        self._live = isinstance(cue.source, LiveSpec)
        try:
            self._source = open_source(cue.source)
        except SourceFailed as failure:
            self._fail(failure)

    def prepare(self, first: int, last: int, chunks: int = AHEAD_CHUNKS) -> None:
        """Read so many chunks ahead of sample `first`, not beyond `last`, and forget what is well behind."""
        if self._source is None or self._live:
            return
        chunk = first // CHUNK_FRAMES
        for number in range(chunk, min(chunk + chunks, last // CHUNK_FRAMES) + 1):
            if number not in self._chunks:
                try:
                    self._chunks[number] = self._chunk(number, last)
                except SourceFailed as failure:
                    # The interpolation reads a little beyond what sounds.
                    self.readable_until = max(0, number * CHUNK_FRAMES - REACH - 2)
                    self._fail(failure)
                    return
        for number in [number for number in self._chunks if number < chunk - BEHIND_CHUNKS]:
            del self._chunks[number]

    def read(self, first: int, frames: int) -> Samples | None:
        """Samples of the source; None when they are not there."""
        if self._live and self._source is not None:
            return self._source.read(first, frames)
        number, at = divmod(first, CHUNK_FRAMES)
        chunk = self._chunks.get(number)
        if chunk is None:
            return None
        if at + frames <= CHUNK_FRAMES:
            return chunk[at : at + frames]
        rest = self.read((number + 1) * CHUNK_FRAMES, frames - (CHUNK_FRAMES - at))
        return None if rest is None else np.concatenate([chunk[at:], rest])

    def close(self) -> None:
        """Let go of the file; what was read stays readable for the fade."""
        if self._source is not None and not self._live:
            self._source.close()
            self._source = None

    def _chunk(self, number: int, last: int) -> Samples:
        if self._source is None:
            raise SourceFailed("closed")
        ends = getattr(self._source, "frames", None)
        if ends is not None and last > ends + CHUNK_FRAMES and number * CHUNK_FRAMES >= ends:
            raise SourceFailed(f"it ends after {ends / RATE:.1f} s of {last / RATE:.1f}")
        return self._source.read(number * CHUNK_FRAMES, CHUNK_FRAMES)

    def _fail(self, failure: SourceFailed) -> None:
        self.failure = str(failure)
        self.close()
        log.error("%s cannot be played: %s", self._name, failure)


class CueReader:
    """A cue and what reads its source. Never changed: a cue that was cut short is another reader on the same buffer."""

    def __init__(self, cue: Cue, buffer: SourceBuffer | None = None) -> None:
        self.cue = cue
        self.buffer = buffer or SourceBuffer(cue)

    def fits(self, cue: Cue) -> bool:
        """Whether a cue goes on with this one's sound."""
        mine = self.cue
        return (mine.key, mine.source, mine.starts_at_us) == (cue.key, cue.source, cue.starts_at_us)

    def prepare(self, from_us: float, chunks: int = AHEAD_CHUNKS) -> None:
        """Read so many chunks ahead of this instant, controller time."""
        since_us = max(from_us, self.cue.sounds_from_us) - self.cue.starts_at_us
        until_us = self.cue.until_us - self.cue.starts_at_us
        self.buffer.prepare(int(since_us / FRAME_US) - REACH, int(until_us / FRAME_US) + REACH + 1, chunks)


def reader_at(readers: tuple[CueReader, ...], controller_us: float) -> CueReader | None:
    """What sounds at an instant."""
    for reader in readers:
        if reader.cue.sounds_from_us <= controller_us < reader.cue.until_us:
            return reader
    return None


def key_of(reader: CueReader | None) -> str:
    """The key of a reader; "" of silence."""
    return reader.cue.key if reader else ""


def edged(piece: Samples, cue: Cue, epoch_us: int, from_us: float, step_us: float) -> Samples:
    """A cue that begins or ends within its source does so under a fade.

    piece: what sounds from `from_us` (since `epoch_us`, controller time) on, one sample each `step_us`.
    """
    fade_us = FADE_FRAMES * FRAME_US
    since_us = from_us - (cue.sounds_from_us - epoch_us)
    left_us = (cue.until_us - epoch_us) - from_us
    joins = cue.sounds_from_us > cue.starts_at_us and since_us < fade_us
    if not joins and left_us - len(piece) * step_us > fade_us:
        return piece
    at_us = np.arange(len(piece)) * step_us
    edge = np.minimum(1.0, (left_us - at_us) / fade_us)
    if joins:
        edge = np.minimum(edge, (since_us + at_us) / fade_us)
    shaped: Samples = (piece * np.clip(edge, 0.0, 1.0)).astype(np.float32)
    return shaped
