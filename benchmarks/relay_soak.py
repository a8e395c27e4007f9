"""Relay soak: a week of relays with a week's failures in some 25 minutes; Icecast, a plain stream and HLS side by side.

    python -m benchmarks.relay_soak --days 7 --failures 24 --log relay-soak.log

Time is not scaled, since servers, decoder and buffers run by the clock. What is compressed is the time between
failures: a day with one an hour has 24, here one follows the other after 3 to 5 s. Each day is a broadcast of its own,
so relays begin and end as well. Stations in processes of their own play a tone of 440 Hz, and cut, stall, are silent,
change their format, redirect, serve a web page; the HLS playlist also resets, skips and stops; the Icecast is Debian's.
The backup recording is a tone of 1000 Hz. A silent station sends its tone at -66 dB, so that its own silence is told
from no sound at all wherever it is heard. The frames are decoded as a receiver does, and each packet of 20 ms is
judged; one that came too late to sound is no sound. Prints a line every half minute and one of JSON:

    sound_share         of the time in which the station was not silent itself: the share with its sound or the backup's
    relay_gap_s         the longest time without sound in it
    relay_fallback_s    the longest time without sound until the backup, of a silent station without its set seconds
    station_share       of the whole time, the share in which the station itself was heard
    least_lead_s        how long before it sounds the latest frame was sent; 4 s are the rule
    memory_mb, threads, files: of the process after the first day, after half of the time and at the end
    memory_mb_per_hour  the slope of a line through the memory from half of the time on
"""

import argparse
import json
import logging
import multiprocessing
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from itertools import groupby
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from receiver.live.live_stream import LiveStream, Samples
from relay.broadcast_relay import BroadcastRelay, RelaySlot
from relay.fallback_sound import FallbackSound
from relay.player import RelayedStation, RelayPlayer
from runtime.clock import ControllerClock
from runtime.heap import share_heaps
from tests.relay.icecast_server import IcecastServer
from tests.relay.station_server import Behaviour, StationServer, hls_segments
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, SealingKey

KEY, TOPIC = SealingKey(bytes(range(32))), "loa/1/c/soak/live/b"
SECOND, PACKET_US, SILENCE_S = 1_000_000, 20_000, 5
SILENT_BELOW, NO_SOUND_BELOW = 10 ** (-50 / 20), 10 ** (-75 / 20)
#: A frame sent later than so long before it sounds is lost to a receiver behind a slow link.
LEAST_LEAD_US = 300_000
#: Before the first failure of a day, and between two days.
QUIET_S, NIGHT_S = 5.0, 8.0
_STREAM = [Behaviour.CUT, Behaviour.STALL, Behaviour.SILENT, Behaviour.FORMAT]
_WEB = [Behaviour.PAGE, Behaviour.REDIRECT]
KINDS = {
    "icecast": ("live.mp3", _STREAM),
    "stream": ("live.mp3", [*_STREAM, *_WEB]),
    "hls": (
        "hls.m3u8",
        [
            Behaviour.CUT,
            Behaviour.STALL,
            Behaviour.SILENT,
            Behaviour.RESET,
            Behaviour.SKIP,
            Behaviour.STOP,
            *_WEB,
        ],
    ),
}


class Failure(NamedTuple):
    """From from_s to until_s of its day."""

    behaviour: Behaviour
    from_s: float
    until_s: float


def day_of(behaviours: Sequence[Behaviour], failures: int, chance: random.Random) -> list[Failure]:
    day, at_s = list[Failure](), QUIET_S
    for _ in range(failures):
        until_s = at_s + chance.uniform(1.5, 7.5)
        day.append(Failure(chance.choice(behaviours), at_s, until_s))
        at_s = until_s + chance.uniform(3, 5)
    return day


def serve_station(name: str, days: Sequence[tuple[float, list[Failure]]], parent: Connection) -> None:
    """A process: the station, and what befalls it. Each day with its beginning, Unix time."""
    with IcecastServer() if name == "icecast" else StationServer(hls_loop_s=300) as station:
        if name == "hls":
            for source in ("sine=440:r=48000", "anullsrc=r=48000:cl=mono"):
                hls_segments(source, 300)
        parent.send((station.url(KINDS[name][0]), station.place))
        began_s = parent.recv()
        for day_s, failures in days:
            for failure in failures:
                time.sleep(max(0.0, began_s + day_s + failure.from_s - time.time()))
                station.behaviour = failure.behaviour
                time.sleep(max(0.0, began_s + day_s + failure.until_s - time.time()))
                station.behaviour = Behaviour.PLAYS
        parent.recv()


