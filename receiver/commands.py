"""Commands: executed once and acknowledged by a report."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from receiver.link.outbox import Outbox, report_header
from receiver.playout.cues import ClickSpec, Cue, Timeline, ToneSpec
from receiver.playout.sources import click_us
from receiver.store.atomic_file import keep_whole
from receiver.timing.local_clock import local_us
from receiver.timing.station_time import StationTime
from wire.commands import Command, Identify, Reboot, ReportsHeard, SelfTest, SetVolume
from wire.messages import for_receiver
from wire.reports import CommandDone
from wire.sealing import PublicKey, Reason, Refused, open_sealed

log = logging.getLogger(__name__)

#: Commands remembered, so that one that comes twice is obeyed once.
_REMEMBERED = 200
#: An identifying tone starts this long after the command came.
_TONE_LEAD_US = 700_000


class CommandHandler:
    """Takes commands. One thread."""

    def __init__(
        self,
        receiver: str,
        keys: Mapping[str, PublicKey],
        outbox: Outbox,
        folder: Path,
        on_self_test: Callable[[SelfTest, int], None] = lambda _action, _local_us: None,
    ) -> None:
        """folder: where the ids of obeyed commands are stored.

        on_self_test: takes a self-test and the instant (local clock, µs) at which it was asked for."""
        self._receiver = receiver
        self._keys = keys
        self._outbox = outbox
        self._on_self_test = on_self_test
        # On disk: a Reboot that is replayed after the restart, while it is valid, would restart the receiver again.
        self._obeyed_file = folder / "obeyed.json"
        self._obeyed: deque[str] = deque(_read(self._obeyed_file), maxlen=_REMEMBERED)
        self._tones: list[Cue] = []
        self.refused: Counter[str] = Counter()
        #: Of the last command taken since the start, 0 for none. The controller's next one is above it.
        self.revision = 0
        #: Told to start again.
        self.reboot = False

    def take(self, payload: bytes, now_us: int | None, station: StationTime) -> int | None:
        """Obey a command. Gives the volume when it sets one. now_us: controller time, None when not known."""
        try:
            command: Command = open_sealed(
                payload, Command, self._keys, to=for_receiver(self._receiver), now_us=now_us, newer_than=self.revision
            )
        except Refused as refused:
            self.refused[refused.reason.value] += 1
            return None
        action, volume = command.action, None
        if isinstance(action, ReportsHeard):
            self.revision = command.revision
            self._outbox.acknowledge(action.reports)
            return None
        if now_us is None:
            # Its expiry cannot be checked: an old Reboot, played at every start, would silence this receiver for good.
            self.refused[Reason.EXPIRED.value] += 1
            return None
        self.revision = command.revision
        if command.command in self._obeyed:
            return None
        self._obeyed.append(command.command)
        keep_whole(self._obeyed_file, msgspec.json.encode(list(self._obeyed)))
        if isinstance(action, SetVolume):
            volume = action.volume_percent
        elif isinstance(action, Reboot):
            self.reboot = True
        elif isinstance(action, SelfTest):
            self._on_self_test(action, local_us())
        elif isinstance(action, Identify):
            start_us = round(station.to_controller_us(local_us())) + _TONE_LEAD_US
            self._add(command.command, start_us, action.seconds * 1_000_000, ToneSpec())
        else:
            length_us = (action.clicks - 1) * action.period_us + click_us(action.sound) + 45_000
            spec = ClickSpec(action.clicks, action.period_us, sound=action.sound)
            self._add(command.command, action.starts_at_us, length_us, spec)
        self._answer(command.command, now_us)
        return volume

    def over(self, timeline: Timeline) -> Timeline:
        """The timeline with the tones that are asked for, where nothing else sounds."""
        return _WithTones(timeline, tuple(self._tones))

    def sounds(self, now_us: int, within_us: int) -> bool:
        """Whether a tone is due soon."""
        return any(cue.starts_at_us < now_us + within_us and cue.until_us > now_us for cue in self._tones)

    def _add(self, name: str, start_us: int, length_us: int, source: ToneSpec | ClickSpec) -> None:
        self._tones = [cue for cue in self._tones if cue.until_us > start_us - 60_000_000][-8:]
        self._tones.append(Cue("", start_us, start_us + length_us, source, f"tone {name}"))

    def _answer(self, command: str, now_us: int) -> None:
        answer = CommandDone(
            **report_header(self._receiver, now_us),
            command=command,
            done=True,
            at_us=now_us,
        )
        self._outbox.put(answer)


def _read(path: Path) -> list[str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[str])
    except (OSError, msgspec.DecodeError):
        return []


class _WithTones:
    def __init__(self, timeline: Timeline, tones: tuple[Cue, ...]) -> None:
        self._timeline = timeline
        self._tones = tones

    def cues(self, controller_us: int, horizon_us: int) -> list[Cue]:
        """Broadcasts go before tones: a tone sounds only where nothing else does."""
        cues = self._timeline.cues(controller_us, horizon_us)
        for tone in self._tones:
            start, end = max(tone.starts_at_us, controller_us), min(tone.until_us, controller_us + horizon_us)
            if start < end and not any(cue.sounds_from_us < end and cue.until_us > start for cue in cues):
                cues.append(tone)
        return sorted(cues, key=lambda cue: cue.sounds_from_us)
