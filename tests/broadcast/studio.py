"""A commune with clips, receivers and a transmitter; no sound is made and no thread runs."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, ClipRendition
from broadcast.config_parts import config_parts
from broadcast.planning import put_on_air
from broadcast.programmes import Item, ItemKind, add_programme
from broadcast.transmitter import Transmitter
from devices.communes import add_commune
from devices.downlink import Downlink
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone, set_zones
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.fakes.broker import FakeBroker
from wire import topics
from wire.broadcasts import BroadcastClass, Manifest, Targets
from wire.messages import for_commune
from wire.sealing import PublicKey, SealingKey, open_sealed

KEY = SealingKey(bytes(range(32)))
ALL = Targets(all=True)
SECOND = 1_000_000


def add_clip(session: Session, clip_id: str, seconds: float, *, now: datetime, builtin: str = "") -> None:
    """A clip as the ingest leaves it, without its audio."""
    digest = sha256(clip_id.encode()).hexdigest()
    session.add(
        Clip(
            id=clip_id,
            commune_id=COMMUNE,
            title=clip_id.title(),
            original_name=f"{clip_id}.mp3",
            original_sha256=digest,
            original_bytes=1000,
            uploaded_at=now,
            duration_us=round(seconds * SECOND),
            peaks=b"",
            builtin=builtin,
        )
    )
    session.flush()
    for codec, extension in (("opus", "opus"), ("mp3", "mp3")):
        session.add(ClipRendition(clip_id=clip_id, codec=codec, sha256=digest, bytes=500, extension=extension))
    session.flush()


@dataclass
class Studio:
    """What goes out, from one commune."""

    clock: ManualClock
    database: Database
    broker: FakeBroker = field(default_factory=FakeBroker)

    def __post_init__(self) -> None:
        self.downlink = Downlink(self.broker, KEY, self.clock, media_base="http://media/", config_parts=config_parts)
        self.transmitter = Transmitter(self.database, self.downlink, self.clock)
        with self.database.writing() as session:
            add_commune(session, COMMUNE, COMMUNE_NAME)
            self.station = add_station(session, COMMUNE, StationKind.IP, "IP Thiệu Trung").number
            for zone in ("thon-1", "thon-2"):
                add_zone(session, COMMUNE, zone, zone)
            for receiver_id in ("loa-1", "loa-2"):
                self.add_receiver(session, receiver_id, [receiver_id.replace("loa", "thon")])
            self.add_clip(session, "bulletin", 60)
            self.add_clip(session, "storm", 30)
            self.add_clip(session, "chime-in", 4, builtin="opening_chime")
            self.add_clip(session, "chime-out", 3, builtin="closing_chime")
            self.programme = self.add_programme(session, "Bản tin sáng", [Item(ItemKind.CLIP, "bulletin")])

    def now(self) -> datetime:
        """By the clock that is turned by hand."""
        return self.clock.now()

    def add_receiver(self, session: Session, receiver_id: str, zones: list[str]) -> None:
        """A receiver in service."""
        session.add(
            Receiver(
                id=receiver_id,
                commune_id=COMMUNE,
                station_id=self.station,
                name=receiver_id,
                public_key="",
                broker_hash="",
                created_at=self.now(),
            )
        )
        session.flush()
        set_zones(session, receiver_id, COMMUNE, zones)

    def add_clip(self, session: Session, clip_id: str, seconds: float, *, builtin: str = "") -> None:
        """See `add_clip`."""
        add_clip(session, clip_id, seconds, now=self.now(), builtin=builtin)

    def add_programme(self, session: Session, title: str, items: list[Item]) -> int:
        """A programme; gives its number."""
        return add_programme(session, COMMUNE, title, items, now=self.now()).number

    def speak_now(self, class_: BroadcastClass = BroadcastClass.NORMAL, targets: Targets = ALL) -> Broadcast:
        """The bulletin (60 s), put on air now."""
        with self.database.writing() as session:
            return self.speak_now_in(session, class_, targets)

    def speak_now_in(
        self, session: Session, class_: BroadcastClass = BroadcastClass.NORMAL, targets: Targets = ALL
    ) -> Broadcast:
        """The same within a transaction."""
        return put_on_air(
            session, COMMUNE, targets=targets, class_=class_, now=self.now(), by="lan", programme_id=self.programme
        )

    def manifests(self, broadcast_id: str) -> list[Manifest]:
        """All that was sent of a broadcast, opened as a receiver would, in order."""
        keys = {KEY.kid: PublicKey(KEY.public)}
        return [
            open_sealed(payload, Manifest, keys, to=for_commune(COMMUNE), now_us=self.clock.now_us())
            for topic, payload, _, retain in self.broker.log
            if topic == topics.air(COMMUNE, broadcast_id) and payload and retain
        ]
