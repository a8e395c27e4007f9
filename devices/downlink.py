"""The downlink: the only place that seals, and sends to receivers."""

import itertools
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import msgspec
from sqlmodel import Session

from devices.communes import Commune, commune
from devices.predecessors import formerly
from devices.receivers import Receiver
from devices.zones import zones_of_all
from runtime.broker import Broker, Delivery
from runtime.clock import Clock
from wire import topics
from wire.allowed_hours import AllowedHours, NightLevel
from wire.broadcasts import ClipItem, Manifest
from wire.commands import Action, Command, Config, Former
from wire.messages import Sealed, for_receiver
from wire.sealing import SealingKey
from wire.time import TimeTell

#: A command that comes later than this surprises people: a test tone asked for yesterday.
COMMAND_HOLDS = timedelta(minutes=2)
#: A config is good until the next one; a receiver that was in a store room for a year still has its zones.
CONFIG_HOLDS = timedelta(days=400)
TIME_HOLDS = timedelta(seconds=30)
#: What JSON numbers hold exactly (2^53 - 1). A receiver that names a larger one is not believed.
MOST_REVISION = 9_007_199_254_740_991


@dataclass(frozen=True)
class ConfigParts:
    """The parts of a commune's configs that other packages know: noise rules and the backup clip.

    allowed_hours, night_levels: of a receiver, by the ids of its zones.
    """

    allowed_hours: Callable[[Sequence[str]], list[AllowedHours]] = lambda _zone_ids: []
    night_levels: Callable[[Sequence[str]], list[NightLevel]] = lambda _zone_ids: []
    days_off: list[date] = field(default_factory=list)
    backup: ClipItem | None = None


#: Gives the parts for a commune on its local day.
ConfigPartsProvider = Callable[[Session, str, date], ConfigParts]


class _CommuneConfig(NamedTuple):
    """What the configs of all receivers of a commune share. today: its local day."""

    commune: Commune
    today: date
    parts: ConfigParts


