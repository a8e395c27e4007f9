"""When each piece of live audio is sent: a file is paced to real time, a sound card or pipe is followed."""

from collections.abc import Callable, Iterable

import numpy as np
import soxr

from broadcast.live import LiveSender
from runtime.clock import Clock
from wire.live import RATE

#: How far a source's crystal may be off that is still followed: consumer sound cards stay within ±100 ppm.
MOST_PPM = 300.0
#: Only the earliest arrival in a window counts; later ones were delayed on the way.
WINDOW_S = 2.0
#: An error is corrected over this time: the pitch changes inaudibly (1 ms in 20 s is 50 ppm).
SETTLE_S = 20.0


class VariableRate:
    """Resamples mono 48 kHz S16_LE by a ratio near 1, which may change at any time."""

    def __init__(self) -> None:
        self._stream = soxr.ResampleStream(RATE, RATE * (1 + MOST_PPM * 2e-6), 1, dtype="int16", vr=True)
        self._stream.set_io_ratio(RATE, RATE, 0)

    def set_ppm(self, ppm: float) -> None:
        """By how much fewer samples come out than are given. It is reached within 0.1 s."""
        self._stream.set_io_ratio(RATE * (1 + ppm * 1e-6), RATE, RATE // 10)

    def take(self, pcm: bytes) -> bytes:
        """What comes out now; the filter keeps some milliseconds."""
        samples = np.frombuffer(pcm, "<i2")
        return bytes(np.asarray(self._stream.resample_chunk(samples)).astype("<i2").tobytes())


class SourceFollower:
    """Tracks the rate of a source with its own crystal and resamples it to controller time."""

    def __init__(self, starts_at_us: int, buffer_us: int) -> None:
        """starts_at_us: controller time of sample 0. buffer_us: intended time between arrival and playback."""
        self.ppm = 0.0
        self._starts_at_us = starts_at_us
        self._buffer_us = buffer_us
        self._rate = VariableRate()
        self._samples_out = 0.0
        self._best_slack_us = -np.inf
        self._window_ends_us = 0
        self._wanted_slack_us: float | None = None
        self._rate_ppm = 0.0  # estimated deviation of the source's crystal

    def take(self, pcm: bytes, now_us: int) -> bytes:
        """Resample audio (mono S16_LE) that arrived at controller time now_us to the controller's rate."""
        self._samples_out += len(pcm) // 2 / (1 + self.ppm * 1e-6)
        self._watch(self._starts_at_us + self._samples_out * 1e6 / RATE - now_us - self._buffer_us, now_us)
        return self._rate.take(pcm)

    def slack_us(self, now_us: int) -> float:
        """How long before playback the next sample would be sent, minus the intended buffer. Far below 0: too late."""
        return self._starts_at_us + self._samples_out * 1e6 / RATE - now_us - self._buffer_us

    def _watch(self, slack_us: float, now_us: int) -> None:
        """A fast source accumulates audio: slack grows, so fewer samples are output."""
        if self._window_ends_us == 0:
            self._window_ends_us = now_us + int(WINDOW_S * 1e6)
        self._best_slack_us = max(self._best_slack_us, slack_us)
        if now_us < self._window_ends_us:
            return
        if self._wanted_slack_us is None:
            self._wanted_slack_us = self._best_slack_us
        error_us = self._best_slack_us - self._wanted_slack_us
        # Proportional and integral, critically damped: the gains follow from SETTLE_S alone.
        self._rate_ppm += error_us * WINDOW_S / SETTLE_S**2
        self.ppm = float(np.clip(self._rate_ppm + 2 * error_us / SETTLE_S, -MOST_PPM, MOST_PPM))
        self._rate_ppm = float(np.clip(self._rate_ppm, -MOST_PPM, MOST_PPM))
        self._rate.set_ppm(self.ppm)
        self._best_slack_us, self._window_ends_us = -np.inf, now_us + int(WINDOW_S * 1e6)


def send_paced(
    pieces: Iterable[bytes], sender: LiveSender, clock: Clock, wait_s: Callable[[float], bool], buffer_us: int
) -> None:
    """Send audio that is available at once (a file), each piece `buffer_us` before its playback.

    wait_s: waits this many seconds; True to stop (as threading.Event.wait).
    """
    for piece in pieces:
        due_us = sender.starts_at_us + sender.samples * 1_000_000 // RATE - buffer_us
        while (ahead_us := due_us - clock.now_us()) > 0:
            if wait_s(min(ahead_us / 1e6, 0.5)):
                return
        sender.send(piece)
    sender.finish()


def send_followed(
    pieces: Iterable[bytes],
    new_sender: Callable[[int], LiveSender],
    clock: Clock,
    ended: Callable[[], bool],
    buffer_us: int,
    not_before_us: int,
) -> None:
    """Send audio that arrives at its own rate (a card, a pipe), `buffer_us` before its playback.

    new_sender: opens a stream whose sample 0 plays at the given controller time. A source that paused for longer than
    half the buffer continues on a new stream. not_before_us: the broadcast's start.
    """
    sender: LiveSender | None = None
    follower: SourceFollower | None = None
    for piece in pieces:
        now_us = clock.now_us()
        if follower is not None and follower.slack_us(now_us) < -buffer_us / 2:
            sender = follower = None  # its buffered audio would arrive too late
        if sender is None or follower is None:
            starts_at_us = max(not_before_us, now_us + buffer_us)
            sender = new_sender(starts_at_us)
            follower = SourceFollower(starts_at_us, starts_at_us - now_us)
        sender.send(follower.take(piece, now_us))
        if ended():
            break
    if sender is not None:
        sender.finish()
