"""The stations of `loa demo --mergers`: two old units and a new one, each with a receiver and the chain behind it.

The chains are those that a commune would have, on a virtual relay board that is told by HTTP.
"""

import threading
import time
import tomllib
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from broadcast.chimes import ensure_chimes
from broadcast.media import Media
from broadcast.on_air import Broadcast
from broadcast.play_reports import PlayReportRow
from demo.demo import Demo, Place
from devices.communes import add_commune
from devices.enrolment import enrol
from devices.positions import Position, place_receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone
from loa.broker_access import issuer, public_broker_url
from people.operators import add_operator, create_first_operator
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.secret_files import Secrets
from wire.sealing import SealingKey

CHINH, HIEN, TRUNG = "thieu-chinh", "hau-hien", "thieu-trung"
NAMES = {CHINH: "Xã Thiệu Chính", HIEN: "Xã Hậu Hiền", TRUNG: "Xã Thiệu Trung"}
PLACES = (
    Place(
        "co-day-thieu-chinh",
        "Đài có dây Thiệu Chính",
        "UBND xã Thiệu Chính cũ",
        StationKind.WIRED,
        "Đài có dây Thiệu Chính",
        "Điện tử Bình Minh",
        "Thiệu Chính",
        "thieu-chinh-thon-3",
        35,
        -35,
        Position(19.86950, 105.68720),
        CHINH,
    ),
    Place(
        "fm-hau-hien",
        "Máy phát FM Hậu Hiền",
        "UBND xã Hậu Hiền cũ",
        StationKind.FM,
        "Đài FM Hậu Hiền",
        "EMICO",
        "Hậu Hiền",
        "hau-hien-thon-1",
        120,
        60,
        Position(19.86310, 105.67260),
        HIEN,
    ),
    Place(
        "cum-ip-thieu-trung",
        "Cụm IP trung tâm",
        "UBND xã Thiệu Trung",
        StationKind.IP,
        "Cụm IP Thiệu Trung",
        "VTC",
        "",
        "thieu-trung-trung-tam",
        0,
        20,
        Position(19.87420, 105.68350),
        TRUNG,
    ),
)
ZONES = {"thieu-chinh-thon-3": "Thôn 3", "hau-hien-thon-1": "Thôn 1", "thieu-trung-trung-tam": "Khu trung tâm"}
#: What is switched before each kind sounds, in order; the milliseconds that it waits, and the input that is read back.
_STEPS: dict[StationKind, list[str | int | tuple[str, float, float]]] = {
    StationKind.WIRED: ["mains", 300, "amplifier", ("line_volts", 90, 310), "unmute"],
    StationKind.FM: ["carrier", 400, ("forward_watts", 20, 60), "unmute"],
    StationKind.IP: ["amplifier", 100, ("left_amperes", 0.2, 5)],
}
#: What the virtual board reads while the relay before it is on.
_READS = {"line_volts": ("amplifier", 120.0), "forward_watts": ("carrier", 48.0), "left_amperes": ("amplifier", 1.4)}
PAST_DAYS = 14


