"""Play reports: what was played of each broadcast, saved while it plays and reported once when it is over.

The progress is written to disk every few seconds, so that the report is right after a power cut too.
"""

import logging
from pathlib import Path

import msgspec

from receiver.link.outbox import Outbox, report_header
from receiver.live.live_gaps import LiveGaps
from receiver.live.live_input import LiveInput
from receiver.playout.ladder import closed_intervals, sounding_share
from receiver.playout.playback_failures import PlaybackFailures
from receiver.playout.playout import Playout
from receiver.sensing.output_monitor import OutputMonitor
from receiver.store.atomic_file import keep_whole
from receiver.store.plan import Plan
from wire.broadcasts import BroadcastClass, LiveItem, Manifest
from wire.reports import Fallback, Outcome, PlayReport, SubstitutedItem

log = logging.getLogger(__name__)

#: After the end: what was handed to the card must have left it.
AFTER_END_US = 1_500_000
#: Frames that may be lacking in "all of it": the fades at its ends, and a join a moment after the start.
TOLERATED_FRAMES = 2_400
_KEEP_EVERY_US = 3_000_000


class Progress(msgspec.Struct, kw_only=True):
    """What was played of a broadcast so far, over all runs of this program. Units as in the play report."""

    frames: float = 0.0
    first_frame_at_us: int = 0
    last_frame_at_us: int = 0
    underruns: int = 0
    error_p50_us: float = 0.0
    error_p99_us: float = 0.0
    error_max_us: float = 0.0
    stood_in: dict[int, str] = {}


