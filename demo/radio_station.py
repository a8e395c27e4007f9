"""A radio station for the demo's check of relays: an MP3 stream of this machine, which can be cut and comes back."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: As Icecast does: a connection begins with what was sent just before.
_BURST_S, _STEP_S = 3.0, 0.1


class RadioStation:
    """A context manager. Until `play` it refuses, as while it is cut."""

    def __init__(self) -> None:
        station = self
        self._sound, self._seconds = b"", 1.0
        self._is_cut, self._closing = True, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    station._answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> "RadioStation":
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="radio station", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def play(self, recording: Path, seconds: float) -> None:
        """recording: an MP3 of this length, sent over and over."""
        self._sound, self._seconds, self._is_cut = recording.read_bytes(), seconds, False

    def cut(self) -> None:
        self._is_cut = True

    def restore(self) -> None:
        self._is_cut = False

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self._is_cut:
            request.send_error(503)
            return
        request.send_response(200)
        request.send_header("Content-Type", "audio/mpeg")
        request.end_headers()
        due_s, at = time.monotonic() - _BURST_S, 0
        size = round(len(self._sound) / self._seconds * _STEP_S)
        while not self._is_cut and not self._closing.wait(max(0.0, due_s - time.monotonic())):
            request.wfile.write(self._sound[at : at + size])
            at, due_s = (at + size) % len(self._sound), due_s + _STEP_S