class Board:
    """A virtual relay board on loopback: relays told by URL, values read as JSON. It remembers each switching."""

    def __init__(self) -> None:
        self.on: dict[str, bool] = {}
        self.switched: list[tuple[float, str, bool]] = []
        board = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = board.asked(self.path).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="board", daemon=True)
        self._thread.start()

    def asked(self, path: str) -> str:
        """Answer /RECEIVER/RELAY/on, …/off or /RECEIVER/INPUT."""
        receiver, name, *to = path.strip("/").split("/")
        if to:
            self.on[f"{receiver}/{name}"] = to[0] == "on"
            self.switched.append((time.time(), f"{receiver}/{name}", to[0] == "on"))
            return "ok"
        relay, value = _READS.get(name, ("", 0.0))
        return f'{{"value": {value if self.on.get(f"{receiver}/{relay}") else 0.0}}}'

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def chain_text(place: Place, url: str) -> str:
    """The chain of a place, as docs/chains.md describes it."""
    base, steps = f"{url}/{place.receiver}", _STEPS[place.kind]
    lines = [f'kind = "{place.kind.value}"', f"path_delay_ms = {place.path_delay_ms}"]
    for step in steps:
        if isinstance(step, str):
            lines += [
                f"[outputs.{step}]",
                'type = "http"',
                f'on = "{base}/{step}/on"',
                f'off = "{base}/{step}/off"',
                'answer = "ok"',
            ]
        elif isinstance(step, tuple):
            lines += [f"[inputs.{step[0]}]", 'type = "http"', f'url = "{base}/{step[0]}"', 'field = "value"']
    for step in steps:
        lines.append("[[on]]")
        if isinstance(step, str):
            lines += ['do = "switch"', f'output = "{step}"']
        elif isinstance(step, int):
            lines += ['do = "wait"', f"ms = {step}"]
        else:
            lines += [
                'do = "check"',
                f'input = "{step[0]}"',
                f"least = {step[1]}",
                f"most = {step[2]}",
                "within_ms = 800",
            ]
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    return text


class MergersDemo(Demo):
    """Three communes on one controller, a receiver with its chain in each."""

    places = PLACES
    #: Name and one-time password of the one who shows it, so that yours stays yours; None in a folder used before.
    showing: tuple[str, str] | None = None

    def __enter__(self) -> "MergersDemo":
        self.board = Board()
        try:
            super().__enter__()
        except BaseException:
            self.board.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.board.close()

    def _make(self, database: Database) -> None:
        settings, now = self.settings, ControllerClock().now()
        key = SealingKey(Secrets.load_or_create(settings.data_dir / "secrets").controller_seed)
        giving = issuer(settings, key, public_broker_url(settings))
        with database.writing() as session:
            # Before the other: it is made only where there is nobody yet.
            self.operator, self.password = create_first_operator(session, now) or ("", "")
            for place in PLACES:
                add_commune(session, place.commune, NAMES[place.commune], province="Thanh Hóa")
                add_zone(session, place.commune, place.zone, ZONES[place.zone])
                station = add_station(session, place.commune, place.kind, place.station, maker=place.maker)
                _, credentials = enrol(
                    session,
                    giving,
                    receiver_id=place.receiver,
                    commune_id=place.commune,
                    station_id=station.number,
                    name=place.name,
                    place=place.place,
                    zones=[place.zone],
                    now=now,
                )
                place_receiver(session, place.receiver, place.position)
                home = self.folder / "receivers" / place.receiver
                home.mkdir(parents=True, exist_ok=True)
                credentials.write(home / "credentials.json")
            shower, password = add_operator(session, "trinh-dien", now)
            shower.admin = True
            session.add(shower)
        self.showing = (shower.name, password)
        _past(database, now)
        for commune_id in NAMES:
            ensure_chimes(database, Media(settings.data_dir / "media"), commune_id, now)

    def _receiver_arguments(self, place: Place) -> list[str]:
        chain = self.folder / "receivers" / place.receiver / "chain.toml"
        chain.write_text(chain_text(place, self.board.url))
        return [*super()._receiver_arguments(place), "--chain", str(chain)]

    @property
    def database(self) -> str:
        """Where the controller keeps its tables."""
        return self.settings.database


def _past(database: Database, now: datetime) -> None:
    """A fortnight of the old units' play log: sample data, so that there is a history to be found afterwards."""
    with database.writing() as session:
        for place in PLACES[:2]:
            for day in range(1, PAST_DAYS + 1):
                for hour in (22, 10):  # 05:00 and 17:00 in Vietnam
                    starts_at = datetime(now.year, now.month, now.day, hour, tzinfo=UTC) - timedelta(days=day + 1)
                    ident = f"past-{place.commune}-{day}-{hour}"
                    session.add(
                        Broadcast(
                            id=ident,
                            commune_id=place.commune,
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
                            broadcast_id=ident,
                            receiver_id=place.receiver,
                            report=ident,
                            manifest_revision=1,
                            outcome="played",
                            frames_played=1,
                            frames_due=1,
                        )
                    )
