"""A real Icecast: what it relays is heard, and the end of its source is noticed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.relay.station_server import TONE_HZ
from tests.relay.test_station_streams import Heard, frequency_hz

CONFIGURATION = """<icecast>
  <limits><sources>2</sources><burst-size>65535</burst-size></limits>
  <authentication><source-password>mk</source-password><admin-user>a</admin-user><admin-password>mk</admin-password>
  </authentication>
  <hostname>localhost</hostname>
  <listen-socket><bind-address>127.0.0.1</bind-address><port>{port}</port></listen-socket>
  <paths><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
    <adminroot>/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
  <security><changeowner>{owner}</changeowner></security>
</icecast>"""


class Icecast:
    """The server, and ffmpeg as its source."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.place = f"127.0.0.1:{free.getsockname()[1]}"
        # As root it wants to become another user.
        owner = "<user>nobody</user><group>nogroup</group>" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(port=self.place.rpartition(":")[2], folder=folder, owner=owner)
        (folder / "icecast.xml").write_text(text)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._server = subprocess.Popen(["icecast2", "-c", folder / "icecast.xml"], **quiet)
        self._until(lambda: socket.create_connection(tuple_of(self.place), 1).close())
        source = (
            f"-re -f lavfi -i sine={TONE_HZ}:r=48000 -ac 1 -c:a libmp3lame -b:a 64k -content_type audio/mpeg -f mp3"
        )
        command = [
            "ffmpeg",
            "-loglevel",
            "error",
            *source.split(),
            "-content_type",
            "audio/mpeg",
            f"icecast://source:mk@{self.place}/vov1.mp3",
        ]
        self.source = subprocess.Popen(command, stdin=subprocess.DEVNULL, **quiet)
        self._until(lambda: urllib.request.urlopen(self.url("vov1.mp3"), timeout=1).close())  # noqa: S310 - our own loopback

    def url(self, path: str) -> str:
        return f"http://{self.place}/{path}"

    def close(self) -> None:
        for child in (self.source, self._server):
            child.kill()
            child.wait()

    @staticmethod
    def _until(attempt: object) -> None:
        deadline_s = time.monotonic() + 10
        while True:
            with suppress(OSError):
                attempt()  # type: ignore[operator]
                return
            assert time.monotonic() < deadline_s, "Icecast does not come up"
            time.sleep(0.05)


def tuple_of(place: str) -> tuple[str, int]:
    host, _, port = place.partition(":")
    return host, int(port)


@pytest.fixture
def icecast() -> Iterator[Icecast]:
    folder = Path(tempfile.mkdtemp(prefix="loa-icecast-"))
    folder.chmod(0o777)
    server = Icecast(folder)
    yield server
    server.close()
    shutil.rmtree(folder)


def test_a_station_of_icecast_is_heard_until_its_source_ends(icecast: Icecast) -> None:
    heard = Heard(icecast, "vov1.mp3")
    try:
        heard.pcm(0.3)
        assert frequency_hz(heard.pcm(0.5)) == pytest.approx(TONE_HZ, abs=5)
        icecast.source.kill()
        assert heard.failure() == "The station has ended the stream."
    finally:
        heard.close()
