"""Real streams, decoded by a real ffmpeg: what plays, and what is refused, quickly and in a sentence."""

import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pytest

from relay.audio_buffer import AudioBuffer
from relay.connection import RelayConnection
from relay.station_test import StationTest
from tests.relay.station_server import TONE_HZ, Behaviour, StationServer

DEADLINE_S = 8.0


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


@pytest.fixture(scope="module")
def server() -> Iterator[StationServer]:
    with StationServer() as station:
        yield station


@pytest.fixture
def station(server: StationServer) -> Iterator[StationServer]:
    yield server
    server.behaviour = Behaviour.PLAYS


class Station(Protocol):
    """A server of ours, or another."""

    @property
    def place(self) -> str: ...

    def url(self, path: str) -> str: ...


class Heard:
    """A connection and what came over it."""

    def __init__(self, station: Station, path: str, trusted: set[str] | None = None) -> None:
        self.audio = AudioBuffer()
        hosts = {station.place} if trusted is None else trusted
        self.connection = RelayConnection(station.url(path), hosts, self.audio, monotonic_us)

    def pcm(self, seconds: float) -> bytes:
        deadline_s = time.monotonic() + DEADLINE_S
        while (pcm := self.audio.take(round(seconds * 48_000) * 2)) is None:
            assert self.connection.failure is None
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        return pcm

    def failure(self) -> str:
        deadline_s = time.monotonic() + DEADLINE_S
        while self.connection.failure is None:
            assert time.monotonic() < deadline_s, "it is still open"
            time.sleep(0.01)
        return str(self.connection.failure)

    def close(self) -> None:
        self.connection.close()
        assert self.connection.wait_closed(3), "its thread does not end"


def frequency_hz(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))) * 48_000 / len(samples)


@pytest.mark.parametrize("path", ["live.mp3", "live.aac", "live.opus", "hls.m3u8", "list.pls", "icy"])
def test_every_kind_of_stream_is_decoded(station: StationServer, path: str) -> None:
    heard = Heard(station, path)
    try:
        heard.pcm(0.5)
        assert frequency_hz(heard.pcm(1.0)) == pytest.approx(TONE_HZ, abs=3)
    finally:
        heard.close()


def test_a_redirect_is_followed(station: StationServer) -> None:
    station.behaviour = Behaviour.REDIRECT
    heard = Heard(station, "live.mp3")
    heard.pcm(0.5)
    heard.close()


def test_an_hls_playlist_that_skips_then_begins_again_goes_on_sounding(station: StationServer) -> None:
    heard = Heard(station, "hls.m3u8")
    try:
        heard.pcm(0.5)
        for how, prefix in ((Behaviour.SKIP, "/c"), (Behaviour.RESET, "/b")):
            station.behaviour = how
            deadline_s = time.monotonic() + DEADLINE_S
            while not any(path.startswith(prefix) for path in station.requests):
                assert time.monotonic() < deadline_s
                heard.pcm(0.1)
        assert frequency_hz(heard.pcm(0.5)) == pytest.approx(TONE_HZ, abs=5)
    finally:
        heard.close()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("page", "is a web page, not a stream"),
        ("bomb", "compressed like a file"),
        ("thousand.m3u8", "has 1000 entries"),
        ("file.m3u8", "is not a web address"),
        ("file.m3u", "is not a web address"),
        ("encrypted.m3u8", "is encrypted"),
        ("byte-ranges.m3u8", "parts of one file"),
        ("header", "The connection to 127.0.0.1 failed"),
        ("noise", "sends no sound that Loa can read"),
        ("loop", "leads on and on"),
        ("inside", "is a place inside this machine"),
        ("this-machine", "is a place inside this machine"),
        ("missing", "refuses the stream (error 404)"),
    ],
)
def test_what_is_no_station_is_refused(station: StationServer, path: str, says: str) -> None:
    heard = Heard(station, path)
    assert says in heard.failure()
    heard.close()


def test_an_address_inside_is_refused_unless_it_is_named(station: StationServer) -> None:
    heard = Heard(station, "live.mp3", trusted=set())
    assert "is a place inside this machine" in heard.failure()
    heard.close()


@pytest.mark.parametrize("path", ["slow-header", "live.mp3"])
def test_a_connection_that_waits_is_closed_at_once(station: StationServer, path: str) -> None:
    station.behaviour = Behaviour.STALL
    heard = Heard(station, path)
    deadline_s = time.monotonic() + DEADLINE_S
    while not any(asked.endswith(path) for asked in station.requests[-2:]) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    began_s = time.monotonic()
    heard.close()
    assert time.monotonic() - began_s < 1


def test_a_buffer_is_bounded_and_cut_to_what_is_newest() -> None:
    audio = AudioBuffer()
    for n in range(100):
        audio.put(bytes([n, 0]) * 480, lambda: False)
    audio.keep_newest(20_000)
    assert audio.buffered_us == 20_000
    assert audio.take(1920) == b"".join(bytes([n, 0]) * 480 for n in (98, 99))
    assert audio.take(2) is None


def test_a_test_tells_the_level_of_what_works_and_why_another_does_not(station: StationServer) -> None:
    addresses = [station.url("live.mp3"), station.url("page")]
    test = StationTest(addresses, -50.0, {station.place}, monotonic_us, listen_s=0.5)
    test.wait(DEADLINE_S)
    works, page = test.addresses
    assert works.refusal is None
    assert -25 < works.loudest_db < -10  # a sine of an eighth of full scale
    assert "web page" in str(page.refusal)


def test_a_test_says_that_a_station_is_silent(station: StationServer) -> None:
    station.behaviour = Behaviour.SILENT
    test = StationTest([station.url("live.mp3")], -50.0, {station.place}, monotonic_us, listen_s=0.3)
    test.wait(DEADLINE_S)
    assert "silent now" in str(test.addresses[0].refusal)
