"""Heartbeats: what this receiver does and holds, gathered from its parts."""

import time
from collections import Counter

import msgspec

from receiver.commands import CommandHandler
from receiver.link.outbox import Outbox
from receiver.live.live_gaps import LiveGaps
from receiver.live.live_input import LiveInput
from receiver.output.amplifier import Amplifier
from receiver.playout.playout import Playout
from receiver.sensing.output_monitor import OutputMonitor
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf
from receiver.timing.station_time import StationTime
from wire.broadcasts import ClipItem, Item, Manifest
from wire.reports import Heartbeat, Held

#: How far ahead the heartbeat names the broadcasts held.
_MOST_HELD = 40


class Heartbeats:
    """Makes them. One thread."""

    def __init__(
        self,
        plan: Plan,
        shelf: Shelf,
        playout: Playout,
        live_input: LiveInput,
        live_gaps: LiveGaps,
        station: StationTime,
        amplifier: Amplifier,
        outbox: Outbox,
        monitor: OutputMonitor,
        commands: CommandHandler,
        *,
        version: str,
        began_local_us: int,
    ) -> None:
        self._plan, self._shelf, self._playout, self._live_input = plan, shelf, playout, live_input
        self._station, self._amplifier, self._outbox = station, amplifier, outbox
        self._monitor, self._live_gaps, self._commands = monitor, live_gaps, commands
        self._version, self._began_local_us = version, began_local_us

    def make(
        self, session: int, sequence: int, now_us: int | None, local_us: int, volume_percent: int, refused: Counter[str]
    ) -> Heartbeat:
        """As it is now. now_us: controller time, None when not known; local_us: the local clock at the same instant."""
        config, sounding = self._plan.config, self._playout.now_playing()
        counts = self._live_input.counts()
        playout = msgspec.structs.replace(
            self._playout.state(), late=counts.late, lost=counts.lost, concealed=counts.concealed
        )
        ahead = sorted((m for m in self._plan.for_us() if not m.withdrawn), key=lambda m: m.starts_at_us)
        ahead = [m for m in ahead if now_us is None or m.sounds_until_us > now_us][:_MOST_HELD]
        if self._shelf.corrupt:
            refused = refused + Counter({"corrupt_media": self._shelf.corrupt})
        return Heartbeat(
            session=session,
            sequence=sequence,
            sent_at_us=now_us or 0,
            broadcast=sounding.cue.broadcast if sounding else "",
            position_us=_position_us(now_us, sounding.cue.broadcast, ahead) if sounding else 0,
            level_dbfs=round(self._playout.level_dbfs(), 1),
            clock=self._station.state(local_us, time.time_ns() // 1000),
            playout=playout,
            volume_percent=volume_percent,
            amplifier_on=self._amplifier.is_on,
            holds=[Held(broadcast=m.broadcast, revision=m.revision, ready=self._ready(m.items)) for m in ahead],
            store_used_bytes=self._shelf.used_bytes,
            store_limit_bytes=self._shelf.limit_bytes,
            outbox=len(self._outbox),
            refused=dict(refused),
            version=self._version,
            uptime_s=(local_us - self._began_local_us) // 1_000_000,
            config_revision=config.revision if config else 0,
            command_revision=self._commands.revision,
            temperature_c=self._monitor.temperature_c,
            supply=self._monitor.supply,
            link=self._monitor.link,
            live_lost=self._live_gaps.lost,
        )

    def _ready(self, items: list[Item]) -> bool:
        recordings = [item if isinstance(item, ClipItem) else item.backup for item in items]
        return all(self._shelf.path_of(clip.renditions[0]) is not None for clip in recordings if clip is not None)


def _position_us(now_us: int | None, broadcast: str, ahead: list[Manifest]) -> int:
    manifest = next((m for m in ahead if m.broadcast == broadcast), None)
    return max(0, now_us - manifest.starts_at_us) if manifest is not None and now_us is not None else 0
