"""Microphone buffer: frames of a browser in, an even stream of 20 ms blocks out.

A frame's age is how much longer it took than the quickest frame of the last minute. What is older than `MOST_AGE_US` is
dropped, so that a stalled link costs a gap and never a delay that stays. Time is passed in; the buffer reads no clock.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from broadcast.live_pacing import SourceFollower
from runtime.refusal import N_, Refusal
from studio.microphone_frames import FRAME_BYTES, FRAME_SAMPLES, FRAME_US

#: Older frames are dropped, unless more is held.
MOST_AGE_US = 300_000
#: How much sound is held before it goes on: at least, and at most after the link has shown that it needs more.
LEAST_DEPTH_US, MOST_DEPTH_US = 40_000, 400_000
#: Beyond the age of the oldest frame that was seen: a block that is being filled, and the session's own lateness.
SPARE_US = 30_000
#: A link on which one in ten frames is older than this is not local: packets are lost there, and what waits for one to
#: be sent again comes 150 to 200 ms late (measured with 100 ms round trips). So much is held before that happens.
LOCAL_AGE_US, FAR_DEPTH_US = 25_000, 240_000
#: The need is judged by this many of the latest frames, a minute; not by fewer than the second number, and not by the
#: first ones, which say how a browser starts its microphone.
SEEN_FRAMES, LEAST_SEEN, FIRST_FRAMES = 3000, 25, 25
#: A link that has needed no more for so long is given less.
SHRINK_EVERY_US = 30_000_000
#: Sound above the depth is taken out where it is quiet, or after so many looks at it anywhere.
LOOK_EVERY_US, MOST_LOOKS = 1_000_000, 5
#: Amplitude of 16 bits below which a block is quiet: −40 dB.
QUIET = 327
#: The quickest frame counts for one to two of these windows.
WINDOW_US = 30_000_000
#: Frames beyond real time that a stalled link may deliver at once; more is not a microphone.
MOST_AHEAD = 750
#: Of a gap so many frames are replaced by silence in their place; behind a longer one the sound begins again.
LONGEST_FILL = 25


class MicrophoneCounts(NamedTuple):
    """Frames. late: dropped here. lost: never sent, or lost on the way. gaps: times that the buffer ran empty."""

    taken: int = 0
    late: int = 0
    lost: int = 0
    gaps: int = 0


class MicrophoneBuffer:
    """Not thread-safe: its caller holds a lock. new_follower: replaced in tests."""

    def __init__(
        self, new_follower: Callable[[int], SourceFollower] = lambda now_us: SourceFollower(now_us, 0)
    ) -> None:
        self.counts = MicrophoneCounts()
        #: Of the newest frame.
        self.age_us = 0
        self.depth_us = LEAST_DEPTH_US
        self._new_follower = new_follower
        self._follower: SourceFollower | None = None
        self._blocks: deque[bytes] = deque()
        self._rest = b""
        self._primed = False
        self._last_number = -1
        self._missing = 0  # frames since the last that was taken
        self._credit = float(MOST_AHEAD)
        self._credit_us: int | None = None
        self._transits_us: deque[int] = deque(maxlen=SEEN_FRAMES)
        self._first_frames = FIRST_FRAMES
        self._quickest_us: list[int] = []  # of the window before and of this one
        self._window_ends_us = 0
        self._last_block = bytes(FRAME_BYTES)
        self._shrink_at_us = 0
        self._fade_in = True
        self._least_held_us, self._look_at_us, self._looks = 0, 0, 0
        self._too_many = 0  # blocks above the depth

    @property
    def held_us(self) -> int:
        """Length of the sound that waits to be taken."""
        return len(self._blocks) * FRAME_US

    def put(self, number: int, captured_us: int, pcm: bytes, now_us: int) -> bool:
        """Take a frame; False when it was dropped as late. Raises Refusal: its number came before; too many."""
        if number <= self._last_number:
            raise Refusal(N_("The browser sent the same sound twice. Reload the page and start again."))
        self._spend_credit(now_us)
        missing = number - self._last_number - 1 if self._last_number >= 0 else 0
        self._last_number = number
        self._missing += missing
        self.counts = self.counts._replace(lost=self.counts.lost + missing)
        self.age_us = self._age_us(captured_us, now_us)
        if self.age_us > max(MOST_AGE_US, self.depth_us):
            self._missing += 1
            self.counts = self.counts._replace(late=self.counts.late + 1)
            return False
        self.counts = self.counts._replace(taken=self.counts.taken + 1)
        if self._primed and self._missing <= LONGEST_FILL:
            for _ in range(self._missing):
                self._follow(bytes(FRAME_BYTES), now_us)
        self._fade_in |= self._missing > 0
        self._missing = 0
        if self._fade_in:
            pcm, self._fade_in = _faded(pcm, 0, 1), False
        self._follow(pcm, now_us)
        self._limit_depth()
        return True

    def take(self, now_us: int) -> bytes | None:
        """The next 20 ms; None while there is nothing (the caller sends silence). The first of a gap fades out."""
        if not self._primed:
            if not self._blocks or self.held_us < self.depth_us:
                return None
            self._primed, self._shrink_at_us = True, now_us + SHRINK_EVERY_US
            self._look_at_us, self._least_held_us, self._looks = now_us + LOOK_EVERY_US, self.held_us, 0
        if self._blocks:
            self._drop_excess(now_us)
            if now_us >= self._shrink_at_us:
                self._shrink_at_us = now_us + SHRINK_EVERY_US
                self.depth_us = max(min(self._needed_us(), self.depth_us), self.depth_us - FRAME_US)
            self._last_block = self._blocks.popleft()
            return self._last_block
        self.counts = self.counts._replace(gaps=self.counts.gaps + 1)
        self.depth_us = min(MOST_DEPTH_US, self.depth_us + self.depth_us // 2 // FRAME_US * FRAME_US)
        self._begin_again()
        # The last block backwards continues its waveform without a step.
        return _faded(np.frombuffer(self._last_block, "<i2")[::-1].tobytes(), 1, 0)

    def begin(self) -> None:
        """What came so far was not wanted; from now on it is. It has shown how the link is."""
        self.counts = MicrophoneCounts()
        self.depth_us = max(self.depth_us, self._needed_us())
        self._begin_again()
        self._blocks.clear()

    def reconnected(self) -> None:
        """Another connection of the same browser: its clock may be another one."""
        self._quickest_us, self._window_ends_us = [], 0
        self._transits_us.clear()
        self._first_frames = FIRST_FRAMES
        self._begin_again()
        self._blocks.clear()

    def _begin_again(self) -> None:
        self._primed, self._follower, self._rest, self._fade_in = False, None, b"", True

    def _spend_credit(self, now_us: int) -> None:
        if self._credit_us is not None:
            self._credit = min(MOST_AHEAD, self._credit + max(0, now_us - self._credit_us) / FRAME_US)
        self._credit_us = now_us
        self._credit -= 1
        if self._credit < 0:
            raise Refusal(N_("The browser sends more sound than a microphone can make. Reload the page."))

    def _age_us(self, captured_us: int, now_us: int) -> int:
        transit_us = now_us - captured_us
        if self._first_frames:
            self._first_frames -= 1
        else:
            self._transits_us.append(transit_us)
        if not self._quickest_us or now_us >= self._window_ends_us:
            self._quickest_us = [*self._quickest_us[-1:], transit_us]
            self._window_ends_us = now_us + WINDOW_US
        self._quickest_us[-1] = min(self._quickest_us[-1], transit_us)
        return transit_us - min(self._quickest_us)

    def _needed_us(self) -> int:
        """The depth with which no frame seen lately would have come too late, in whole frames."""
        ages_us = np.sort(np.array(self._transits_us, np.int64))
        if len(ages_us) < LEAST_SEEN:
            return LEAST_DEPTH_US
        ages_us -= ages_us[0]
        is_local = ages_us[len(ages_us) * 9 // 10] <= LOCAL_AGE_US
        oldest_us = int(ages_us[ages_us <= MOST_DEPTH_US][-1])  # what is older would not be waited for
        needed_us = -(-(oldest_us + SPARE_US) // FRAME_US) * FRAME_US
        return min(MOST_DEPTH_US, max(LEAST_DEPTH_US if is_local else FAR_DEPTH_US, needed_us))

    def _follow(self, pcm: bytes, now_us: int) -> None:
        if self._follower is None:
            self._follower = self._new_follower(now_us)
        self._rest += self._follower.take(pcm, now_us)
        while len(self._rest) >= FRAME_BYTES:
            self._blocks.append(self._rest[:FRAME_BYTES])
            self._rest = self._rest[FRAME_BYTES:]

    def _drop_excess(self, now_us: int) -> None:
        """A burst leaves the buffer fuller than the link needs: that delay is given back where nobody hears it."""
        self._least_held_us = min(self._least_held_us, self.held_us)
        if now_us >= self._look_at_us:
            self._too_many = max(0, self._least_held_us - self.depth_us - FRAME_US // 2) // FRAME_US
            self._looks = self._looks + 1 if self._too_many else 0
            self._look_at_us, self._least_held_us = now_us + LOOK_EVERY_US, self.held_us
        if self._too_many and len(self._blocks) > 1:
            quiet = int(np.abs(np.frombuffer(self._blocks[0], "<i2").astype(np.int32)).max()) < QUIET
            if quiet or self._looks > MOST_LOOKS:
                self._too_many -= 1
                self._blocks.popleft()
                self.counts = self.counts._replace(late=self.counts.late + 1, taken=self.counts.taken - 1)

    def _limit_depth(self) -> None:
        """After a burst the oldest go, down to the depth."""
        if self.held_us <= self.depth_us + MOST_AGE_US:
            return
        while self.held_us > self.depth_us:
            self._blocks.popleft()
            self.counts = self.counts._replace(late=self.counts.late + 1, taken=self.counts.taken - 1)
        self._blocks[0] = _faded(self._blocks[0], 0, 1)


def _faded(pcm: bytes, begins: float, ends: float) -> bytes:
    samples = np.frombuffer(pcm, "<i2") * np.linspace(begins, ends, FRAME_SAMPLES)
    return bytes(samples.astype("<i2").tobytes())
