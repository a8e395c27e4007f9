"""Cues: which part of which source plays from one instant of controller time to another.

The ladder makes them, the playout plays them. All instants are controller time at the horn, µs. A source is named by
a specification: a small value that compares and hashes, so that the playout knows what it has open already.
"""

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from wire.commands import ToneSound

#: Mono samples, one dimension, −1 to 1, 48 kHz.
Samples = NDArray[np.float32]

RATE = 48_000
#: Length of one frame at 48 kHz, µs.
FRAME_US = 1e6 / RATE


class ClipSpec(NamedTuple):
    """A verified file on the shelf. sha256, codec: of its rendition."""

    path: Path
    sha256: str
    codec: str = ""


class ToneSpec(NamedTuple):
    """A soft steady tone that identifies a receiver on site. level: of its peak, 0 to 1."""

    frequency_hz: float = 660.0
    level: float = 0.2


class ClickSpec(NamedTuple):
    """A train of clicks: one at each `period_us` from the source's first sample, `clicks` in all. sound: of each."""

    clicks: int
    period_us: int = 1_000_000
    level: float = 0.7
    sound: ToneSound = ToneSound.CLICK


class ChimeSpec(NamedTuple):
    """Four rising notes, the receiver's own fallback. level: of a note's peak, 0 to 1."""

    level: float = 0.2


class LiveSound(Protocol):
    """What the playout needs of a live stream. Called from the playout's threads; never blocks."""

    def read(self, first: int, frames: int) -> Samples:
        """`frames` samples from sample `first` on (from the source's sample 0); gaps are concealed or silent."""
        ...


class LiveSpec(NamedTuple):
    """A live stream. sound: where its samples come from; the same object as long as it is the same stream."""

    sound: LiveSound


SourceSpec = ClipSpec | ToneSpec | ClickSpec | ChimeSpec | LiveSpec


class Cue(NamedTuple):
    """One source playing from one instant to another.

    broadcast: its id; "" for a test tone. key: tells one item of one broadcast from every other (the position in the
    manifest is in it); cues with the same key continue one another. position: of the item in the manifest.
    starts_at_us: when sample 0 of the source sounds, or would have: sample n sounds at starts_at_us + n·1e6/48000.
    from_us, until_us: the stretch that sounds, until excluded; from_us 0 means from starts_at_us on. From within the
    source when joined late or resumed after an emergency.
    gain: 0 to 1, on top of the volume.
    fallback: which `Fallback` plays instead of the item, "" for the item itself.
    """

    broadcast: str
    starts_at_us: int
    until_us: int
    source: SourceSpec
    key: str
    from_us: int = 0
    position: int = 0
    gain: float = 1.0
    fallback: str = ""

    @property
    def sounds_from_us(self) -> int:
        """The first instant that is played."""
        return self.from_us or self.starts_at_us


class Timeline(Protocol):
    """What the playout asks for what to sound: the ladder."""

    def cues(self, controller_us: int, horizon_us: int) -> list[Cue]:
        """The cues of the next `horizon_us` from `controller_us` on, in order, none overlapping.

        The first may have begun before.

        Called ten times a second from the playout's thread. Times between cues are silent.
        """
        ...
