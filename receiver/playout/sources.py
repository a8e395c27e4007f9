"""Sources: opened cues, read as mono samples at 48 kHz by sample number. Home of soundfile and soxr.

The playout's feeder reads a source ahead of time, so that the card waits neither for the disk nor for a decoder. Live
sound is read when the card asks.
"""

import logging
from functools import cache
from typing import Protocol

import numpy as np
import soundfile
import soxr

from receiver.playout.cues import (
    RATE,
    ChimeSpec,
    ClickSpec,
    ClipSpec,
    LiveSound,
    LiveSpec,
    Samples,
    SourceSpec,
    ToneSpec,
)
from wire.commands import ToneSound
from wire.sweeps import sweep

log = logging.getLogger(__name__)

#: 5 ms of a decaying 2 kHz: heard as a click on a horn, found to a sample by correlation.
CLICK_FRAMES = 240
#: soundfile seeks after each read, and libsndfile's MP3 is silent or wrong for up to 4,300 samples after a seek: this
#: much is read before what is wanted, in the same call.
MP3_PRE_ROLL_FRAMES = 6_000
#: Frames of resampled sound thrown away before a jump lands, for the filter to fill.
SETTLE_FRAMES = 2_400
#: Live sound kept behind what was read last: the interpolation looks back a little, and a re-anchor goes back a few ms.
LIVE_KEPT_FRAMES = 4_800
#: Louder than any recording decodes to: a damaged MP3 decodes to loud noise.
LOUDEST = 2.0
_CHIME_NOTES_HZ = (523, 659, 784, 1047)
_NOTE_FRAMES = RATE * 38 // 100
#: The length of the receiver's own chime.
CHIME_FRAMES = 3 * _NOTE_FRAMES + RATE * 14 // 10


class SourceFailed(Exception):
    """A source could not be opened or read: the message says which and why."""


class Source(Protocol):
    """An opened source. One thread at a time."""

    def read(self, first: int, frames: int) -> Samples:
        """Samples first … first + frames; silence before the beginning and after the end. Raises SourceFailed."""
        ...

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        ...


def open_source(spec: SourceSpec) -> Source:
    """Open what a cue names. Raises SourceFailed."""
    match spec:
        case ClipSpec():
            return ClipSource(spec)
        case ToneSpec():
            return ToneSource(spec)
        case ClickSpec():
            return ClickSource(spec)
        case ChimeSpec():
            return ChimeSource(spec)
        case LiveSpec():
            return DecodedLiveSource(spec.sound)


class ClipSource:
    """A file that libsndfile reads (Ogg Opus, MP3, WAV, FLAC): mixed to mono, resampled when its rate is not 48 kHz."""

    def __init__(self, spec: ClipSpec) -> None:
        """Raises SourceFailed when the file cannot be read."""
        self._name = spec.path.name
        try:
            self._file = soundfile.SoundFile(spec.path)
        except (soundfile.SoundFileError, OSError) as failure:
            raise SourceFailed(f"{self._name}: {failure}") from failure
        self._rate: int = self._file.samplerate
        self._pre_roll = MP3_PRE_ROLL_FRAMES if self._file.format in ("MP3", "MPEG") else 0
        self._at = 0  # of the file, at its own rate
        self._resampler: soxr.ResampleStream | None = None
        self._ready = np.zeros(0, np.float32)  # resampled, not yet handed over
        self._next = 0  # the sample (48 kHz) that `_ready` begins with

    @property
    def frames(self) -> int:
        """Its length at 48 kHz, as its header says."""
        return int(self._file.frames) * RATE // self._rate

    def read(self, first: int, frames: int) -> Samples:
        """See `Source`. Reading on is cheap; a jump seeks."""
        lead = min(frames, max(0, -first))
        if lead:
            return np.concatenate([np.zeros(lead, np.float32), self.read(0, frames - lead)])
        try:
            return self._native(first, frames) if self._rate == RATE else self._resampled(first, frames)
        except (soundfile.SoundFileError, OSError) as failure:
            raise SourceFailed(f"{self._name}: {failure}") from failure

    def close(self) -> None:
        self._file.close()

    def _native(self, first: int, frames: int) -> Samples:
        if first >= self._file.frames:
            return np.zeros(frames, np.float32)
        self._at = first
        return _padded(self._mono(frames), frames)

    def _resampled(self, first: int, frames: int) -> Samples:
        if self._resampler is None or first < self._next or first > self._next + len(self._ready) + RATE:
            begin = max(0, first - SETTLE_FRAMES) * self._rate // RATE
            # The rates' least common grid: a second of either is whole in both, so that no fraction is left over.
            begin = begin // self._rate * self._rate
            self._at = min(begin, self._file.frames)
            self._resampler = soxr.ResampleStream(self._rate, RATE, 1, dtype="float32")
            self._ready, self._next = np.zeros(0, np.float32), begin // self._rate * RATE
        ended = False
        while not ended and self._next + len(self._ready) < first + frames:
            piece = self._mono(self._rate // 4)
            ended = len(piece) < self._rate // 4
            self._ready = np.concatenate([self._ready, self._resampler.resample_chunk(piece, last=ended)])
        sound = self._ready[first - self._next : first - self._next + frames]
        self._ready, self._next = self._ready[first - self._next :], first
        return _padded(sound, frames)

    def _mono(self, frames: int) -> Samples:
        """The next frames of the file, fewer at its end."""
        before = min(self._at, self._pre_roll)
        if self._file.tell() != self._at - before:
            self._file.seek(self._at - before)
        block: Samples = self._file.read(before + frames, dtype="float32", always_2d=True)[before:]
        if len(block) < frames and self._at + len(block) < self._file.frames:
            raise SourceFailed(f"{self._name}: {len(block)} of {frames} frames came")
        # Not `>=`: NaN must fail too.
        if len(block) and not np.abs(block).max() < LOUDEST:
            raise SourceFailed(f"{self._name}: noise instead of sound")
        self._at += len(block)
        return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)


