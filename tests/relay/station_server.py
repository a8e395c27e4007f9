"""A radio station on this machine that does what it is told: it plays, cuts, stalls, is silent, changes, redirects.

A tone of 440 Hz is its sound. One behaviour holds for all addresses, until another is set.
"""

import functools
import gzip
import itertools
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from relay.frame_sync import frame_at

TONE_HZ, BURST_S, SEGMENT_S, SEGMENTS_LISTED = 440, 3.0, 1, 6
_LOOP_S = 12
_CODECS = {
    "mp3": "-c:a libmp3lame -b:a 64k -reservoir 0 -write_xing 0 -id3v2_version 0 -f mp3",
    "aac": "-c:a aac -b:a 64k -f adts",
    "opus": "-c:a libopus -b:a 48k -f ogg",
}
#: As soft as a silent studio, so that it can be told from no sound at all: -66 dB below full scale.
_TONE, _SILENCE = f"sine={TONE_HZ}:r=48000", f"sine={TONE_HZ}:r=48000,volume=-45dB"


class Behaviour(StrEnum):
    """CUT: connections end, and are refused. STALL: they stay open, and nothing comes. FORMAT: MP3 becomes AAC within a
    connection. RESET, SKIP, STOP: of the HLS playlist's numbers."""

    PLAYS = "plays"
    CUT = "cut"
    STALL = "stall"
    SILENT = "silent"
    FORMAT = "format"
    PAGE = "page"
    REDIRECT = "redirect"
    RESET = "reset"
    SKIP = "skip"
    STOP = "stop"


@functools.cache
def encoded(codec: str, source: str = _TONE, seconds: float = _LOOP_S) -> bytes:
    command = f"ffmpeg -hide_banner -loglevel error -f lavfi -i {source} -t {seconds} -ac 1 {_CODECS[codec]} -"
    return subprocess.run(command.split(), capture_output=True, check=True).stdout


@functools.cache
def looped(codec: str, source: str) -> bytes:
    """Sound that is sent over and over. Of MP3 and AAC whole frames from the middle, so that it has no seam."""
    if codec == "opus":
        return encoded(codec, source)
    sound, edges, at = encoded(codec, source, _LOOP_S + 2), list[int](), 0
    while (frame := frame_at(sound, at)) is not None:
        edges.append(at)
        at += frame.length
    samples = {"mp3": 1152, "aac": 1024}[codec]
    return sound[edges[50] : edges[50 + round(_LOOP_S * 48_000 / samples)]]


@functools.cache
def hls_segments(source: str, seconds: int) -> list[bytes]:
    """Of one encoding without its first second, since each begins with silence; after the last one comes the first."""
    with TemporaryDirectory() as folder:
        made = "-c:a aac -b:a 64k -f segment -segment_format mpegts"
        command = f"ffmpeg -loglevel error -f lavfi -i {source} -t {seconds + 1} -ac 1 {made} -segment_time {SEGMENT_S}"
        subprocess.run([*command.split(), f"{folder}/%05d.ts"], check=True)
        return [path.read_bytes() for path in sorted(Path(folder).iterdir())[1:]]


def paced_sound(
    codec: str, behaviour: Callable[[], Behaviour], closing: threading.Event, *, burst_s: float
) -> Iterator[bytes]:
    """A continuous stream in pieces of 0.1 s, as a live source sends it, until it is cut."""
    due_s, changed = time.monotonic() - burst_s, False
    for n in itertools.count():
        if closing.is_set() or behaviour() is Behaviour.CUT:
            return
        while behaviour() is Behaviour.STALL and not closing.wait(0.05):
            due_s = time.monotonic()  # a live source does not catch up
        changed = changed or (behaviour() is Behaviour.FORMAT and n > 0)
        sound = looped("aac" if changed else codec, _SILENCE if behaviour() is Behaviour.SILENT else _TONE)
        pieces = _LOOP_S * 10
        size, at = len(sound) // pieces, n % pieces
        yield sound[at * size : None if at == pieces - 1 else (at + 1) * size]
        due_s += 0.1
        closing.wait(max(0.0, due_s - time.monotonic()))


