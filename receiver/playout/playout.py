"""Playout: the right sample at the right instant of controller time, on a card with a crystal of its own.

For each stretch that the card asks for:
1. the card's clock says when its first frame leaves, station time says which controller instant that is, the path
   delay is added: this is the instant at which the frame is heard;
2. the playhead (the controller instant that will be handed over next) is compared with it and led towards it by
   playing up to 500 ppm faster or slower; when it is too far off, it is put there at once, under a fade;
3. what the cues have for the stretch is read at exactly these places (see `interpolation`).
"""

import logging
import math
import threading
from typing import NamedTuple

import numpy as np

from receiver.output.call_tones import CallTones
from receiver.output.card_clock import CardClock
from receiver.output.speaker import FrameRequest, Speaker
from receiver.output.volume_ramp import VolumeRamp
from receiver.playout.cues import FRAME_US, Cue, Samples, Timeline
from receiver.playout.mixing import close_unused, mix, readers_of
from receiver.playout.playback_failures import FailedCue
from receiver.playout.played import Played, PlayedTally
from receiver.playout.readers import FADE_FRAMES, FIRST_CHUNKS, CueReader, key_of, reader_at
from receiver.timing.local_clock import local_us
from receiver.timing.station_time import StationTime
from wire.reports import PlayoutState

log = logging.getLogger(__name__)

#: Steering never changes the pitch by more: a twentieth of what a good ear hears.
MOST_STEERING = 500e-6
#: An error is steered away with this time constant: slow enough that jitter of the estimate is not heard as one.
STEERED_IN_US = 2e6
#: Beyond this the playhead is put right at once: steering would take longer than the second in which we are in step.
REANCHOR_US = 1_000.0
#: Just after the card began, as soon as its clock is known: a hole was heard anyway.
FRESH_REANCHOR_US = 200.0
#: While nothing sounds it costs nothing to be exact.
SILENT_REANCHOR_US = 5.0
#: The feeder looks this often, and asks the ladder for so much ahead.
FEED_S = 0.1
#: What is left of the most that a stretch was taken ahead, at the next one: half of it after 28 s.
_AHEAD_KEPT = 0.9995
HORIZON_US = 4_000_000


class NowPlaying(NamedTuple):
    """What is heard now. position_us: from the source's first sample."""

    cue: Cue
    position_us: int


class _Head(NamedTuple):
    """The playhead: `epoch_us` + `at_us`, so that no digit of a UTC instant is lost."""

    epoch_us: int
    at_us: float

    @property
    def instant_us(self) -> float:
        return self.epoch_us + self.at_us