class PlayReporter:
    """Makes play reports. For one thread."""

    def __init__(
        self,
        folder: Path,
        receiver: str,
        plan: Plan,
        playout: Playout,
        live_input: LiveInput,
        outbox: Outbox,
        failures: PlaybackFailures | None = None,
        monitor: OutputMonitor | None = None,
        *,
        live_gaps: LiveGaps | None = None,
        began_local_us: int = 0,
    ) -> None:
        """began_local_us: when this program began, by the local clock. monitor: None without meters and microphone."""
        self._began_local_us = began_local_us
        self._progress = folder / "progress"
        self._reported_files = folder / "told"
        for place in (self._progress, self._reported_files):
            place.mkdir(parents=True, exist_ok=True)
        self._receiver = receiver
        self._plan = plan
        self._playout = playout
        self._live_input = live_input
        self._outbox = outbox
        self._failures = failures or PlaybackFailures()
        self._live_gaps = live_gaps or LiveGaps(live_input)
        self._monitor = monitor
        self._earlier = {path.stem: self._read(path) for path in self._progress.glob("*.json")}
        self._reported = {path.name for path in self._reported_files.iterdir()}
        self._kept_at_us = 0
        self._began_us: int | None = None  # controller time at which we first knew the time
        self._ran_since_us = 0  # controller time at which this program began

    def step(self, now_us: int, local_us: int, volume_percent: int, fault: str) -> None:
        """Save progress, report broadcasts that are over. now_us: controller time. fault: of the card, "" for none."""
        if self._began_us is None:
            self._began_us = now_us
            self._ran_since_us = now_us - (local_us - self._began_local_us)
        for manifest in self._plan.for_us():
            if manifest.broadcast in self._reported or manifest.starts_at_us > now_us:
                continue
            if manifest.withdrawn or not manifest.items:
                continue
            if now_us >= manifest.sounds_until_us + AFTER_END_US:
                self._report(manifest, now_us, volume_percent, fault)
        self.keep_now_and_then(local_us)

    def keep_now_and_then(self, local_us: int) -> None:
        """Save progress, as often as a card bears."""
        if local_us - self._kept_at_us >= _KEEP_EVERY_US:
            self._kept_at_us = local_us
            self.keep()

    def time_jumped(self, now_us: int) -> None:
        """What was reported by a time that ran ahead, and is still to come, is reported again when it is over."""
        still_to_come = {m.broadcast for m in self._plan.for_us() if m.starts_at_us > now_us}
        self.forget(sorted(self._reported & still_to_come))

    def forget(self, broadcasts: list[str]) -> None:
        for broadcast in broadcasts:
            self._reported.discard(broadcast)
            (self._reported_files / broadcast).unlink(missing_ok=True)
            (self._progress / f"{broadcast}.json").unlink(missing_ok=True)
            self._earlier.pop(broadcast, None)

    def keep(self) -> None:
        for manifest in self._plan.for_us():
            if manifest.broadcast not in self._reported and self._playout.played(manifest.broadcast) is not None:
                content = msgspec.json.encode(self._so_far(manifest.broadcast))
                keep_whole(self._progress / f"{manifest.broadcast}.json", content)

    def _so_far(self, broadcast: str) -> Progress:
        earlier = self._earlier.get(broadcast, Progress())
        now = self._playout.played(broadcast)
        if now is None:
            return earlier
        return Progress(
            frames=earlier.frames + now.frames,
            first_frame_at_us=earlier.first_frame_at_us or now.first_frame_at_us,
            last_frame_at_us=now.last_frame_at_us or earlier.last_frame_at_us,
            underruns=earlier.underruns + now.underruns,
            error_p50_us=now.errors.percentile_us(50) if now.frames else earlier.error_p50_us,
            error_p99_us=max(earlier.error_p99_us, now.errors.percentile_us(99)),
            error_max_us=max(earlier.error_max_us, now.errors.max_us),
            stood_in={**now.stood_in, **earlier.stood_in},
        )

    def _report(self, manifest: Manifest, now_us: int, volume_percent: int, fault: str) -> None:
        so_far = self._so_far(manifest.broadcast)
        others = [m for m in self._plan.for_us() if m.broadcast != manifest.broadcast]
        due_us, own_us = sounding_share(manifest, others, self._plan.config, self._live_gaps.intervals)
        live = any(isinstance(item, LiveItem) and not item.relay for item in manifest.items)
        frames_due = due_us * 48 // 1000
        if live and so_far.last_frame_at_us:
            # A live broadcast is as long as the speaker speaks; its manifest gives the limit only.
            frames_due = min(frames_due, round(so_far.frames))
        outcome, cause = self._judge(manifest, so_far, frames_due, due_us, own_us, volume_percent, fault)
        counts = self._live_input.counts(manifest.broadcast)
        electrical, acoustic = self._monitor.proof(manifest.broadcast) if self._monitor else (None, None)
        report = PlayReport(
            **report_header(self._receiver, now_us),
            broadcast=manifest.broadcast,
            manifest_revision=manifest.revision,
            outcome=outcome,
            cause=cause,
            first_frame_at_us=max(0, so_far.first_frame_at_us),
            last_frame_at_us=max(0, so_far.last_frame_at_us),
            frames_played=round(so_far.frames),
            frames_due=frames_due,
            error_p50_us=round(so_far.error_p50_us),
            error_p99_us=round(so_far.error_p99_us),
            error_max_us=round(so_far.error_max_us),
            late=counts.late,
            lost=counts.lost,
            concealed=counts.concealed,
            underruns=so_far.underruns,
            volume_percent=volume_percent,
            stood_in=self._stood_in(manifest, so_far),
            electrical=electrical,
            acoustic=acoustic,
        )
        # The report first, then the note that it was made: after a power cut between them it is made twice, and the
        # controller keeps one of a broadcast and a receiver.
        self._outbox.put(report)
        keep_whole(self._reported_files / manifest.broadcast, b"")
        self._reported.add(manifest.broadcast)
        self._earlier.pop(manifest.broadcast, None)
        (self._progress / f"{manifest.broadcast}.json").unlink(missing_ok=True)
        self._playout.forget(manifest.broadcast)
        self._live_input.forget(manifest.broadcast)
        if self._monitor is not None:
            self._monitor.forget(manifest.broadcast)
        log.info("broadcast %s: %s %s", manifest.broadcast, outcome.value, cause)

    def _stood_in(self, manifest: Manifest, so_far: Progress) -> list[SubstitutedItem]:
        return [
            SubstitutedItem(
                position=position,
                clip=getattr(manifest.items[position], "clip", ""),
                rung=Fallback(rung),
                detail=self._failures.reason(manifest.broadcast, position)[:200],
            )
            for position, rung in sorted(so_far.stood_in.items())
            if position < len(manifest.items)
        ]

    def _judge(
        self, manifest: Manifest, so_far: Progress, frames_due: int, due_us: int, own_us: int, volume: int, fault: str
    ) -> tuple[Outcome, str]:
        if Fallback.BACKUP.value in so_far.stood_in.values():
            return Outcome.PARTLY, "backup"
        if so_far.stood_in:
            return Outcome.PARTLY, "chime"
        if so_far.frames > 0 and manifest.broadcast in self._live_gaps.intervals:
            return Outcome.PARTLY, "live_lost"
        lacking = frames_due - round(so_far.frames)
        if so_far.frames > 0 and lacking <= TOLERATED_FRAMES:
            return Outcome.PLAYED, "volume_zero" if volume == 0 else ""
        cut = due_us - own_us > 1_000
        if so_far.frames > 0:
            if cut:
                return Outcome.PARTLY, "allowed_hours" if self._closes(manifest) else "cut"
            if so_far.first_frame_at_us > manifest.starts_at_us + 50_000:
                return Outcome.PARTLY, "late"
            return Outcome.PARTLY, fault or "interrupted"
        if own_us == 0 and due_us > 0:
            if self._closes(manifest):
                return Outcome.REFUSED, "allowed_hours"
            return Outcome.MISSED, "cut"
        if self._began_us is not None and self._began_us > manifest.sounds_until_us:
            if self._ran_since_us < manifest.sounds_until_us:
                return Outcome.MISSED, "clock_unknown"
            return Outcome.MISSED, "not_running"
        return Outcome.MISSED, fault or "no_audio"

    def _closes(self, manifest: Manifest) -> bool:
        """Whether the allowed hours close during the broadcast."""
        closed = closed_intervals(self._plan.config, manifest.starts_at_us, manifest.sounds_until_us)
        return manifest.class_ is not BroadcastClass.EMERGENCY and bool(closed)

    @staticmethod
    def _read(path: Path) -> Progress:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Progress)
        except (OSError, msgspec.DecodeError):
            return Progress()
