"""The demo: a controller and three receivers on this machine, each a process of its own, in one folder."""

import json
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from broadcast.chimes import ensure_chimes
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import job
from broadcast.media import Media
from broadcast.programmes import Item, ItemKind, add_programme
from broadcast.speech import EspeakNg
from demo.child_processes import Child
from devices.communes import add_commune, communes
from devices.enrolment import enrol
from devices.outlines import set_outline
from devices.positions import Position, place_receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone
from loa.broker_access import issuer, public_broker_url
from loa.schema import open_database
from people.operators import create_first_operator
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.mosquitto import free_port
from runtime.refusal import Refusal
from runtime.secret_files import Secrets
from runtime.settings import Settings, load_settings
from wire.sealing import SealingKey

COMMUNE = "thieu-trung"
SAMPLE_TEXT = (
    "Kính chào bà con. Đây là Đài truyền thanh xã Thiệu Trung. "
    "Từ hôm nay, loa có dây, loa FM và loa thông minh của xã cùng phát một lúc, như một đài. "
    "Chúc bà con một ngày làm việc tốt lành."
)


@dataclass(frozen=True)
class Place:
    """A receiver of the demo. path_delay_ms: of its amplifier chain. ppm: of its virtual crystal.

    commune: whose it is at first.
    """

    receiver: str
    name: str
    place: str
    kind: StationKind
    station: str
    maker: str
    former_commune: str
    zone: str
    path_delay_ms: float
    ppm: float
    position: Position
    commune: str = COMMUNE


PLACES = (
    Place(
        "cum-ip-thon-1",
        "Cụm IP thôn 1",
        "Nhà văn hóa thôn 1",
        StationKind.IP,
        "Cụm IP Thiệu Trung",
        "VTC",
        "Thiệu Trung",
        "thon-1",
        0,
        20,
        Position(19.87420, 105.68350),
    ),
    Place(
        "co-day-thon-3",
        "Đài có dây thôn 3",
        "Trạm truyền thanh cũ",
        StationKind.WIRED,
        "Đài có dây Thiệu Chính",
        "Điện tử Bình Minh",
        "Thiệu Chính",
        "thon-3",
        35,
        -35,
        Position(19.86950, 105.68720),
    ),
    Place(
        "fm-hau-hien",
        "Máy phát FM Hậu Hiền",
        "UBND xã cũ",
        StationKind.FM,
        "Đài FM Hậu Hiền",
        "EMICO",
        "Hậu Hiền",
        "hau-hien",
        120,
        60,
        Position(19.86310, 105.67260),
    ),
)
ZONES = {"thon-1": "Thôn 1", "thon-3": "Thôn 3", "hau-hien": "Khu Hậu Hiền"}


#: A border for the map of the demo, drawn by hand round its places: no survey.
OUTLINE = (
    (105.6571, 19.8702),
    (105.6603, 19.8781),
    (105.6689, 19.8826),
    (105.6752, 19.8811),
    (105.6815, 19.8858),
    (105.6903, 19.8846),
    (105.6968, 19.8790),
    (105.6951, 19.8719),
    (105.6992, 19.8655),
    (105.6917, 19.8598),
    (105.6838, 19.8611),
    (105.6775, 19.8552),
    (105.6671, 19.8561),
    (105.6617, 19.8624),
)


class DemoFailed(Exception):
    """The demo could not be started: the message says what did not come up, and its last words."""


class Demo:
    """Everything the demo runs. A context manager: what was started is stopped, however it ends."""

    places = PLACES

    def __init__(self, folder: Path | None = None, http_port: int = 0) -> None:
        """folder: kept when given, else a temporary one that is removed. http_port: 0 takes 8080, or a free one."""
        self._closing = ExitStack()
        self._kept = folder
        self._http_port = http_port
        self.password = ""
        self.operator = ""
        self.began_s = time.monotonic()

    def __enter__(self) -> "Demo":
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.settings.base_url

    def recording(self, receiver: str) -> Path:
        """Where a receiver's virtual card records."""
        return self.folder / "receivers" / receiver / "recording"

    def _start(self) -> None:
        if self._kept is not None:
            self.folder = self._kept.absolute()
        else:
            self.folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="loa-demo-")))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = load_settings(
            data_dir=self.folder / "controller",
            http_port=self._http_port or _port_or_free(8080),
            broker_port=self._known_broker_port() or free_port(),
        )
        # 1. What the commune has: made directly in the tables, before anything runs.
        self._prepare()
        # 2. The controller, then the receivers.
        self.controller = Child("controller", self._controller_arguments(), self.folder / "controller.log")
        self._closing.callback(self.controller.stop)
        self.controller.start()
        self.receivers: dict[str, Child] = {}
        for place in self.places:
            child = Child(place.receiver, self._receiver_arguments(place), self.folder / f"{place.receiver}.log")
            self.receivers[place.receiver] = child
            self._closing.callback(child.stop)
            child.start()
        self._wait_until_up()

    def _make(self, database: Database) -> None:
        """What there is at first. Raises Refusal."""
        make_commune(self.settings, database, self.folder)

    def _known_broker_port(self) -> int:
        """Where the receivers of a folder that was used before look for the broker; 0 in a new one."""
        credentials = self.folder / "receivers" / self.places[0].receiver / "credentials.json"
        if not credentials.exists():
            return 0
        return urlsplit(json.loads(credentials.read_text())["broker_url"]).port or 0

    def _controller_arguments(self) -> list[str]:
        settings = self.settings
        return [
            "serve",
            "--data",
            str(settings.data_dir),
            "--http-port",
            str(settings.http_port),
            "--broker-port",
            str(settings.broker_port),
        ]

    def _receiver_arguments(self, place: Place) -> list[str]:
        home = self.folder / "receivers" / place.receiver
        return [
            "receiver",
            "run",
            "--credentials",
            str(home / "credentials.json"),
            "--data",
            str(home / "data"),
            "--speaker",
            f"virtual:{self.recording(place.receiver)}",
            "--ppm",
            str(place.ppm),
            "--listen",
            f"virtual:{self.recording(place.receiver)}",
        ]

    def _prepare(self) -> None:
        database = open_database(self.settings)
        try:
            now = ControllerClock().now()
            with database.session() as session:
                known = communes(session)
            if not known:
                self._make(database)
            with database.writing() as session:
                first = create_first_operator(session, now)
            if first is not None:
                self.operator, self.password = first
        finally:
            database.close()

    def _wait_until_up(self) -> None:
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            for child in (self.controller, *self.receivers.values()):
                if not child.running:
                    raise DemoFailed(f"{child.name} ended:\n{child.last_words()}")
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:  # noqa: S310 - our own loopback
                    if b'"broker":true' in answer.read():
                        return
            except OSError:
                time.sleep(0.05)
        raise DemoFailed(f"the controller did not answer:\n{self.controller.last_words()}")


