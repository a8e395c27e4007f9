"""Relay supervisor: starts the relay of each broadcast that has one, restarts it after a failure, ends it with the
broadcast, and records outages. Of several controllers on one database the one that holds the broadcast's lease relays.
"""

import logging
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from broadcast.backup_clip import backup_item
from broadcast.broadcasts import Broadcast
from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from broadcast.media import Media
from broadcast.on_air import next_start_after, relays_due
from broadcast.relay_outages import end_forgotten, end_outage, note_outage
from broadcast.relay_sources import RelaySource, relay_sources_by_id
from devices.downlink import Downlink
from relay.broadcast_relay import CONNECT_AHEAD_US, BroadcastRelay, RelaySlot
from relay.fallback_sound import FallbackSound
from relay.player import PlayerState, RelayedStation, RelayPlayer
from runtime import leases
from runtime.clock import Clock, from_us, to_us
from runtime.database import Database
from runtime.refusal import NotFound, as_text
from wire import topics
from wire.broadcasts import ClipItem, LiveItem

log = logging.getLogger(__name__)

_AHEAD = timedelta(microseconds=CONNECT_AHEAD_US)
#: Another controller takes over so long after the last renewal; before that the relay ends by itself, in case this
#: controller hangs or cannot write.
LEASE, _RENEWED_AFTER, _ENDS_BEFORE = timedelta(seconds=10), timedelta(seconds=3), timedelta(seconds=1)
#: Speech and music in mono, at the quality of a good FM receiver.
_BIT_RATE = 48_000
_PACKETS_PER_MESSAGE = 5


