"""The sound of a relay with a connection that delivers what the test says, by a clock turned by hand."""

from collections.abc import Collection

import numpy as np
import pytest

from relay import player as player_module
from relay.audio_buffer import AudioBuffer
from relay.connection import RelayConnection
from relay.fallback_sound import FallbackSound
from relay.levels import level_db
from relay.player import PIECE_BYTES, PIECE_US, RelayedStation, RelayPlayer
from relay.station_clock import StationClock

SECOND = 1_000_000
TONE = (np.sin(np.arange(960) * 2 * np.pi / 96) * 8000).astype("<i2").tobytes()
SILENCE = bytes(PIECE_BYTES)


class Delivery(RelayConnection):
    """A connection without a network: `deliver` is what came."""

    burst_us = 0

    def __init__(self, url: str, _trusted: Collection[str], audio: AudioBuffer, monotonic_us, silence_db) -> None:  # type: ignore[no-untyped-def]
        self.url, self._audio, self._monotonic_us, self._silence_db = url, audio, monotonic_us, silence_db
        self._failure = self.last_audio_us = None
        self.heard_us = self._quiet_us = 0

    def deliver(self, pcm: bytes) -> None:
        self._audio.put(pcm, lambda: False)
        self._note(pcm)

    def close(self) -> None:
        pass


class Turned:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, silence_us: int) -> None:
        monkeypatch.setattr(player_module, "RelayConnection", Delivery)
        self.now_us = 0
        station = RelayedStation("VOV1", ["http://x/a"], silence_us=silence_us)
        self.player = RelayPlayer(station, FallbackSound([]), (), lambda: self.now_us)
        self.player.step(is_due=False, is_late=False)
        for _ in range(150):
            self.connection.deliver(TONE)

    @property
    def connection(self) -> Delivery:
        connection = self.player._connection
        assert isinstance(connection, Delivery)
        return connection

    def run(self, seconds: float, pcm: bytes) -> list[tuple[bool, bytes]]:
        """The station delivers this, 20 ms after 20 ms. What is sent, and whether it is the station's."""
        sent = []
        for _ in range(round(seconds * 50)):
            self.connection.deliver(pcm)
            if (piece := self.player.step(is_due=True, is_late=False)) is not None:
                sent.append((self.player.state.on_station, piece))
            self.now_us += PIECE_US
        return sent


def test_a_station_that_was_silent_returns_with_the_beginning_of_its_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = Turned(monkeypatch, silence_us=2 * SECOND)
    turned.run(4, TONE)
    turned.run(10, SILENCE)
    assert not turned.player.state.on_station
    sent = turned.run(5, TONE)
    returned = [on_station for on_station, _ in sent].index(True)
    assert 70 <= returned <= 80  # after 1.5 s of sound
    assert all(level_db(piece) > -20 for _, piece in sent[returned + 1 :])


def test_pauses_between_words_are_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = Turned(monkeypatch, silence_us=2 * SECOND)
    turned.run(10, SILENCE)
    for _ in range(5):
        turned.run(0.4, TONE)
        turned.run(0.2, SILENCE)
    assert turned.player.state.on_station


def test_a_buffer_that_bursts_have_filled_is_cut_to_its_reserve_without_a_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turned = Turned(monkeypatch, silence_us=0)
    turned.run(1, TONE)
    for _ in range(600):
        turned.connection.deliver(TONE)
    sent = turned.run(2, TONE)
    assert turned.player._audio.buffered_us < 4 * SECOND + 100_000
    sound = np.frombuffer(b"".join(piece for _, piece in sent), "<i2").astype(int)
    assert np.abs(np.diff(sound)).max() < 600  # of the tone itself: 523


@pytest.mark.parametrize("ppm", [200, -200])
@pytest.mark.parametrize("burst_s", [0, 10])
def test_the_rate_of_a_stations_clock_is_followed_for_half_a_day_with_its_reserve(ppm: int, burst_s: int) -> None:
    clock, played_s, reserves = StationClock(), 0.0, []
    for second in range(1, 12 * 3600):
        came_s = second * (1 + ppm * 1e-6)
        played_s += 1 + clock.ppm * 1e-6
        reserves.append(came_s - played_s)
        in_bursts_s = came_s // burst_s * burst_s if burst_s else came_s
        clock.note(round((in_bursts_s - played_s) * SECOND), second * SECOND)
    assert max(map(abs, reserves)) < (1.9 if burst_s else 0.9)  # of 4 s; the bursts are seen once a second here
    assert clock.ppm == pytest.approx(ppm, abs=60 if burst_s else 3)


def test_sound_is_played_at_the_followed_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def used_us(ppm: float) -> float:
        turned = Turned(monkeypatch, silence_us=0)
        turned.player._clock.ppm = ppm
        turned.player._rate.set_ppm(ppm)
        before_us = turned.player._audio.buffered_us
        assert len(turned.run(60, TONE)) == 3000
        return before_us - turned.player._audio.buffered_us - len(turned.player._left) / 0.096

    assert used_us(300) - used_us(0) == pytest.approx(60 * 300, abs=1000)
