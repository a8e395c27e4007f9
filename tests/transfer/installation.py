"""An installation with a past: two communes, audio on disk, secrets, schedules, a play log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy

from broadcast.clips import Clip, ClipRendition
from broadcast.media import Media
from broadcast.planning import put_on_air
from broadcast.play_reports import PlayReportRow
from broadcast.programmes import Item, ItemKind, add_programme
from devices.communes import add_commune
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone, set_zones
from loa.schema import open_database
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.secret_files import Secrets
from runtime.settings import Settings
from schedules.recurrence import Repeat, Rule
from schedules.timetable import add_schedule
from tests.cast import COMMUNE, COMMUNE_NAME
from transfer.table_rows import tables_of
from wire.broadcasts import BroadcastClass, Targets

OTHER = "hau-hien"


class Installation:
    """A data folder as a controller leaves it."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder, self.clock = folder, clock
        self.settings = Settings(data_dir=folder)
        self.database = open_database(self.settings)
        self.secrets = Secrets.load_or_create(folder / "secrets")
        self.media, self.originals = Media(folder / "media"), Media(folder / "originals")
        for commune, name in ((COMMUNE, COMMUNE_NAME), (OTHER, "Xã Hậu Hiền")):
            self.add(commune, name)

    def add(self, commune: str, name: str) -> None:
        """A commune with one of everything."""
        now, clip_id = self.clock.now(), f"clip-{commune}"
        opus, original = self.sound(self.media, f"{commune} opus", "opus"), self.sound(self.originals, commune, "mp3")
        with self.database.writing() as session:
            add_commune(session, commune, name)
            station = add_station(session, commune, StationKind.FM, f"FM {name}").number
            add_zone(session, commune, f"{commune}-1", "Thôn 1")
            session.add(
                Receiver(
                    id=f"loa-{commune}",
                    commune_id=commune,
                    station_id=station,
                    name="Cụm 1",
                    public_key="00",
                    broker_hash="$7$",
                    created_at=now,
                )
            )
            session.flush()
            set_zones(session, f"loa-{commune}", commune, [f"{commune}-1"])
            session.add(
                Clip(
                    id=clip_id,
                    commune_id=commune,
                    title="Bản tin",
                    original_name="a.mp3",
                    original_sha256=original,
                    original_bytes=10,
                    original_extension="mp3",
                    uploaded_at=now,
                    duration_us=60_000_000,
                    peaks=bytes(range(256)),
                    loudness_before_lufs=-23.7,
                )
            )
            session.flush()
            session.add(ClipRendition(clip_id=clip_id, codec="opus", sha256=opus, bytes=20, extension="opus"))
            programme = add_programme(session, commune, "Bản tin sáng", [Item(ItemKind.CLIP, clip_id)], now=now).number
            rule = Rule(repeat=Repeat.DAILY, times=[now.time()], from_day=now.date() + timedelta(days=1))
            add_schedule(
                session,
                commune,
                programme_id=programme,
                rule=rule,
                targets=Targets(all=True),
                class_=BroadcastClass.NORMAL,
                now=now,
            )
            aired = put_on_air(
                session,
                commune,
                targets=Targets(all=True),
                class_=BroadcastClass.NORMAL,
                now=now,
                by="lan",
                programme_id=programme,
            )
            aired.announced_revision = aired.revision
            self.report(session, aired.id, f"loa-{commune}")

    def report(self, session: object, broadcast_id: str, receiver_id: str) -> None:
        """A line of the play log."""
        session.add(  # type: ignore[attr-defined]
            PlayReportRow(
                broadcast_id=broadcast_id,
                receiver_id=receiver_id,
                report=f"{broadcast_id}-{receiver_id}",
                manifest_revision=1,
                outcome="played",
                cause="",
                first_frame_at=self.clock.now(),
                last_frame_at=self.clock.now(),
                frames_played=480_000,
                frames_due=480_000,
                error_p50_us=1,
                error_p99_us=2,
                error_max_us=3,
                late=0,
                lost=0,
                concealed=0,
                underruns=0,
                volume_percent=80,
                stood_in=b"[]",
            )
        )

    def sound(self, store: Media, content: str, extension: str) -> str:
        """A file of the store; gives its hash."""
        path = store.incoming()
        path.write_bytes(content.encode() * 40_000)
        return store.adopt(path, extension).sha256


def content(
    database: Database, without: frozenset[str] = frozenset({"websession"})
) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but the revisions that a restore moves on."""
    moved = {("receiver", "config_revision"), ("broadcast", "revision")}
    with database.engine.connect() as connection:
        return {
            table.name: sorted(
                (tuple(_said(v) for c, v in zip(table.columns, row, strict=True) if (table.name, c.name) not in moved))
                for row in connection.execute(sqlalchemy.select(table))
            )
            for table in tables_of(connection)
            if table.name not in without
        }


def _said(value: object) -> str:
    """A cell alike from both databases: SQLite gives instants without their zone."""
    return str(value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value)
