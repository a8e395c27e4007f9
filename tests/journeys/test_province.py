"""Province, controller and receiver as processes: an emergency is played, and reported after an outage."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlmodel import select

from demo.browser import Browser
from demo.child_processes import ChildProcess
from demo.operator_tasks import online_count, sign_in, wait_for
from devices.communes import add_commune
from loa.schema import open_database
from province.outbox import PLAY_LOG, OutboxMessage
from runtime.database import Database
from runtime.settings import load_settings
from tests.journeys.test_joining import Alone, loa

SOUND_S = 4
#: Of the recording at the loudspeaker; silence is exact zeros.
AUDIBLE = 1000
PASSWORD = "mat-khau-cua-xa"
WAITS_FOR_A_MOMENT = 'name = "Tỉnh thử"\npoll_s = 1\nheartbeat_s = 5\n'


class Province:
    """`loa province-sim`, driven through standard input. After a kill and a restart it has the same address."""

    def __init__(self, folder: Path) -> None:
        self._kept, self._log = folder / "province.kept", folder / "province.log"
        self.port = 0
        self.start()

    def start(self) -> None:
        before = self._said()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "loa",
                    "province-sim",
                    "--port",
                    str(self.port),
                    "--password",
                    PASSWORD,
                    "--kept",
                    str(self._kept),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_for("the province", lambda: "The province is at" in self._said().removeprefix(before), 30)
        self.port = int(re.findall(r"at http://127\.0\.0\.1:(\d+)", self._said())[-1])

    def send_down(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def received(self, kind: str) -> list[tuple[str, dict[str, object]]]:
        """Key and message of what it took."""
        lines = [json.loads(line) for line in self._kept.read_text().splitlines()]
        return [(key, message) for name, key, message in lines if name == kind]

    def states(self) -> set[tuple[object, object]]:
        """Code and connection of the receivers, as it was told."""
        return {(m["CumLoaID"], m["TrangThaiKetNoi"]) for _, m in self.received("heartbeat")}

    def _said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alone]:
    """With one receiver, which records what its loudspeaker gives."""
    monkeypatch.setenv("LOA_HEARTBEAT_S", "1")
    made, credentials = Alone(tmp_path), tmp_path / "r.json"
    monkeypatch.setenv("LOA_BROKER_PORT", str(made.broker_port))
    receiver = ChildProcess(
        "thon-9",
        [
            "receiver",
            "run",
            "--credentials",
            str(credentials),
            "--data",
            str(tmp_path / "r"),
            "--speaker",
            f"virtual:{tmp_path}/v",
        ],
        tmp_path / "r.log",
    )
    try:
        made.start()
        database = open_database(load_settings(data_dir=made.folder / "data"))
        with database.writing() as session:
            add_commune(session, "tt", "Thiệu Trung")
        database.close()
        own = made.folder / "data" / "province" / "thu.toml"
        own.parent.mkdir(exist_ok=True)
        own.write_text(WAITS_FOR_A_MOMENT)
        added = loa(
            "receiver",
            "add",
            "thon-9",
            "--commune",
            "tt",
            "--data",
            str(made.folder / "data"),
            "--out",
            str(credentials),
        )
        assert added.returncode == 0, added.stderr
        receiver.start()
        yield made
    finally:
        receiver.stop()
        made.child.stop()


def test_an_emergency_of_the_province_sounds_and_its_play_log_goes_up_once_over_an_outage(
    controller: Alone, province: Province, tmp_path: Path
) -> None:
    data, recording = controller.folder / "data", tmp_path / "khan.wav"
    at = np.arange(SOUND_S * 8000) / 8000
    soundfile.write(recording, 0.5 * np.sin(2 * np.pi * 440 * at), 8000)
    kept = loa("province-account", "tt", "xa", "--password", PASSWORD, "--data", str(data))
    assert kept.returncode == 0, kept.stderr
    browser = signed_in(controller)
    browser.page("/province")
    browser.send(
        "/province",
        profile="thu",
        base_url=f"http://127.0.0.1:{province.port}",
        own_code="38.1",
        enabled="yes",
        receiver_codes="thon-9 = 8670001",
    )
    wait_for("the receiver", lambda: online_count(browser) == 1, 60)
    online_there = ("8670001", 1)
    wait_for("its state at the province", lambda: online_there in province.states(), 30)

    province.send_down(f'bulletin {recording} 1 "Nước lũ lên nhanh"')
    wait_for("the emergency on air", lambda: "Nước lũ lên nhanh" in browser.page("/"), 30)
    province.kill()
    wait_for("a play log that waits", lambda: play_logs_that_wait(data) == 1, 60)
    assert heard_s(tmp_path / "v") == pytest.approx(SOUND_S, abs=0.2)
    assert province.received("play_log") == []

    province.start()
    browser.page("/province")
    browser.send("/province/try")
    wait_for("everything told", lambda: play_logs_that_wait(data) == 0, 30)
    [(key, told)] = province.received("play_log")
    assert key.startswith("tt/nhat-ky/")
    assert (told["TieuDe"], told["MucDoUuTien"], told["CumLoaID"]) == ("Nước lũ lên nhanh", 1, "8670001")
    assert told["ThoiLuong"] == f"00:00:0{SOUND_S}"
    assert province.received("double") == []


def signed_in(controller: Alone) -> Browser:
    browser = Browser(f"http://127.0.0.1:{controller.http_port}")
    found = re.search(r"First operator: (\S+) +one-time password: (\S+)", controller.child.log.read_text())
    assert found is not None
    sign_in(browser, found[1], found[2])
    return browser


def play_logs_that_wait(data: Path) -> int:
    database = Database(f"sqlite:///{data / 'loa.db'}")
    query = select(OutboxMessage).where(OutboxMessage.kind == PLAY_LOG, OutboxMessage.settled_at == None)  # noqa: E711
    with database.session() as session:
        found = len(session.exec(query).all())
    database.close()
    return found


def heard_s(recording: Path) -> float:
    """For how long something could be heard: tenths of a second that are louder than `AUDIBLE`."""
    samples = np.abs(np.fromfile(recording / "audio.raw", "<i2").astype(np.int32))
    tenths = samples[: len(samples) // 4800 * 4800].reshape(-1, 4800)
    return float(np.sum(tenths.max(axis=1) > AUDIBLE)) / 10