class Playout:
    """Plays a timeline on a speaker. `start` and `close` are mirrored; all else may be called from any thread."""

    def __init__(self, speaker: Speaker, station: StationTime) -> None:
        self._speaker, self._station = speaker, station
        self._card, self.calls = CardClock(), CallTones()
        self._timeline: Timeline | None = None
        self._readers: tuple[CueReader, ...] = ()
        self._wake, self._ending = threading.Event(), threading.Event()
        self._feeder: threading.Thread | None = None
        self._path_us = 0.0
        self._volume = VolumeRamp()
        self._head: _Head | None = None
        self._step_us = FRAME_US
        self._mixed: tuple[CueReader, ...] = ()  # what the last stretch was mixed from
        self._error_us = 0.0
        self._tally = PlayedTally()
        self._reanchors = 0
        self._taken_ahead_us = 0.0

    # What the agent says

    def start(self) -> None:
        """Open the speaker and play what the timeline has. Raises SpeakerFailed."""
        self._ending.clear()
        self._speaker.open(self._render)
        self._feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
        self._feeder.start()

    def close(self) -> None:
        """Stop, at once. Closing what is closed does nothing."""
        feeder, self._feeder = self._feeder, None
        if feeder is None:
            return
        self._ending.set()
        self._wake.set()
        feeder.join()
        self._speaker.close()
        for reader in self._readers:
            reader.buffer.close()
        self._readers = ()

    def set_timeline(self, timeline: Timeline | None) -> None:
        """What to play from now on; None is silence."""
        self._timeline = timeline
        self.wake()

    def wake(self) -> None:
        """The timeline may have changed: look at once."""
        self._wake.set()

    def set_volume(self, percent: int) -> None:
        """0 to 100; ramped. 50 is a quarter of the amplitude, about half as loud."""
        self._volume.set(percent)

    def set_path_delay(self, delay_us: float) -> None:
        """From the card's output to the horn. Moved while playing, the sound goes over with a fade."""
        self._path_us = float(delay_us)

    # What the agent asks

    def now_playing(self) -> NowPlaying | None:
        """What is heard at this instant."""
        if not self._station.locked:
            return None
        now_us = self._station.to_controller_us(local_us()) + self._path_us
        for reader in self._readers:
            if reader.cue.sounds_from_us <= now_us < reader.cue.until_us:
                return NowPlaying(reader.cue, int(now_us - reader.cue.starts_at_us))
        return None

    def now_broadcast(self) -> str:
        """The broadcast that is heard now, "" for none."""
        sounding = self.now_playing()
        return sounding.cue.broadcast if sounding else ""

    def state(self) -> PlayoutState:
        """As the heartbeat tells it. The errors are those since the last call."""
        errors = self._tally.take_errors()
        return PlayoutState(
            error_p50_us=round(errors.percentile_us(50)),
            error_p99_us=round(errors.percentile_us(99)),
            error_max_us=round(errors.max_us),
            steering_ppm=round((self._step_us / FRAME_US - 1) * 1e6, 2),
            underruns=self._speaker.xruns + self._tally.lacks,
            reanchors=self._reanchors,
            frames_played=round(self._tally.frames),
            taken_ahead_us=round(self._taken_ahead_us),
        )

    def level_dbfs(self) -> float:
        """Of about the last second; −120 is silence."""
        return self._volume.level_dbfs()

    def played(self, broadcast: str) -> Played | None:
        """What was handed to the card of a broadcast, growing while it sounds; None when nothing was due."""
        return self._tally.of(broadcast)

    def forget(self, broadcast: str) -> None:
        self._tally.forget(broadcast)

    def failures(self) -> dict[str, str]:
        """Why sources among the cues ahead cannot be played, by the cue's key."""
        return {reader.cue.key: reader.buffer.failure for reader in self._readers if reader.buffer.failure}

    def failed_cues(self) -> list[FailedCue]:
        """The same, with how far each can be played."""
        return [
            FailedCue(v.cue, v.cue.starts_at_us + int(v.buffer.readable_until * FRAME_US), v.buffer.failure)
            for v in self._readers
            if v.buffer.failure
        ]

    # The feeder's thread

    def _feed(self) -> None:
        while not self._ending.is_set():
            self._wake.clear()
            try:
                self._prepare()
            except Exception:
                log.exception("the cues ahead could not be prepared")
            self._wake.wait(FEED_S)

    def _prepare(self) -> None:
        timeline, before = self._timeline, self._readers
        if not self._station.locked:
            return
        # What the card has taken already is past: the playhead is ahead of what is heard.
        head = self._head
        from_us = head.instant_us if head else self._station.to_controller_us(local_us()) + self._path_us
        cues = timeline.cues(int(from_us), HORIZON_US) if timeline else []
        after = readers_of(cues, before)
        # What sounds first is given to the card as soon as some of it is there: an alert must not wait for the rest.
        for reader in after[:1]:
            reader.prepare(from_us, FIRST_CHUNKS)
        self._readers = after
        for reader in after:
            reader.prepare(from_us)
        close_unused(before, after)

    # The speaker's thread

    def _render(self, request: FrameRequest) -> Samples:
        try:
            sound = self._sound(request)
        except Exception:
            log.exception("a stretch is silent")
            self._head, sound = None, np.zeros(request.frames, np.float32)
        return self.calls.over(request, sound)

    def _sound(self, request: FrameRequest) -> Samples:
        leaves_us, goes_on = self._card.hear(request)
        if self._card.known:
            # A late call is asked for less ahead: the most counts, falling slowly in case the card is reopened.
            ahead_us = leaves_us + request.frames * FRAME_US - local_us()
            self._taken_ahead_us = max(ahead_us, self._taken_ahead_us * _AHEAD_KEPT)
        if not self._station.locked:
            return np.zeros(request.frames, np.float32)
        target_us = self._station.to_controller_us(leaves_us) + self._path_us
        before, readers = self._head, self._readers
        head, jumped = self._lead(target_us, goes_on)
        sound = self._mix(head, request.frames, readers, count=True)
        was = reader_at(self._mixed, before.instant_us) if before and goes_on else None
        now = reader_at(readers, head.instant_us)
        if (jumped or not goes_on or key_of(was) != key_of(now)) and (was or now):
            self._fade(sound, before if was else None)
        self._mixed = readers
        self._head = head._replace(at_us=head.at_us + request.frames * self._step_us)
        return self._volume.apply(sound)

    def _lead(self, target_us: float, goes_on: bool) -> tuple[_Head, bool]:
        """Where the playhead is for this stretch, how fast it goes, and whether it had to jump there."""
        head = self._head
        jumped = head is None or not goes_on
        if head is not None:
            self._error_us = (target_us - head.epoch_us) - head.at_us
            silent = reader_at(self._mixed + self._readers, head.instant_us) is None
            if abs(self._error_us) > self._bearable_us(silent):
                jumped = True
                self._reanchors += not silent
        if head is None or jumped:
            whole = int(target_us)
            head, self._error_us = _Head(whole, target_us - whole), 0.0
        frame_us = self._card.frame_us * (1 + self._station.drift_ppm * 1e-6)
        steering = frame_us / FRAME_US - 1 + self._error_us / STEERED_IN_US
        self._step_us = FRAME_US * (1 + min(max(steering, -MOST_STEERING), MOST_STEERING))
        return head, jumped

    def _bearable_us(self, silent: bool) -> float:
        """The error that is steered away; beyond it the playhead jumps."""
        if silent:
            return SILENT_REANCHOR_US
        if not self._card.fresh:
            return REANCHOR_US
        return FRESH_REANCHOR_US if self._card.known else math.inf

    def _mix(self, head: _Head, frames: int, readers: tuple[CueReader, ...], *, count: bool = False) -> Samples:
        """What the readers have for the `frames` from the playhead on. count: it is handed to the card."""

        def add(cue: Cue, from_us: float, length_us: float, lacking: bool) -> None:
            self._tally.add(cue, head.epoch_us + from_us, length_us, lacking=lacking, error_us=self._error_us)

        return mix(readers, head.epoch_us, head.at_us, frames, self._step_us, add if count else None)

    def _fade(self, sound: Samples, before: _Head | None) -> None:
        """Fade in what is new; fade out what would have gone on, where it would have."""
        length = min(FADE_FRAMES, len(sound))
        rising = np.linspace(0.0, 1.0, length, dtype=np.float32)
        sound[:length] *= rising
        if before is not None:
            sound[:length] += self._mix(before, length, self._mixed) * (1 - rising)
