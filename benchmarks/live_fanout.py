"""What a live broadcast costs broker and controller for a thousand receivers, beside the same bytes published bare.

    benchmarks/live_fanout.py [RECEIVERS] [--seconds 20] [--rounds 2]

A real Mosquitto with the controller's configuration, one process that holds all connections with epoll and reads what
comes, and one that sends. `live` takes a microphone's Opus packets as the controller does: decoded, buffered, encoded,
sealed and published; `raw` publishes messages of the same size as often. They alternate. Prints one line of JSON. For
messages of 20, 100 and 200 ms: % of a core of the broker and of the sender, the broker's for 1,000 receivers, live :
raw of both together, and what was delivered of what was sent (%).
"""

import argparse
import json
import multiprocessing as mp
import secrets
import select
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from benchmarks.alert_fanout import LIVE, READY_S, Subscriber
from broadcast.live import LiveSender
from broadcast.live_decoder import LiveDecoder
from broadcast.live_encoder import LiveEncoder
from devices.enrolment import CONTROLLER_USER, acl_rows
from runtime.broker import MqttBroker
from runtime.mosquitto import Mosquitto, hash_password
from studio.live_session import BIT_RATE
from studio.microphone_buffer import MicrophoneBuffer
from studio.microphone_frames import FRAME_SAMPLES, FRAME_US
from wire.sealing import SealingKey

#: Length of a message: a local network's, of 4G, and the longest that is sent.
MESSAGES_MS = (20, 100, 200)
PACKET_S = FRAME_US / 1e6
MOST_S = 60


class Cost(NamedTuple):
    """% of a core. delivered: of what was sent, %. message_bytes: the mean."""

    broker: float
    sender: float
    delivered: float
    message_bytes: int


def hold(path: str, password: str, count: int, pipe: Connection) -> None:
    """The process of the receivers: reads what comes. Says how many messages came so far when asked."""
    receivers = {each.socket.fileno(): each for each in (Subscriber(path, n, password) for n in range(count))}
    poll = select.epoll()
    for handle in receivers:
        poll.register(handle, select.EPOLLIN)
    poll.register(pipe.fileno(), select.EPOLLIN)
    pipe.send("ready")
    came = 0
    while True:
        for handle, _ in poll.poll(1):
            if handle == pipe.fileno():
                pipe.recv()
                pipe.send(came)
            else:
                came += len(receivers[handle].messages())


def microphone_packets(seconds: int) -> list[bytes]:
    """A voice's length of Opus packets: noise whose loudness follows syllables."""
    draw, encoder = np.random.default_rng(1), LiveEncoder(48_000)
    at = np.arange(FRAME_SAMPLES)
    packets = []
    for number in range(round(seconds / PACKET_S)):
        loudness = 4_000 * abs(np.sin((number * FRAME_SAMPLES + at) * 2 * np.pi * 2 / 48_000))
        packets.append(encoder.encode((draw.standard_normal(FRAME_SAMPLES) * loudness).astype("<i2").tobytes()))
    return packets


def send(url: str, password: str, pipe: Connection) -> None:
    """The process of the sender. Each turn: what is sent, packets in a message, seconds; answers with its CPU."""
    broker, voice = MqttBroker(url, user=CONTROLLER_USER, password=password), microphone_packets(MOST_S)
    while True:
        kind, packets, seconds, message_bytes = pipe.recv()
        microphone = voice[: round(seconds / PACKET_S)]
        sizes: list[int] = []

        def publish(payload: bytes, sizes: list[int] = sizes) -> None:
            sizes.append(len(payload))
            broker.publish(LIVE, payload, qos=0, retain=False)

        turn = live_turn(publish, microphone, packets) if kind == "live" else raw_turn(publish, packets, message_bytes)
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        for number in range(len(microphone)):
            time.sleep(max(0.0, began_s + number * PACKET_S - time.monotonic()))
            turn(number)
        pipe.send(
            (time.process_time() - began_cpu_s, time.monotonic() - began_s, len(sizes), round(sum(sizes) / len(sizes)))
        )


