"""Relay soak: a week's failures of a station in some half an hour, on a continuous stream and on HLS side by side.

    python -m benchmarks.relay_soak --failures 168 --log relay-soak.log

Time is not scaled, since servers, decoder and buffers run by the clock. What is compressed is the time between
failures: a week with one an hour has 168, here one follows the other after 4 to 7 s. A station on this machine plays a
tone of 440 Hz, and cuts, stalls, is silent, changes its format, redirects, serves a web page; its HLS playlist also
resets, skips and stops. The backup recording is a tone of 1000 Hz. The frames are decoded as a receiver does, and each
packet of 20 ms is judged. Prints a line a minute and one of JSON:

    sound_share         of the time in which the station was not silent itself: the share with its sound or the backup's
    relay_gap_s         the longest silence in that time
    relay_fallback_s    the longest silence from a station's loss to the backup; of a silent one without the set seconds
    station_share       of the whole time, the share in which the station itself was heard
    memory_mb, threads, files: of the process, after a tenth of the time and at the end
"""

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from receiver.live.live_stream import LiveStream
from relay.broadcast_relay import BroadcastRelay, RelaySlot
from relay.fallback_sound import FallbackSound
from relay.player import RelayedStation, RelayPlayer
from runtime.clock import ControllerClock
from tests.relay.station_server import Behaviour, StationServer
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, SealingKey

KEY, TOPIC = SealingKey(bytes(range(32))), "loa/1/c/soak/live/b"
SECOND, PACKET_US, SILENCE_S = 1_000_000, 20_000, 5
SILENT_BELOW = 10 ** (-50 / 20)
#: A silent station is heard later by what is buffered.
LAG_S = 25.0
KINDS = {
    "live.mp3": [
        Behaviour.CUT,
        Behaviour.STALL,
        Behaviour.SILENT,
        Behaviour.FORMAT,
        Behaviour.PAGE,
        Behaviour.REDIRECT,
    ],
    "hls.m3u8": [
        Behaviour.CUT,
        Behaviour.STALL,
        Behaviour.SILENT,
        Behaviour.RESET,
        Behaviour.SKIP,
        Behaviour.STOP,
        Behaviour.PAGE,
        Behaviour.REDIRECT,
    ],
}


class Listener:
    """Decodes the frames of one relay in order. levels: RMS of each packet, and whether it is the station's tone."""

    def __init__(self) -> None:
        self._stream: LiveStream | None = None
        self._next = 0
        self.first_us = 0
        self.is_loud = bytearray()
        self.is_station = bytearray()

    def take(self, payload: bytes) -> None:
        frame: LiveFrame = open_frame(payload, TOPIC, PublicKey(KEY.public))
        if self._stream is None:
            self._stream, self.first_us, self._next = LiveStream(frame), frame.starts_at_us, frame.first_index
        else:
            self._stream.add(frame, frame.first_index)
        for index in range(frame.first_index, frame.first_index + len(frame.packets)):
            sound = self._stream.decode(index)
            loud = float(np.sqrt(np.mean(sound * sound))) > SILENT_BELOW
            crossings = int(np.count_nonzero(np.diff(np.signbit(sound))))
            self.is_loud.append(loud)
            self.is_station.append(loud and crossings < 28)  # 440 Hz: 17 or 18 in 20 ms; 1000 Hz: 40

    def silences(self) -> list[tuple[float, float]]:
        """Since when, and for how long; s from the first packet."""
        runs, began = list[tuple[float, float]](), None
        for n, loud in enumerate([*self.is_loud, 1]):
            if not loud and began is None:
                began = n
            elif loud and began is not None:
                runs.append((began / 50, (n - began) / 50))
                began = None
        return runs


