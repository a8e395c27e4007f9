"""`loa demo --mergers`: three communes on one controller, each with a receiver that has a chain behind it."""

from datetime import UTC, datetime, timedelta

from broadcast.broadcasts import Broadcast
from broadcast.chimes import ensure_chimes
from broadcast.media import Media
from broadcast.play_reports import PlayReportRow
from demo.demo import Demo
from demo.merger_sites import NAMES, SITES, ZONES
from demo.relay_board import VirtualRelayBoard, chain_text
from demo.sites import DemoSite
from devices.communes import add_commune
from devices.enrolment import enrol, write_credentials
from devices.positions import place_receiver
from devices.stations import add_station
from devices.zones import add_zone
from loa.broker_access import issuer, public_broker_url
from people.operators import add_operator, create_first_operator
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.secret_files import Secrets
from wire.sealing import SealingKey

PAST_DAYS = 14


class MergersDemo(Demo):
    """Three communes on one controller, a receiver with its chain in each."""

    sites = SITES
    #: Name and one-time password of the operator that the demo itself signs in as; None in a folder used before.
    presenter: tuple[str, str] | None = None

    def __enter__(self) -> "MergersDemo":
        self.board = VirtualRelayBoard()
        try:
            super().__enter__()
        except BaseException:
            self.board.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.board.close()

    def _fill(self, database: Database) -> None:
        settings, now = self.settings, ControllerClock().now()
        key = SealingKey(Secrets.load_or_create(settings.data_dir / "secrets").controller_seed)
        credentials_issuer = issuer(settings, key, public_broker_url(settings))
        with database.writing() as session:
            # Before the presenter: the first operator is created only where there is none.
            self.operator, self.password = create_first_operator(session, now) or ("", "")
            for site in SITES:
                add_commune(session, site.commune, NAMES[site.commune], province="Thanh Hóa")
                add_zone(session, site.commune, site.zone, ZONES[site.zone])
                station = add_station(session, site.commune, site.kind, site.station, maker=site.maker)
                _, credentials = enrol(
                    session,
                    credentials_issuer,
                    receiver_id=site.receiver_id,
                    commune_id=site.commune,
                    station_id=station.number,
                    name=site.name,
                    place=site.place,
                    zones=[site.zone],
                    now=now,
                )
                place_receiver(session, site.receiver_id, site.position)
                home = self.folder / "receivers" / site.receiver_id
                home.mkdir(parents=True, exist_ok=True)
                write_credentials(credentials, home / "credentials.json")
            presenter, password = add_operator(session, "trinh-dien", now)
            presenter.admin = True
            session.add(presenter)
        self.presenter = (presenter.name, password)
        _add_past_broadcasts(database, now)
        for commune_id in NAMES:
            ensure_chimes(database, Media(settings.data_dir / "media"), commune_id, now)

    def _receiver_arguments(self, site: DemoSite) -> list[str]:
        chain = self.folder / "receivers" / site.receiver_id / "chain.toml"
        chain.write_text(chain_text(site, self.board.url))
        return [*super()._receiver_arguments(site), "--chain", str(chain)]

    @property
    def database(self) -> str:
        """Address of the controller's database."""
        return self.settings.database


def _add_past_broadcasts(database: Database, now: datetime) -> None:
    """Sample data: two weeks of play log in the two communes that are merged away."""
    with database.writing() as session:
        for site in SITES[:2]:
            for day in range(1, PAST_DAYS + 1):
                for hour in (22, 10):  # 05:00 and 17:00 in Vietnam
                    starts_at = datetime(now.year, now.month, now.day, hour, tzinfo=UTC) - timedelta(days=day + 1)
                    broadcast_id = f"past-{site.commune}-{day}-{hour}"
                    session.add(
                        Broadcast(
                            id=broadcast_id,
                            commune_id=site.commune,
                            title="Bản tin",
                            class_="normal",
                            starts_at=starts_at,
                            ends_at=starts_at + timedelta(minutes=15),
                            targets=b'{"all":true}',
                            items=b"[]",
                            announced_revision=1,
                            planned_at=starts_at,
                            cleared_at=starts_at,
                        )
                    )
                    session.flush()
                    session.add(
                        PlayReportRow(
                            broadcast_id=broadcast_id,
                            receiver_id=site.receiver_id,
                            report=broadcast_id,
                            manifest_revision=1,
                            outcome="played",
                            frames_played=1,
                            frames_due=1,
                        )
                    )