class Downlink:
    """Seals with the controller's key and publishes. Callable from any thread."""

    def __init__(
        self,
        broker: Broker,
        key: SealingKey,
        clock: Clock,
        *,
        media_base: str,
        heartbeat_s: int = 20,
        fetch_between: tuple[time, time] = (time(21), time(3)),
        time_address: str = "",
        count_command: Callable[[], int] | None = None,
        config_parts: ConfigPartsProvider = lambda _session, _commune_id, _today: ConfigParts(),
    ) -> None:
        """media_base: where receivers fetch audio, with a slash at the end. heartbeat_s: told to every receiver.

        fetch_between: off-peak, by the commune's clock, over midnight too; alike for none.
        time_address: host:port where receivers ask for the time by datagram; empty: by the broker alone.
        count_command: gives a larger number with each call, over restarts too. None counts in memory, for tests.
        config_parts: what other packages put into every config.
        """
        self.time_address = time_address
        self._fetch_between = fetch_between
        self._broker = broker
        self._key = key
        self._clock = clock
        self._media_base = media_base
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._count_command = count_command or itertools.count(1).__next__
        self._held_revisions: dict[str, int] = {}
        self._config_parts = config_parts
        self._held_back: Callable[[Session], set[str]] = lambda _session: set()

    @property
    def key(self) -> SealingKey:
        """The controller's key, for those that sign a stream of their own (live sound)."""
        return self._key

    def hold_back(self, held_back: Callable[[Session], set[str]]) -> None:
        """Send the receivers that `held_back(session)` names no config for now: something has to be told before it."""
        self._held_back = held_back

    @property
    def connected(self) -> bool:
        """Whether the broker is there now."""
        return self._broker.connected

    def send_manifest(self, commune_id: str, manifest: Manifest) -> Delivery:
        """Put the manifest of a broadcast where every receiver of the commune finds it."""
        return self._publish(topics.air(commune_id, manifest.broadcast), manifest, retain=True)

    def clear_manifest(self, commune_id: str, broadcast_id: str) -> Delivery:
        """Take it away again, when nobody needs it any more. It withdraws nothing: see docs/decisions/0002."""
        return self._broker.publish(topics.air(commune_id, broadcast_id), b"", qos=1, retain=True)

    def send_frame(self, topic: str, payload: bytes) -> None:
        """Send a live frame that is signed already: at most once, never late."""
        self._broker.publish(topic, payload, qos=0, retain=False)

    def configure(self, session: Session, receiver: Receiver) -> None:
        """Send a receiver what it is set to now."""
        self.configure_all(session, [receiver])

    def configure_all(
        self, session: Session, receivers: list[Receiver], *, include_held: bool = False
    ) -> list[Delivery]:
        """The same for many; the number of queries grows with their communes alone.

        include_held: also those that are held back, see `hold_back`.
        """
        if not self._clock.trusted:
            return []  # it would be issued and expire by the wrong time
        held = set() if include_held else self._held_back(session)
        receivers = [r for r in receivers if r.id not in held]
        memberships = zones_of_all(session, [r.id for r in receivers])
        now = self._clock.now()
        shared = {
            commune_id: self._commune_config(session, commune_id, now)
            for commune_id in sorted({r.commune_id for r in receivers})
        }
        former = formerly(session, [r.id for r in receivers], now)
        return [
            self._configure(
                receiver, shared[receiver.commune_id], memberships[receiver.id], former.get(receiver.id, [])
            )
            for receiver in receivers
        ]

    def _commune_config(self, session: Session, commune_id: str, now: datetime) -> _CommuneConfig:
        row = commune(session, commune_id)
        today = now.astimezone(row.zone).date()
        return _CommuneConfig(row, today, self._config_parts(session, commune_id, today))

    def _configure(
        self, receiver: Receiver, shared: _CommuneConfig, zones: list[str], former: list[Former]
    ) -> Delivery:
        now_us = self._clock.now_us()
        config = Config(
            to=for_receiver(receiver.id),
            revision=receiver.config_revision,
            issued_at_us=now_us,
            expires_at_us=now_us + CONFIG_HOLDS // timedelta(microseconds=1),
            commune=receiver.commune_id,
            zones=zones,
            name=receiver.name,
            volume_percent=receiver.volume_percent,
            volume_ceiling_percent=min(receiver.volume_ceiling_percent, shared.commune.volume_ceiling_percent),
            path_delay_us=receiver.path_delay_us,
            amplifier_lead_ms=receiver.amplifier_lead_ms,
            allowed_hours=shared.parts.allowed_hours(zones),
            days_off=shared.parts.days_off,
            night_levels=shared.parts.night_levels(zones),
            time_zone=shared.commune.time_zone,
            media_bases=[self._media_base],
            heartbeat_s=self._heartbeat_s,
            fetch_from_minute=_minute(self._fetch_between[0]),
            fetch_until_minute=_minute(self._fetch_between[1]),
            backup=shared.parts.backup,
            time_address=self.time_address,
            formerly=former,
        )
        return self._publish(topics.of_receiver(receiver.id, topics.Kind.CONFIG), config, retain=True)

    def clear_retained(self, receiver_id: str) -> None:
        """Remove what a receiver left retained at the broker, with its own credentials, on topics that it may write."""
        for topic in topics.TOPICS:
            if topic.by == "receiver":
                self._broker.publish(topics.of_receiver(receiver_id, topic.kind), b"", qos=1, retain=True)

    def send_command(self, receiver_id: str, action: Action) -> str:
        """Tell a receiver to do something, once, soon. Gives the command's id, named again when it is done."""
        command_id, now_us = secrets.token_hex(8), self._clock.now_us()
        command = Command(
            to=for_receiver(receiver_id),
            revision=self._next_revision(receiver_id),
            issued_at_us=now_us,
            expires_at_us=now_us + COMMAND_HOLDS // timedelta(microseconds=1),
            command=command_id,
            action=action,
        )
        self._publish(topics.of_receiver(receiver_id, topics.Kind.DO), command, retain=False)
        return command_id

    def tell_time(self, receiver_id: str, nonce: str, asked_local_us: int, heard_at_us: int) -> None:
        """Answer a time ask by the broker, at once. A time that is plainly wrong is not told."""
        if not self._clock.trusted:
            return
        payload = self.sealed_time(receiver_id, nonce, asked_local_us, heard_at_us)
        self._broker.publish(topics.of_receiver(receiver_id, topics.Kind.TIME_TELL), payload, qos=0, retain=False)

    def sealed_time(self, receiver_id: str, nonce: str, asked_local_us: int, heard_at_us: int) -> bytes:
        """The answer to a time ask. told_at_us is taken last, so that our own work is in neither delay."""
        tell = TimeTell(
            to=for_receiver(receiver_id),
            revision=0,  # the nonce says which ask it answers
            issued_at_us=heard_at_us,
            expires_at_us=heard_at_us + TIME_HOLDS // timedelta(microseconds=1),
            nonce=nonce,
            asked_local_us=asked_local_us,
            heard_at_us=heard_at_us,
            told_at_us=0,
        )
        return self._key.seal(msgspec.structs.replace(tell, told_at_us=self._clock.now_us()))

    def _publish(self, topic: str, message: Sealed, *, retain: bool) -> Delivery:
        return self._broker.publish(topic, self._key.seal(message), qos=1, retain=retain)

    def held_revision(self, receiver_id: str, revision: int) -> None:
        """Note the revision of the last command that a receiver says it holds; its next one is above it."""
        if revision <= MOST_REVISION:
            with self._lock:
                self._held_revisions[receiver_id] = max(revision, self._held_revisions.get(receiver_id, 0))

    def _next_revision(self, receiver_id: str) -> int:
        with self._lock:
            revision = max(self._count_command(), self._held_revisions.get(receiver_id, 0) + 1)
            self._held_revisions[receiver_id] = revision
            return revision


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
