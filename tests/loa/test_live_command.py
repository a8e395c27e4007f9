"""`loa live` with a real Mosquitto: announced, received, stopped; a broker that fails meanwhile does not end it."""

import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from broadcast.broadcasts import Broadcast
from broadcast.on_air import between
from devices.communes import add_commune
from devices.enrolment import CONTROLLER_USER, acl_rows, enrol
from devices.stations import StationKind, add_station
from loa.broker_access import issuer, public_broker_url
from loa.schema import open_database
from runtime.broker import MqttBroker
from runtime.clock import ControllerClock
from runtime.mosquitto import Mosquitto, free_port, hash_password
from runtime.secret_files import Secrets
from runtime.settings import load_settings
from studio.live_recordings import live_folder
from tests.cast import COMMUNE, COMMUNE_NAME
from wire.broadcasts import LiveItem, Manifest
from wire.live import RATE, LiveFrame, open_frame
from wire.messages import encode
from wire.reports import Presence
from wire.sealing import PublicKey, SealingKey, open_sealed

DEADLINE_S = 15.0


class Place:
    """A controller's folder, its broker, and an ear on it."""

    def __init__(self, folder: Path) -> None:
        self.settings = load_settings(data_dir=folder / "controller", broker_port=free_port())
        self.database = open_database(self.settings)
        kept = Secrets.load_or_create(self.settings.data_dir / "secrets")
        key = SealingKey(kept.controller_seed)
        self.key = PublicKey(key.public)
        with self.database.writing() as session:
            add_commune(session, COMMUNE, COMMUNE_NAME)
            station = add_station(session, COMMUNE, StationKind.IP, "Cụm")
            giving = issuer(self.settings, key, public_broker_url(self.settings))
            enrol(
                session,
                giving,
                receiver_id="thon-1",
                commune_id=COMMUNE,
                station_id=station.number,
                name="Thôn 1",
                now=ControllerClock().now(),
            )
        self.mosquitto = Mosquitto(
            self.settings.data_dir / "broker",
            host="127.0.0.1",
            port=self.settings.broker_port,
            controller_user=CONTROLLER_USER,
            acl=acl_rows(),
        )
        self.mosquitto.set_accounts({CONTROLLER_USER: hash_password(kept.broker_password)})
        self.mosquitto.start()
        self.manifests: list[Manifest] = []
        self.frames: list[LiveFrame] = []
        self.ear = MqttBroker(
            self.mosquitto.controller_url,
            user=CONTROLLER_USER,
            password=kept.broker_password,
            client_id="ear",
            clean=True,
        )
        self.ear.subscribe(f"loa/1/c/{COMMUNE}/air/+", self._hear_manifest)
        self.ear.subscribe(f"loa/1/c/{COMMUNE}/live/+", self._hear_frame, qos=0)
        wait_for(lambda: self.ear.connected)

    def _hear_manifest(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.manifests.append(open_sealed(payload, Manifest, {self.key.kid: self.key}, to=f"c/{COMMUNE}", now_us=None))

    def _hear_frame(self, topic: str, payload: bytes, _retained: bool) -> None:
        self.frames.append(open_frame(payload, topic, self.key))

    def live(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        short = () if "--buffer-ms" in arguments else ("--buffer-ms", "300")
        command = [
            sys.executable,
            "-m",
            "loa",
            "live",
            *arguments,
            "--data",
            str(self.settings.data_dir),
            "--broker-port",
            str(self.settings.broker_port),
            *short,
        ]
        return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def broadcasts(self) -> list[Broadcast]:
        now = ControllerClock().now()
        with self.database.session() as session:
            return between(session, COMMUNE, now.replace(year=now.year - 1), now.replace(year=now.year + 1))

    def close(self) -> None:
        self.ear.close()
        self.mosquitto.stop()
        self.database.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    opened = Place(tmp_path)
    yield opened
    opened.close()


def wait_for(there: Callable[[], object]) -> None:
    until_s = time.monotonic() + DEADLINE_S
    while not there():
        assert time.monotonic() < until_s, "it did not come"
        time.sleep(0.02)


def recording(path: Path, seconds: float) -> str:
    sound = (np.random.default_rng(1).standard_normal(int(48_000 * seconds)) * 3000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return str(path)


def test_a_file_is_announced_sent_to_its_end_and_stopped(place: Place, tmp_path: Path) -> None:
    sending = place.live(recording(tmp_path / "a.wav", 1.5), "--title", "Họp dân")
    said, _ = sending.communicate(timeout=30)
    assert sending.returncode == 0, said
    (kept,) = place.broadcasts()
    assert (kept.title, kept.cause, kept.announced_revision) == ("Họp dân", "live_ended", 2)
    wait_for(lambda: len(place.manifests) == 2)
    first, last = place.manifests
    assert isinstance(first.items[0], LiveItem)
    assert first.items[0].buffer_us == 300_000
    assert last.stopped_at_us is not None
    assert last.stopped_at_us >= first.starts_at_us + 1_500_000
    assert sum(len(frame.packets) for frame in place.frames) == 76
    assert {f.stream_starts_at_us for f in place.frames} == {first.starts_at_us - 6_500}
    (kept_recording,) = live_folder(place.settings.data_dir / "originals").iterdir()
    assert kept_recording.stem == kept.id
    assert soundfile.info(kept_recording).frames == 1.5 * RATE


def test_a_pipe_goes_on_over_a_broker_that_falls_and_ends_with_sigterm(place: Place) -> None:
    reading, writing = os.pipe()
    sending = place.live("-", "--raw", stdin=reading)
    os.close(reading)
    wait_for(lambda: place.manifests)
    heard_before = 0
    try:
        began_s, sent, restarted = time.monotonic(), 0, False
        while time.monotonic() - began_s < DEADLINE_S:
            os.write(writing, bytes(1920))  # 10 ms of silence, two channels
            sent += 1
            time.sleep(max(0.0, began_s + sent * 0.01 - time.monotonic()))
            if not restarted and len(place.frames) > 20:
                pid = place.mosquitto.pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                restarted, heard_before = True, len(place.frames)
            elif restarted and len(place.frames) > heard_before + 50:
                break
        assert len(place.frames) > heard_before + 50, "no sound came after the broker was back"
        sending.send_signal(signal.SIGTERM)
        said, _ = sending.communicate(timeout=20)
        assert sending.returncode == 0, said
    finally:
        os.close(writing)
        sending.kill()
    assert len({frame.stream for frame in place.frames}) == 1
    (kept,) = place.broadcasts()
    assert kept.cause == "live_ended"
    wait_for(lambda: place.manifests[-1].stopped_at_us is not None)


def test_a_receiver_that_joins_gets_the_frames_that_lie_ahead_again(place: Place, tmp_path: Path) -> None:
    sending = place.live(recording(tmp_path / "a.wav", 4), "--buffer-ms", "1000")
    wait_for(lambda: len(place.frames) > 30)
    birth = encode(Presence(session=1, online=True))
    place.ear.publish("loa/1/r/thon-1/presence", birth, qos=1, retain=True)
    sending.communicate(timeout=30)
    wait_for(lambda: sum(len(frame.packets) for frame in place.frames) == 201 + 2 * 24)
    indexes = [frame.first_index for frame in place.frames]
    again = [k for k in range(1, len(indexes)) if indexes[k] < indexes[k - 1]]
    assert len(again) == 1
    assert indexes[again[0] : again[0] + 24] == list(range(indexes[again[0] - 1] - 48, indexes[again[0] - 1], 2))


def test_without_a_controller_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loa", "live", "-", "--data", str(tmp_path / "nobody")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "There is no controller" in done.stderr