def make_commune(settings: Settings, database: Database, folder: Path) -> None:
    """The commune Thiệu Trung with its three stations, a sample clip and a programme. Raises Refusal."""
    clock = ControllerClock()
    now = clock.now()
    key = SealingKey(Secrets.load_or_create(settings.data_dir / "secrets").controller_seed)
    giving = issuer(settings, key, public_broker_url(settings))
    with database.writing() as session:
        add_commune(session, COMMUNE, "Xã Thiệu Trung", province="Thanh Hóa")
        border = {"type": "Polygon", "coordinates": [[*OUTLINE, OUTLINE[0]]]}
        set_outline(session, COMMUNE, json.dumps(border).encode())
        for zone, name in ZONES.items():
            add_zone(session, COMMUNE, zone, name)
        for place in PLACES:
            station = add_station(
                session, COMMUNE, place.kind, place.station, maker=place.maker, former_commune=place.former_commune
            )
            _, credentials = enrol(
                session,
                giving,
                receiver_id=place.receiver,
                commune_id=COMMUNE,
                station_id=station.number,
                name=place.name,
                place=place.place,
                zones=[place.zone],
                path_delay_ms=place.path_delay_ms,
                now=now,
            )
            place_receiver(session, place.receiver, place.position)
            home = folder / "receivers" / place.receiver
            home.mkdir(parents=True, exist_ok=True)
            credentials.write(home / "credentials.json")
    media, originals = Media(settings.data_dir / "media"), Media(settings.data_dir / "originals")
    ensure_chimes(database, media, COMMUNE, now)
    ingest = Ingest(database, media, originals, clock, most_bytes=settings.max_upload_bytes, most_hours=1)
    spoken = folder / "sample.wav"
    EspeakNg().speak(SAMPLE_TEXT, spoken)
    upload = ingest.open_upload(COMMUNE, "Lời chào.wav", by="demo", title="Lời chào của xã")
    upload.write(spoken.read_bytes())
    upload.finish()
    ingest.work_one(upload.job_id)
    spoken.unlink()
    with database.writing() as session:
        made = job(session, upload.job_id)
        if made.clip_id is None:
            raise made.why or Refusal("The sample clip could not be made.")
        items = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, made.clip_id), Item(ItemKind.CLOSING_CHIME)]
        add_programme(session, COMMUNE, "Bản tin sáng", items, now=now, by="demo")


def make_mp3(path: Path, seconds: int = 20, seed: int = 7) -> None:
    """A real recording to upload: speech over a bed of noise that never repeats, as an MP3. Raises DemoFailed.

    seed: another one is other noise.
    """
    speech = path.with_suffix(".speech.wav")
    EspeakNg().speak(SAMPLE_TEXT, speech)
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-y",
        "-i",
        str(speech),
        "-f",
        "lavfi",
        "-i",
        f"anoisesrc=color=pink:seed={seed}:duration={seconds}:sample_rate=44100:amplitude=0.25",
        "-filter_complex",
        f"[0:a]aresample=44100,apad[s];[s][1:a]amix=inputs=2:duration=shortest,atrim=0:{seconds}",
        "-c:a",
        "libmp3lame",
        "-b:a",
        "128k",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    speech.unlink()
    if done.returncode:
        raise DemoFailed(done.stderr.decode(errors="replace"))


def _port_or_free(wanted: int) -> int:
    """A well-known port when nobody has it, else a free one."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{wanted}/", timeout=0.3):
            return free_port()
    except ConnectionRefusedError:
        return wanted
    except OSError as error:
        return wanted if isinstance(getattr(error, "reason", None), ConnectionRefusedError) else free_port()