class ToneSource:
    """A steady tone, the same at the same sample whenever it is asked."""

    def __init__(self, spec: ToneSpec) -> None:
        self._spec = spec

    def read(self, first: int, frames: int) -> Samples:
        """See `Source`. Swells in over 50 ms."""
        at = np.arange(first, first + frames, dtype=np.float64)
        swell = np.clip(at / (RATE * 0.05), 0.0, 1.0)
        tone = np.sin(at * (2 * np.pi * self._spec.frequency_hz / RATE))
        return (self._spec.level * swell * tone).astype(np.float32)

    def close(self) -> None:
        pass


class ClickSource:
    """Clicks or sweeps, the first at sample 0."""

    def __init__(self, spec: ClickSpec) -> None:
        self._spec = spec
        self._click = (spec.level * _shape(spec.sound)).astype(np.float32)

    def read(self, first: int, frames: int) -> Samples:
        long = len(self._click)
        sound = np.zeros(frames + 2 * long, np.float32)  # a click's length to spare at both ends
        period = self._spec.period_us * RATE / 1_000_000
        number = max(0, int((first - long) / period))
        while number < self._spec.clicks and (at := round(number * period)) < first + frames:
            place = at - first + long
            if place >= 0:
                sound[place : place + long] += self._click[: len(sound) - place]
            number += 1
        return sound[long : long + frames]

    def close(self) -> None:
        pass


def click_us(sound: ToneSound) -> int:
    """How long one of them lasts, rounded up."""
    return -(-len(_shape(sound)) * 1_000_000 // RATE)


@cache
def _shape(sound: ToneSound) -> Samples:
    if sound is not ToneSound.CLICK:
        return np.array(sweep(sound is ToneSound.RISING), np.float32)
    at = np.arange(CLICK_FRAMES)
    click: Samples = (np.exp(-at / 40.0) * np.sin(2 * np.pi * 2_000 / RATE * at)).astype(np.float32)
    return click


class ChimeSource:
    """C E G C′, each note ringing on under the next."""

    def __init__(self, spec: ChimeSpec) -> None:
        self._sound = np.zeros(CHIME_FRAMES, np.float32)
        for place, hertz in enumerate(_CHIME_NOTES_HZ):
            begin = place * _NOTE_FRAMES
            at = np.arange(CHIME_FRAMES - begin) / RATE
            ring = np.minimum(at / 0.008, 1.0) * np.exp(-at * 3.0) * np.sin(2 * np.pi * hertz * at)
            self._sound[begin:] += (spec.level * ring).astype(np.float32)

    def read(self, first: int, frames: int) -> Samples:
        begin, end = min(max(first, 0), CHIME_FRAMES), min(max(first + frames, 0), CHIME_FRAMES)
        sound = np.zeros(frames, np.float32)
        sound[begin - first : end - first] = self._sound[begin:end]
        return sound

    def close(self) -> None:
        pass


class DecodedLiveSource:
    """Live sound, read in order only: overlapping reads are served from what was read before."""

    def __init__(self, sound: LiveSound) -> None:
        self._sound = sound
        self._first = 0
        self._kept = np.zeros(0, np.float32)

    def read(self, first: int, frames: int) -> Samples:
        end = self._first + len(self._kept)
        if not self._first <= first <= end:
            self._first, self._kept, end = first, np.zeros(0, np.float32), first
        if first + frames > end:
            more = self._sound.read(end, first + frames - end)
            self._kept = np.concatenate([self._kept, more])
        sound = self._kept[first - self._first : first - self._first + frames]
        surplus = len(self._kept) - frames - LIVE_KEPT_FRAMES
        if surplus > 0:
            self._kept, self._first = self._kept[surplus:], self._first + surplus
        return sound

    def close(self) -> None:
        """The stream belongs to another."""


def _padded(sound: Samples, frames: int) -> Samples:
    if len(sound) == frames:
        return sound
    return np.concatenate([sound, np.zeros(frames - len(sound), np.float32)])