class StationServer:
    """A context manager. burst_s: how far ahead a continuous stream begins, as Icecast does."""

    def __init__(self, burst_s: float = BURST_S, hls_loop_s: int = _LOOP_S) -> None:
        self._burst_s, self._hls_loop_s = burst_s, hls_loop_s
        self.behaviour = Behaviour.PLAYS
        self.requests = list[str]()
        self.closing = threading.Event()
        self._began_s = time.monotonic()
        self._frozen_at: int | None = None
        station = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                station.requests.append(self.path)
                try:
                    station.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> "StationServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.place}/{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, behaviour = request.path.lstrip("/"), self.behaviour
        extension = name.partition("?")[0].partition(".")[2]
        if behaviour is Behaviour.CUT:
            request.send_error(503)
        elif behaviour is Behaviour.PAGE or name == "page":
            _send(request, "text/html", b"<!DOCTYPE html><html><body>Nghe radio</body></html>")
        elif behaviour is Behaviour.REDIRECT and not name.endswith("?moved"):
            _redirect(request, f"/{name}?moved")
        elif name.startswith("hls.m3u8"):
            _send(request, "application/vnd.apple.mpegurl", self._playlist().encode())
        elif extension == "seg":
            if behaviour is Behaviour.STALL:
                self.closing.wait(20)
            segments = hls_segments(self._sound, self._hls_loop_s)
            _send(request, "video/mp2t", segments[int(name[1:].partition(".")[0]) % len(segments)])
        elif extension in _CODECS:
            self._stream(request, extension)
        else:
            _misbehave(request, name, self.closing)

    @property
    def _sound(self) -> str:
        return _SILENCE if self.behaviour is Behaviour.SILENT else _TONE

    def _stream(self, request: BaseHTTPRequestHandler, codec: str) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "audio/mpeg")
        request.end_headers()
        for piece in paced_sound(codec, lambda: self.behaviour, self.closing, burst_s=self._burst_s):
            request.wfile.write(piece)

    def _playlist(self) -> str:
        newest = int(time.monotonic() - self._began_s) // SEGMENT_S + 100
        first, prefix = newest - SEGMENTS_LISTED, "a"
        if self.behaviour is Behaviour.STOP:
            first = self._frozen_at = first if self._frozen_at is None else self._frozen_at
        else:
            self._frozen_at = None
        if self.behaviour is Behaviour.RESET:
            first, prefix = first - 90, "b"
        elif self.behaviour is Behaviour.SKIP:
            first, prefix = first + 500, "c"
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{SEGMENT_S}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for n in range(first, first + SEGMENTS_LISTED):
            lines += [f"#EXTINF:{SEGMENT_S},", f"{prefix}{n}.seg"]
        return "\n".join(lines) + "\n"


def _misbehave(request: BaseHTTPRequestHandler, name: str, closing: threading.Event) -> None:
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
    lists = {
        "thousand.m3u8": head + "".join(f"#EXTINF:4,\n{n}.ts\n" for n in range(1000)),
        "file.m3u8": head + "#EXTINF:4,\nfile:///etc/passwd\n",
        "file.m3u": "#EXTM3U\nfile:///etc/passwd\n",
        "encrypted.m3u8": head + '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:4,\na.ts\n',
        "byte-ranges.m3u8": head + "#EXTINF:4,\n#EXT-X-BYTERANGE:1000@0\na.ts\n",
        "list.pls": "[playlist]\nFile1=/live.mp3\nNumberOfEntries=1\n",
    }
    redirects = {
        "loop": "/loop",
        "inside": "http://169.254.169.254/latest",
        "this-machine": "http://127.0.0.1:8080/live.mp3",
    }
    if name in lists:
        _send(request, "audio/mpegurl", lists[name].encode())
    elif name in redirects:
        _redirect(request, redirects[name])
    elif name == "header":
        request.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not closing.is_set():
            request.wfile.write(b"X-More: " + b"a" * 1000 + b"\r\n")
    elif name == "slow-header":
        request.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not closing.wait(0.05):
            request.wfile.write(b"X: a\r\n")
    elif name == "bomb":
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        request.wfile.write(gzip.compress(bytes(50_000_000), 1))
    elif name == "icy":  # as SHOUTcast 1
        request.wfile.write(b"ICY 200 OK\r\nicy-name:VOV1\r\ncontent-type:audio/mpeg\r\n\r\n" + encoded("mp3"))
    elif name == "noise":
        _send(request, "audio/mpeg", bytes(range(256)) * 2000)
    else:
        request.send_error(404)


def _send(request: BaseHTTPRequestHandler, content_type: str, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Type", content_type)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _redirect(request: BaseHTTPRequestHandler, to: str) -> None:
    request.send_response(302)
    request.send_header("Location", to)
    request.end_headers()