class RelaySupervisor:
    """`step` is called every second; `repeat_start` from any thread."""

    def __init__(
        self, database: Database, downlink: Downlink, media: Media, clock: Clock, trusted: Collection[str]
    ) -> None:
        """trusted: hosts in the local network that may be relayed."""
        self._database, self._downlink, self._media, self._clock = database, downlink, media, clock
        self._trusted = trusted
        self._relays: dict[str, BroadcastRelay] = {}
        #: Of stations, by broadcast and position.
        self._names: dict[str, dict[int, str]] = {}
        self._holder = secrets.token_hex(8)
        self._held_until: dict[str, datetime] = {}
        self._was_due: set[str] | None = None

    def step(self) -> datetime | None:
        """Returns when it has to be called again although nothing is committed."""
        now = self._clock.now()
        with self._database.session() as session:
            next_start = next_start_after(session, now + _AHEAD)
            due = {b.id: b for b in relays_due(session, now, _AHEAD)}
        for b in due.values():
            self._run(b, now)
        self._record_outages()
        for broadcast_id in [b for b in self._relays if b not in due]:
            self._relays[broadcast_id].end()
            if not self._relays[broadcast_id].is_alive:
                self._record_outages()
                del self._relays[broadcast_id], self._names[broadcast_id]
                self._release(broadcast_id)
        if self._was_due is None or self._was_due - due.keys():
            with self._database.writing() as session:
                end_forgotten(session, now)
        self._was_due = set(due)
        if self._relays or due:
            return now
        return next_start - _AHEAD if next_start is not None else None

    def states(self, broadcast_id: str) -> dict[int, PlayerState]:
        """What its stations do now, by the position of their item; empty when none is connected."""
        relay = self._relays.get(broadcast_id)
        return dict(relay.states) if relay is not None else {}

    def repeat_start(self, _receiver: str) -> None:
        for relay in list(self._relays.values()):
            relay.repeat_start()

    def close(self) -> None:
        for relay in self._relays.values():
            relay.end()
        for relay in self._relays.values():
            relay.close()
        self._record_outages()
        for broadcast_id in list(self._held_until):
            self._release(broadcast_id)

    def _run(self, b: Broadcast, now: datetime) -> None:
        """Relay a broadcast that is due, as long as this controller holds its lease."""
        relay = self._relays.get(b.id)
        if not self._hold(b.id, now):
            if relay is not None:
                relay.hand_over()
            return
        has_failed = relay is not None and not relay.is_alive and not relay.is_complete
        if relay is None or (has_failed and to_us(b.ends_at) - to_us(now) > 1_000_000):
            with self._database.session() as session:
                relay = self._new_relay(session, b)
            relay.runs_until_us = to_us(self._held_until[b.id] - _ENDS_BEFORE)
            self._relays[b.id] = relay
            relay.start()
        relay.runs_until_us = to_us(self._held_until[b.id] - _ENDS_BEFORE)

    def _hold(self, broadcast_id: str, now: datetime) -> bool:
        """Whether this controller relays the broadcast; renews its lease in time."""
        until, name = self._held_until.get(broadcast_id), _lease(broadcast_id)
        if until is not None and now < until <= now + LEASE and until - now > LEASE - _RENEWED_AFTER:
            return True
        with self._database.session() as session:
            is_held = leases.may_hold(session, name, self._holder, now, LEASE)
        if is_held:
            with self._database.writing() as session:
                is_held = leases.hold(session, name, self._holder, now, LEASE)
        if is_held:
            self._held_until[broadcast_id] = now + LEASE
        elif self._held_until.pop(broadcast_id, None) is not None:
            log.warning("relay: another controller relays broadcast %s", broadcast_id)
        return is_held

    def _release(self, broadcast_id: str) -> None:
        if self._held_until.pop(broadcast_id, None) is not None:
            with self._database.writing() as session:
                leases.release(session, _lease(broadcast_id), self._holder, self._clock.now())

    def _new_relay(self, session: Session, b: Broadcast) -> BroadcastRelay:
        starts_at_us, slots, backups = to_us(b.starts_at), list[RelaySlot](), dict[int, ClipItem | None]()
        for position, item in enumerate(b.playlist):
            if isinstance(item, LiveItem) and item.relay.isdigit():
                start_us = starts_at_us + item.offset_us
                slots.append(
                    RelaySlot(position, int(item.relay), start_us, start_us + item.duration_us, item.buffer_us)
                )
                backups[position] = item.backup
        sources = relay_sources_by_id(session, [slot.source for slot in slots])
        commune_backup = backup_item(session, b.commune_id)
        topic = topics.live(b.commune_id, b.id)

        def new_player(slot: RelaySlot) -> RelayPlayer:
            paths = [path for recording in (backups[slot.position], commune_backup) for path in self._paths(recording)]
            station = _settings(sources.get(slot.source))
            return RelayPlayer(station, FallbackSound(paths), self._trusted, self._clock.monotonic_us)

        def new_sender(stream_starts_at_us: int, buffer_us: int) -> LiveSender:
            return LiveSender(
                lambda payload: self._downlink.send_frame(topic, payload),
                topic,
                self._downlink.key,
                LiveEncoder(_BIT_RATE),
                starts_at_us=stream_starts_at_us,
                packets_per_message=_PACKETS_PER_MESSAGE,
                buffer_us=buffer_us,
            )

        self._names[b.id] = {slot.position: _name(sources.get(slot.source)) for slot in slots}
        log.info("relay: broadcast %s (%s), %d slots", b.id, b.title, len(slots))
        return BroadcastRelay(slots, starts_at_us, new_player, new_sender, self._clock)

    def _paths(self, recording: ClipItem | None) -> list[Path]:
        paths = []
        for rendition in recording.renditions if recording is not None else ():
            sha256, _, extension = rendition.path.partition(".")
            try:
                paths.append(self._media.path_of(sha256, extension))
            except NotFound:
                log.warning("relay: the backup recording %s is missing", rendition.path)
        return paths

    def _record_outages(self) -> None:
        """Each with its instant; a relay that has ended in any way has no outage that lasts."""
        for broadcast_id, relay in self._relays.items():
            events = [relay.events.popleft() for _ in range(len(relay.events))]
            if not events:
                continue
            with self._database.writing() as session:
                for event in events:
                    if event.reason is None:
                        end_outage(session, broadcast_id, from_us(event.at_us))
                        continue
                    name = self._names[broadcast_id][event.slot.position]
                    log.warning("relay: %s of broadcast %s failed: %s", name, broadcast_id, event.reason)
                    note_outage(session, broadcast_id, name, as_text(event.reason), from_us(event.at_us))


def _lease(broadcast_id: str) -> str:
    return f"relay {broadcast_id}"


def _settings(source: RelaySource | None) -> RelayedStation:
    if source is None:
        return RelayedStation("", [""])
    return RelayedStation(source.name, source.address_list, float(source.silence_db), source.silence_s * 1_000_000)


def _name(source: RelaySource | None) -> str:
    return source.name if source is not None else ""
