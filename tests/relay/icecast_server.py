"""A real Icecast, and a source that sends it what a `Behaviour` says."""

import base64
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.relay.station_server import Behaviour, paced_sound

_PASSWORD = "mk"
_CONFIGURATION = """<icecast>
  <limits><sources>2</sources><source-timeout>20</source-timeout><burst-size>24000</burst-size></limits>
  <authentication><source-password>{password}</source-password><admin-user>a</admin-user>
    <admin-password>{password}</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><bind-address>127.0.0.1</bind-address><port>{port}</port></listen-socket>
  <paths><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
    <adminroot>/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
  <security><changeowner>{owner}</changeowner></security>
</icecast>"""


class IcecastServer:
    """A context manager. behaviour: of the source at /live.mp3."""

    def __init__(self) -> None:
        self.behaviour = Behaviour.PLAYS
        self._folder = Path(tempfile.mkdtemp(prefix="loa-icecast-"))
        self._folder.chmod(0o777)
        self._closing = threading.Event()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        # As root it wants to become another user.
        owner = "<user>nobody</user><group>nogroup</group>" if os.geteuid() == 0 else ""
        text = _CONFIGURATION.format(port=self._port, folder=self._folder, owner=owner, password=_PASSWORD)
        (self._folder / "icecast.xml").write_text(text)

    def __enter__(self) -> "IcecastServer":
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._server = subprocess.Popen(["icecast2", "-c", self._folder / "icecast.xml"], **quiet)
        _until(lambda: socket.create_connection(("127.0.0.1", self._port), 1).close())
        threading.Thread(target=self._feed, daemon=True).start()
        _until(lambda: urllib.request.urlopen(self.url("live.mp3"), timeout=1).close())  # noqa: S310 - our own loopback
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.kill()
        self._server.wait()
        shutil.rmtree(self._folder)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._port}"

    def url(self, path: str) -> str:
        return f"http://{self.place}/{path}"

    def _feed(self) -> None:
        """Be its source, again and again: one whose connection ended comes back."""
        while not self._closing.is_set():
            if self.behaviour is not Behaviour.CUT:
                with suppress(OSError):
                    self._feed_once()
            self._closing.wait(0.1)

    def _feed_once(self) -> None:
        account = base64.b64encode(f"source:{_PASSWORD}".encode()).decode()
        with socket.create_connection(("127.0.0.1", self._port), 5) as source:
            head = f"PUT /live.mp3 HTTP/1.0\r\nAuthorization: Basic {account}\r\nContent-Type: audio/mpeg\r\n\r\n"
            source.sendall(head.encode())
            if b" 200 " not in source.recv(500):
                return
            for piece in paced_sound("mp3", lambda: self.behaviour, self._closing, burst_s=0.0):
                source.sendall(piece)


def _until(attempt: object) -> None:
    deadline_s = time.monotonic() + 10
    for n in itertools.count():
        with suppress(OSError):
            attempt()  # type: ignore[operator]
            return
        assert time.monotonic() < deadline_s, f"Icecast does not come up ({n} attempts)"
        time.sleep(0.05)
