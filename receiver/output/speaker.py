"""A speaker: takes samples at the rate of its crystal and says when each leaves it.

Contract, held by the sound card, the virtual card and the fake alike (tests/contracts/test_speaker.py):
`render` is called from the speaker's thread, never concurrently, for consecutive blocks of frames; it must return
quickly. Frames leave in order, without a gap, as long as `xruns` does not grow. The instant said for a stretch is at or
after the call.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from receiver.playout.cues import Samples


class FrameRequest(NamedTuple):
    """Frames the speaker asks for.

    frames: how many. first: the number of the first, counted without a gap since the speaker started; it starts
    again with 0, and `run` grows, when the card stopped or was reopened. leaves_local_us: local monotonic clock,
    µs, at which the first leaves the speaker's output, as well as the card can tell (USB cards: up to 1 ms late).
    ahead_us: how much of that instant was counted in frames of 1/48000 s, whatever the card's crystal does.
    """

    frames: int
    first: int
    leaves_local_us: float
    run: int = 0
    ahead_us: float = 0.0


#: Gives exactly `request.frames` mono samples at 48 kHz; what lies beyond −1 to 1 is clipped.
Render = Callable[[FrameRequest], Samples]


class SpeakerFailed(Exception):
    """The speaker could not be opened: the message says which and why."""


class Speaker(Protocol):
    """Where the sound goes. Opened once, closed once; after close it may be opened again."""

    @property
    def xruns(self) -> int:
        """How often it ran dry since it was made: each is a hole in the sound."""
        ...

    @property
    def running(self) -> bool:
        """Whether it takes frames now. False before open, after close, and while a card is lost."""
        ...

    def open(self, render: Render) -> None:
        """Start taking frames. Raises SpeakerFailed; RuntimeError when it is open already."""
        ...

    def close(self) -> None:
        """Stop. `render` is not called any more when it returns. Closing what is closed does nothing."""
        ...