class Soak:
    """One kind of stream."""

    def __init__(self, path: str, failures: int, seed: int, backup: Path) -> None:
        self.path, self.listener, self.station = path, Listener(), StationServer(hls_loop_s=300)
        chance = random.Random(seed)
        #: Behaviour, its length, and that of the good time after it; s.
        self.script = [
            (chance.choice(KINDS[path]), chance.uniform(2, 9), chance.uniform(4, 7)) for _ in range(failures)
        ]
        self.length_s = 8 + sum(bad + good for _, bad, good in self.script)
        self.silent_at: list[tuple[float, float]] = []
        self._clock, self._backup = ControllerClock(), backup
        starts_at_us = self._clock.now_us() + 6 * SECOND
        slot = RelaySlot(0, 1, starts_at_us, starts_at_us + round(self.length_s * SECOND), 4 * SECOND)
        self.starts_at_us = starts_at_us
        self.relay = BroadcastRelay([slot], starts_at_us, self._player, self._sender, self._clock)
        self._thread = threading.Thread(target=self._follow_script, daemon=True)

    def start(self) -> None:
        self.station.__enter__()
        self.relay.start()
        self._thread.start()

    def _player(self, _slot: RelaySlot) -> RelayPlayer:
        relayed = RelayedStation("soak", [self.station.url(self.path)], -50.0, SILENCE_S * SECOND)
        fallback = FallbackSound([self._backup])
        return RelayPlayer(relayed, fallback, {self.station.place}, self._clock.monotonic_us)

    def _sender(self, starts_at_us: int, buffer_us: int) -> LiveSender:
        encoder = LiveEncoder(48_000)
        return LiveSender(self.listener.take, TOPIC, KEY, encoder, starts_at_us=starts_at_us, buffer_us=buffer_us)

    def _follow_script(self) -> None:
        while self._clock.now_us() < self.starts_at_us:
            time.sleep(0.05)
        began_s = time.monotonic()
        time.sleep(5)
        for behaviour, bad_s, good_s in self.script:
            at_s = time.monotonic() - began_s
            if behaviour is Behaviour.SILENT:
                self.silent_at.append((at_s, at_s + bad_s))
            self.station.behaviour = behaviour
            time.sleep(bad_s)
            self.station.behaviour = Behaviour.PLAYS
            time.sleep(good_s)

    def figures(self) -> dict[str, float | int]:
        of_silent, other = [], []
        for since_s, long_s in self.listener.silences():
            silent = any(start < since_s + long_s and since_s < end + LAG_S for start, end in self.silent_at)
            (of_silent if silent else other).append(long_s)
        total_s = len(self.listener.is_loud) / 50
        handed_over = [max(0.0, long_s - SILENCE_S) for long_s in of_silent]
        return {
            "minutes": round(total_s / 60, 1),
            "failures": len(self.script),
            "sound_share": round(1 - sum(other) / (total_s - sum(of_silent)), 5),
            "relay_gap_s": max(other, default=0.0),
            "relay_fallback_s": round(max([*other, *handed_over], default=0.0), 2),
            "station_share": round(sum(self.listener.is_station) / len(self.listener.is_station), 3),
        }


def state() -> dict[str, float | int]:
    process = psutil.Process()
    return {
        "memory_mb": round(process.memory_info().rss / 1e6, 1),
        "threads": process.num_threads(),
        "files": process.num_fds(),
        "decoders": len(process.children()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--failures", type=int, default=168)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if options.log:
        handlers.append(logging.FileHandler(options.log, "w"))
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s", handlers=handlers)
    logging.getLogger("httpx2").setLevel("WARNING")
    with tempfile.TemporaryDirectory() as folder:
        backup = Path(folder) / "backup.opus"
        tone = f"-f lavfi -i sine=1000:r=48000 -t 5 -ac 1 -c:a libopus -b:a 48k {backup}"
        subprocess.run(f"ffmpeg -loglevel error {tone}".split(), check=True)
        soaks = [Soak(path, options.failures, options.seed + n, backup) for n, path in enumerate(KINDS)]
        for soak in soaks:
            soak.start()
        length_s, began_s, early = max(soak.length_s for soak in soaks), time.monotonic(), state()
        is_early = True
        while any(soak.relay.is_alive for soak in soaks):
            time.sleep(min(60.0, length_s / 10))
            if is_early and time.monotonic() - began_s > length_s / 10:
                early, is_early = state(), False
            logging.info("%s %s", state(), [soak.figures() for soak in soaks])
    result = {soak.path: soak.figures() for soak in soaks}
    print(json.dumps({**result, "after_a_tenth": early, "at_the_end": state()}))


if __name__ == "__main__":
    main()
