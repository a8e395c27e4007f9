"""A commune that is connected to a simulated province: no thread runs but the province's own."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.ingest import Ingest
from broadcast.media import Media
from demo.province_simulator import Simulator
from devices.presence import PresenceWatch
from devices.receivers import receivers
from province.accounts import Accounts
from province.audio_fetch import AudioFetch
from province.bulletin_worker import BulletinWorker
from province.bulletins import to_fetch
from province.connection import ProvinceConnection
from province.incoming import Incoming
from province.link_worker import LinkWorker
from province.links import LinkForm, ProvinceLink, link_of, set_link
from province.outbox import OutboxMessage, counts
from province.profile import Profile, profile
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from runtime.refusal import Refusal
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE
from wire.reports import ClockState, Heartbeat, Outcome, PlayReport

ME = "controller-1"


@dataclass
class LinkedCommune:
    """One commune, its studio, its link, and the province."""

    database: Database
    clock: ManualClock
    folder: Path
    speaks: Profile = field(default_factory=lambda: profile("chuan"))
    changed: int = 0

    def __post_init__(self) -> None:
        self.studio = Studio(self.clock, self.database)
        self.province = Simulator(self.speaks, password="mat-khau-tinh").start()
        self.accounts = Accounts(self.folder / "secrets")
        self.accounts.keep(COMMUNE, "xa", "mat-khau-tinh")
        self.presence = PresenceWatch(self.database, now=self.clock.now())
        self.ingest = Ingest(
            self.database,
            Media(self.folder / "m"),
            Media(self.folder / "o"),
            self.clock,
            most_bytes=10**8,
            most_hours=1,
        )
        self.incoming = Incoming(self.database, self.clock, self.studio.downlink, self._changed)
        self.desk = BulletinWorker(
            self.database,
            self.clock,
            AudioFetch(self.ingest, self.database),
            self.studio.transmitter,
            self._changed,
            me=ME,
            profiles=self.folder / "province",
        )
        self.set(enabled=True)
        self.workers: list[LinkWorker] = []
        self.worker = self.new_worker()

    def close(self) -> None:
        self.province.stop()
        self.desk.close()
        for worker in self.workers:
            worker.close()

    @property
    def link(self) -> ProvinceLink:
        with self.database.session() as session:
            return link_of(session, COMMUNE)

    def set(self, *, enabled: bool = True, codes: str = "", normal_schedules: str = "inbox") -> ProvinceLink:
        form = LinkForm(
            profile="chuan",
            base_url=self.province.url,
            own_code="xa-01",
            own_name="Xã Thiệu Trung",
            province_code="tinh",
            province_name="Thanh Hóa",
            receiver_codes=codes,
            normal_schedules=normal_schedules,
            enabled=enabled,
        )
        with self.database.writing() as session:
            known = {r.id for r in receivers(session, COMMUNE)}
            return set_link(session, COMMUNE, form, self.speaks, known)

    def new_worker(self, me: str = ME) -> LinkWorker:
        """A worker as after a start: it remembers nothing."""
        connection = ProvinceConnection(self.speaks, self.link.base_url, lambda: self.accounts.of(COMMUNE))
        link = self.link

        def take(_commune_id: str, raw: Any) -> None:
            self.incoming.receive_envelope(link, self.speaks, raw)

        worker = LinkWorker(link, self.speaks, connection, self.database, self.clock, self.presence, take, me)
        self.workers.append(worker)
        return worker

    def step(self, times: int = 1) -> None:
        """So many steps, each after what the one before asked for."""
        for _ in range(times):
            self.clock.advance(seconds=self.worker.step())

    def heard(self, receiver: str, broadcast: str = "") -> None:
        beat = Heartbeat(
            session=1,
            sequence=1,
            broadcast=broadcast,
            clock=ClockState(locked=True),
            volume_percent=70,
            version="1.2",
            temperature_c=41.5,
        )
        self.presence.heard(receiver, beat, self.clock.now())

    def report(self, sounded: Broadcast, receiver: str = "loa-1", name: str = "") -> PlayReport:
        """Of all of a broadcast."""
        return PlayReport(
            to="controller",
            revision=1,
            issued_at_us=0,
            expires_at_us=1,
            report=name or f"{sounded.id}-{receiver}",
            receiver=receiver,
            broadcast=sounded.id,
            manifest_revision=1,
            outcome=Outcome.PLAYED,
            first_frame_at_us=to_us(sounded.starts_at),
            last_frame_at_us=to_us(sounded.ends_at),
            frames_played=48_000,
            frames_due=48_000,
            volume_percent=70,
        )

    def waiting(self) -> int:
        with self.database.session() as session:
            return counts(session, COMMUNE).waiting

    def letters(self) -> list[OutboxMessage]:
        with self.database.session() as session:
            return list(session.exec(select(OutboxMessage).order_by(OutboxMessage.id)))

    def why(self) -> Refusal | None:
        return self.link.why

    def fetch(self) -> None:
        """Fetch what waits to be fetched, in this thread."""
        self.worker.step()
        from_now = self.clock.now() + timedelta(minutes=10)
        while self.clock.now() < from_now and (numbers := self._to_fetch()):
            for number in numbers:
                self.desk.work_one(number)
            if self._to_fetch():
                self.clock.advance(seconds=60)

    def _to_fetch(self) -> list[int]:
        with self.database.session() as session:
            return [b.number for b in to_fetch(session)]

    def _changed(self, _commune_id: str = "") -> None:
        self.changed += 1