class Heard(IntEnum):
    """What a packet holds. QUIET: the station, which is silent itself."""

    NOTHING = 0
    QUIET = 1
    BACKUP = 2
    STATION = 3


class Listener:
    """Decodes the frames of one relay in order."""

    def __init__(self, clock: ControllerClock) -> None:
        self._clock = clock
        self._stream: LiveStream | None = None
        self._next = 0
        #: Of each packet, a `Heard`.
        self.packets = bytearray()
        self.least_lead_us = 4 * SECOND

    def take(self, payload: bytes) -> None:
        frame: LiveFrame = open_frame(payload, TOPIC, PublicKey(KEY.public))
        lead_us = frame.starts_at_us - self._clock.now_us()
        self.least_lead_us = min(self.least_lead_us, lead_us)
        if self._stream is None:
            self._stream, self._next = LiveStream(frame), frame.first_index
        else:
            self._stream.add(frame, frame.first_index)
        self.packets += bytes([Heard.NOTHING]) * (frame.first_index - self._next)  # left out
        self._next = frame.first_index + len(frame.packets)
        for index in range(frame.first_index, self._next):
            sound = self._stream.decode(index)
            self.packets.append(_heard(sound) if lead_us >= LEAST_LEAD_US else Heard.NOTHING)

    def runs(self, kinds: Collection[Heard]) -> list[tuple[float, float, bool]]:
        """Packets in a row that are of these kinds: since when and for how long, s; whether one is QUIET."""
        runs, at = list[tuple[float, float, bool]](), 0
        for is_one, group in groupby(self.packets, lambda packet: packet in kinds):
            packets = list(group)
            if is_one:
                runs.append((at / 50, len(packets) / 50, Heard.QUIET in packets))
            at += len(packets)
        return runs


def _heard(sound: Samples) -> Heard:
    rms = float(np.sqrt(np.mean(sound * sound)))
    if rms < SILENT_BELOW:
        return Heard.QUIET if rms >= NO_SOUND_BELOW else Heard.NOTHING
    crossings = int(np.count_nonzero(np.diff(np.signbit(sound))))
    return Heard.STATION if crossings < 28 else Heard.BACKUP  # 440 Hz: 17 or 18 in 20 ms; 1000 Hz: 40


