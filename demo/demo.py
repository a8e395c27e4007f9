"""The demo: a controller and three receivers on this machine, each in its own process, all in one folder."""

import json
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from demo.child_processes import ChildProcess
from demo.failure import DemoFailed
from demo.radio_station import RadioStation
from demo.sample_commune import make_commune
from demo.sites import SITES, DemoSite
from devices.communes import communes
from loa.schema import open_database
from people.operators import create_first_operator
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.mosquitto import free_port
from runtime.settings import load_settings

_START_TIMEOUT_S = 60.0


class Demo:
    """A running demo. A context manager that stops its processes in the reverse order of their start."""

    sites = SITES

    def __init__(self, folder: Path | None = None, http_port: int = 0) -> None:
        """folder: kept; without one a temporary folder, removed at the end. http_port: 0 takes 8080, or a free one."""
        self._closing = ExitStack()
        self._kept_folder = folder
        self._http_port = http_port
        self.password = ""
        self.operator = ""
        self.started_at_s = time.monotonic()

    def __enter__(self) -> "Demo":
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def url(self) -> str:
        return self.settings.base_url

    def recording(self, receiver_id: str) -> Path:
        """The folder into which a receiver's virtual card records."""
        return self.folder / "receivers" / receiver_id / "recording"

    def _start(self) -> None:
        if self._kept_folder is not None:
            self.folder = self._kept_folder.absolute()
        else:
            self.folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="loa-demo-")))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = load_settings(
            data_dir=self.folder / "controller",
            http_port=self._http_port or _free_port_or(8080),
            broker_port=self._previous_broker_port() or free_port(),
        )
        # 1. The commune's data, written into the tables before any process runs.
        self._create_data()
        # 2. The controller, then the receivers.
        self.controller = self._child("controller", self._controller_arguments())
        self._closing.callback(self.controller.stop)
        self.controller.start(self._prepare())
        self.receivers: dict[str, ChildProcess] = {}
        for site in self.sites:
            child = self._child(site.receiver_id, self._receiver_arguments(site))
            self.receivers[site.receiver_id] = child
            self._closing.callback(child.stop)
            child.start()
        self.wait_until_up()

    def _child(self, name: str, arguments: list[str]) -> ChildProcess:
        """A process of the demo, not started yet. name: "controller", or the receiver's."""
        return ChildProcess(name, arguments, self.folder / f"{name}.log")

    def _fill(self, database: Database) -> None:
        """Write the sample data into empty tables. Raises Refusal, DemoFailed."""
        make_commune(self.settings, database, self.folder)

    def _prepare(self) -> dict[str, str]:
        """Start what is around controller and receivers. Returns settings of the controller."""
        self.station = self._closing.enter_context(RadioStation())
        return {"LOA_RELAY_HOSTS": self.station.place}

    def _previous_broker_port(self) -> int:
        """The broker port in the receivers' credentials, when the folder was used before; else 0."""
        credentials = self.folder / "receivers" / self.sites[0].receiver_id / "credentials.json"
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

    def _receiver_arguments(self, site: DemoSite) -> list[str]:
        home = self.folder / "receivers" / site.receiver_id
        return [
            "receiver",
            "run",
            "--credentials",
            str(home / "credentials.json"),
            "--data",
            str(home / "data"),
            "--speaker",
            f"virtual:{self.recording(site.receiver_id)}",
            "--ppm",
            str(site.ppm),
            "--listen",
            f"virtual:{self.recording(site.receiver_id)}",
        ]

    def _create_data(self) -> None:
        database = open_database(self.settings)
        try:
            now = ControllerClock().now()
            with database.session() as session:
                is_empty = not communes(session)
            if is_empty:
                self._fill(database)
            with database.writing() as session:
                first = create_first_operator(session, now)
            if first is not None:
                self.operator, self.password = first
        finally:
            database.close()

    def wait_until_up(self) -> None:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            for child in (self.controller, *self.receivers.values()):
                if not child.running:
                    raise DemoFailed(child.ending())
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:  # noqa: S310 - our own loopback
                    if b'"broker":true' in answer.read():
                        return
            except OSError:
                time.sleep(0.05)
        silent = f"controller: no answer within {_START_TIMEOUT_S:.0f} s"
        raise DemoFailed("\n".join([silent, *self.controller.errors()]))


def _free_port_or(wanted: int) -> int:
    """`wanted` when nothing listens on it, else a free port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{wanted}/", timeout=0.3):
            return free_port()
    except ConnectionRefusedError:
        return wanted
    except OSError as error:
        return wanted if isinstance(getattr(error, "reason", None), ConnectionRefusedError) else free_port()
