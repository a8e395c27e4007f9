"""What the demo's commune has at its start."""

import json
from pathlib import Path

from broadcast.chimes import ensure_chimes
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import job
from broadcast.media import Media
from broadcast.programmes import Item, ItemKind, add_programme
from demo.failure import DemoFailed
from demo.sample_recording import SAMPLE_TEXT
from demo.sites import COMMUNE, OUTLINE, SITES, ZONES
from demo.speech import speak
from devices.communes import add_commune
from devices.enrolment import enrol, write_credentials
from devices.outlines import read_outline, set_outline
from devices.positions import place_receiver
from devices.stations import add_station
from devices.zones import add_zone
from loa.broker_access import issuer, public_broker_url
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.secret_files import Secrets
from runtime.settings import Settings
from wire.sealing import SealingKey


def make_commune(settings: Settings, database: Database, folder: Path) -> None:
    """The commune Thiệu Trung with its three stations, a sample clip and a programme. Raises Refusal."""
    clock = ControllerClock()
    now = clock.now()
    key = SealingKey(Secrets.load_or_create(settings.data_dir / "secrets").controller_seed)
    credentials_issuer = issuer(settings, key, public_broker_url(settings))
    with database.writing() as session:
        add_commune(session, COMMUNE, "Xã Thiệu Trung", province="Thanh Hóa")
        border = {"type": "Polygon", "coordinates": [[*OUTLINE, OUTLINE[0]]]}
        set_outline(session, COMMUNE, read_outline(json.dumps(border).encode()))
        for zone, name in ZONES.items():
            add_zone(session, COMMUNE, zone, name)
        for site in SITES:
            station = add_station(
                session, COMMUNE, site.kind, site.station, maker=site.maker, former_commune=site.former_commune
            )
            _, credentials = enrol(
                session,
                credentials_issuer,
                receiver_id=site.receiver_id,
                commune_id=COMMUNE,
                station_id=station.number,
                name=site.name,
                place=site.place,
                zones=[site.zone],
                path_delay_ms=site.path_delay_ms,
                now=now,
            )
            place_receiver(session, site.receiver_id, site.position)
            home = folder / "receivers" / site.receiver_id
            home.mkdir(parents=True, exist_ok=True)
            write_credentials(credentials, home / "credentials.json")
    media, originals = Media(settings.data_dir / "media"), Media(settings.data_dir / "originals")
    ensure_chimes(database, media, COMMUNE, now)
    ingest = Ingest(database, media, originals, clock, most_bytes=settings.max_upload_bytes, most_hours=1)
    greeting = folder / "sample.wav"
    speak(SAMPLE_TEXT, greeting)
    upload = ingest.open_upload(COMMUNE, "Lời chào.wav", by="demo", title="Lời chào của xã")
    upload.write(greeting.read_bytes())
    upload.finish()
    ingest.work_one(upload.job_id)
    greeting.unlink()
    with database.writing() as session:
        ingest_job = job(session, upload.job_id)
        if ingest_job.clip_id is None:
            raise ingest_job.why or DemoFailed("the sample clip could not be made")
        items = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, ingest_job.clip_id), Item(ItemKind.CLOSING_CHIME)]
        add_programme(session, COMMUNE, "Bản tin sáng", items, now=now, by="demo")