def live_turn(publish: Callable[[bytes], None], microphone: list[bytes], packets: int) -> Callable[[int], None]:
    now_us = time.time_ns() // 1000
    sender = LiveSender(
        publish, LIVE, SealingKey.new(), LiveEncoder(BIT_RATE), starts_at_us=now_us, packets_per_message=packets
    )
    decoder, buffer = LiveDecoder(), MicrophoneBuffer()

    def turn(number: int) -> None:
        at_us = now_us + number * FRAME_US
        buffer.put(number, at_us, decoder.decode(microphone[number]), at_us)
        sender.send(buffer.take(at_us) or bytes(FRAME_SAMPLES * 2))

    return turn


def raw_turn(publish: Callable[[bytes], None], packets: int, message_bytes: int) -> Callable[[int], None]:
    def turn(number: int) -> None:
        if (number + 1) % packets == 0:
            publish(bytes(message_bytes))

    return turn


def cpu_s(pid: int) -> float:
    """Of all threads of a process (sched-stats(8): ns)."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


class Bench:
    """Mosquitto, the receivers' process and the sender's; stopped by `close`."""

    def __init__(self, folder: Path, receivers: int) -> None:
        self._receivers = receivers
        self._child = Mosquitto(folder, host="127.0.0.1", port=0, controller_user=CONTROLLER_USER, acl=acl_rows())
        password = secrets.token_hex(8)
        self._child.set_accounts({CONTROLLER_USER: hash_password(password)})
        self._child.start()
        path = urlsplit(self._child.controller_url).path
        self._held, theirs = mp.Pipe()
        self._sending, senders = mp.Pipe()
        fork = mp.get_context("fork")
        self._processes = [
            fork.Process(target=hold, args=(path, password, receivers, theirs), daemon=True),
            fork.Process(target=send, args=(self._child.controller_url, password, senders), daemon=True),
        ]
        for process in self._processes:
            process.start()
        if not self._held.poll(READY_S):
            sys.exit("the receivers did not connect")
        self._held.recv()

    def cost(self, kind: str, packets: int, seconds: int, message_bytes: int) -> Cost:
        pid = self._child.pid or 0
        before, began_cpu_s = self._came(), cpu_s(pid)
        self._sending.send((kind, packets, seconds, message_bytes))
        sender_cpu_s, took_s, sent, mean_bytes = self._sending.recv()
        time.sleep(1)
        broker_cpu_s = cpu_s(pid) - began_cpu_s
        delivered = 100 * (self._came() - before) / (sent * self._receivers)
        return Cost(100 * broker_cpu_s / took_s, 100 * sender_cpu_s / took_s, delivered, mean_bytes)

    def _came(self) -> int:
        self._held.send("?")
        came: int = self._held.recv()
        return came

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        self._child.stop()


def mean(costs: list[Cost]) -> Cost:
    broker, sender, delivered, message_bytes = np.mean(costs, axis=0)
    return Cost(round(broker, 2), round(sender, 2), round(delivered, 2), round(message_bytes))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("receivers", type=int, nargs="?", default=1_000)
    options.add_argument("--seconds", type=int, default=20, help=f"{MOST_S} at most")
    options.add_argument("--rounds", type=int, default=2)
    chosen = options.parse_args()
    figures: dict[str, Any] = {"receivers": chosen.receivers}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), chosen.receivers)
        try:
            for message_ms in MESSAGES_MS:
                packets = message_ms // 20
                costs: dict[str, list[Cost]] = {"live": [], "raw": []}
                for _ in range(chosen.rounds):
                    live = bench.cost("live", packets, chosen.seconds, 0)
                    costs["live"].append(live)
                    costs["raw"].append(bench.cost("raw", packets, chosen.seconds, live.message_bytes))
                live, raw = mean(costs["live"]), mean(costs["raw"])
                figures[f"{message_ms} ms"] = {
                    "live": live._asdict(),
                    "raw": raw._asdict(),
                    "broker_for_1000": round(live.broker * 1_000 / chosen.receivers, 2),
                    "ratio": round((live.broker + live.sender) / (raw.broker + raw.sender), 2),
                    "broker_ratio": round(live.broker / raw.broker, 2),
                }
        finally:
            bench.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