class Soak:
    """One kind of stream, day after day."""

    def __init__(self, name: str, days: int, failures: int, seed: int, backup: Path) -> None:
        chance = random.Random(seed)
        scripts = [day_of(KINDS[name][1], failures, chance) for _ in range(days)]
        self.name, self._backup, self._clock = name, backup, ControllerClock()
        self.days, at_s = list[tuple[float, list[Failure]]](), 0.0
        for script in scripts:
            self.days.append((at_s, script))
            at_s += script[-1].until_s + QUIET_S + NIGHT_S
        self.length_s = at_s
        self.listeners = [Listener(self._clock) for _ in range(days)]
        ours, its = multiprocessing.get_context("spawn").Pipe()
        self._station = ours
        process = multiprocessing.get_context("spawn").Process(
            target=serve_station, args=(name, self.days, its), daemon=True
        )
        process.start()
        self._url, self._place = ours.recv()
        self._thread = threading.Thread(target=self._relay_all, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._station.send(None)

    def _relay_all(self) -> None:
        began_us = self._clock.now_us() + round(NIGHT_S * SECOND)
        self._station.send(began_us / SECOND)
        for (day_s, script), listener in zip(self.days, self.listeners, strict=True):
            starts_at_us = began_us + round(day_s * SECOND)
            slot = RelaySlot(
                0, 1, starts_at_us, starts_at_us + round((script[-1].until_s + QUIET_S) * SECOND), 4 * SECOND
            )
            relay = BroadcastRelay([slot], starts_at_us, self._player, self._sender_to(listener), self._clock)
            relay.start()
            while relay.is_alive:
                time.sleep(0.2)
            relay.close()

    def _player(self, _slot: RelaySlot) -> RelayPlayer:
        relayed = RelayedStation("soak", [self._url], -50.0, SILENCE_S * SECOND)
        return RelayPlayer(relayed, FallbackSound([self._backup]), {self._place}, self._clock.monotonic_us)

    def _sender_to(self, listener: Listener) -> Callable[[int, int], LiveSender]:
        def new_sender(starts_at_us: int, buffer_us: int) -> LiveSender:
            encoder = LiveEncoder(48_000)
            return LiveSender(listener.take, TOPIC, KEY, encoder, starts_at_us=starts_at_us, buffer_us=buffer_us)

        return new_sender

    def figures(self) -> dict[str, float | int]:
        gaps, until_backup = list[float](), list[float]()
        packets = b"".join(listener.packets for listener in self.listeners)
        for (_, script), listener in zip(self.days, self.listeners, strict=True):
            for since_s, long_s, _ in listener.runs([Heard.NOTHING]):
                gaps.append(long_s)
                before = [f"{f.behaviour} {f.from_s:.1f}-{f.until_s:.1f}" for f in script if f.from_s < since_s]
                logging.info("%s: nothing for %.2f s at %.2f s, after %s", self.name, long_s, since_s, before[-3:])
            for _, long_s, is_quiet in listener.runs([Heard.NOTHING, Heard.QUIET]):
                until_backup.append(max(0.0, long_s - SILENCE_S) if is_quiet else long_s)
        with_sound = packets.count(Heard.STATION) + packets.count(Heard.BACKUP)
        return {
            "minutes": round(len(packets) / 3000, 1),
            "failures": sum(len(script) for _, script in self.days),
            "sound_share": round(with_sound / max(1, len(packets) - packets.count(Heard.QUIET)), 5),
            "relay_gap_s": max(gaps, default=0.0),
            "relay_fallback_s": round(max(until_backup, default=0.0), 2),
            "station_share": round(packets.count(Heard.STATION) / max(1, len(packets)), 3),
            "least_lead_s": round(min(listener.least_lead_us for listener in self.listeners) / SECOND, 2),
        }


def state() -> dict[str, float | int]:
    process = psutil.Process()
    return {
        "memory_mb": round(process.memory_info().rss / 1e6, 2),
        "threads": process.num_threads(),
        "files": process.num_fds(),
        "decoders": sum(child.name() == "ffmpeg" for child in process.children()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--failures", type=int, default=24, help="on each day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if options.log:
        handlers.append(logging.FileHandler(options.log, "w"))
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s", handlers=handlers)
    logging.getLogger("httpx2").setLevel("WARNING")
    share_heaps(2)  # as `loa serve` does
    with tempfile.TemporaryDirectory() as folder:
        backup = Path(folder) / "backup.opus"
        tone = f"-f lavfi -i sine=1000:r=48000 -t 5 -ac 1 -c:a libopus -b:a 48k {backup}"
        subprocess.run(f"ffmpeg -loglevel error {tone}".split(), check=True)
        soaks = [Soak(name, options.days, options.failures, options.seed + n, backup) for n, name in enumerate(KINDS)]
        for soak in soaks:
            soak.start()
        first_day_s, began_s = max(soak.length_s for soak in soaks) / options.days, time.monotonic()
        all_s = max(soak.length_s for soak in soaks)
        early = half = state()
        memory = list[tuple[float, float]]()
        while any(soak.is_running for soak in soaks):
            time.sleep(30.0)
            now, at_s = state(), time.monotonic() - began_s
            if at_s < first_day_s:
                early = now
            if at_s < all_s / 2:
                half = now
            elif now["decoders"]:
                memory.append((at_s / 3600, now["memory_mb"]))
            logging.info("%.1f min %s", at_s / 60, now)
        result = {soak.name: soak.figures() for soak in soaks}
        for soak in soaks:
            soak.close()
    slope = round(float(np.polyfit(*np.transpose(memory), 1)[0]), 2) if len(memory) > 2 else None
    final = {"after_the_first_day": early, "after_half": half, "at_the_end": state(), "memory_mb_per_hour": slope}
    logging.info("%s", json.dumps({**result, **final}))
    print(json.dumps({**result, **final}))


if __name__ == "__main__":
    main()
