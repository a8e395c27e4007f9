"""From a published alert until thousands of receivers have opened it, beside plain messages through the same broker.

    benchmarks/alert_fanout.py [SUBSCRIBERS] [--rounds 10] [--seed 1] [--reconnecting PERCENT]

A real Mosquitto with the controller's configuration, and one process that holds all connections with epoll. Each alert
is opened and verified there for every one of them; the same number of plain messages of the same size and quality of
service shows what the broker alone takes. Alerts and plain messages alternate. Then the end of each alert.
With --reconnecting a live broadcast runs (frames of 200 ms), and with each alert so many of the subscribers lose their
connection and come back one after the other: `lost` counts those that an alert never reached.
Prints one line of JSON, ms from the publish: `one` is a message's arrival at one subscriber, `all` at the last one.
"""

import argparse
import json
import multiprocessing as mp
import os
import random
import secrets
import select
import socket
import struct
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from devices.enrolment import CONTROLLER_USER, acl_rows
from runtime.broker import MqttBroker
from runtime.mosquitto import Mosquitto, hash_password
from wire import topics
from wire.alerts import Alert, open_alert, seal_alert
from wire.sealing import PublicKey, SealingKey

COMMUNE = "bench"
KEY = SealingKey(bytes(range(32)))
KEYS = {KEY.kid: PublicKey(KEY.public)}
PLAIN = "bench/plain"
LIVE = topics.live(COMMUNE, "b1")
LIVE_EVERY_S, LIVE_BYTES = 0.2, 1_200
#: What has not arrived by then is lost.
ARRIVED_S = 60
_PUBLISH, _PUBACK, _SUBACK, _CONNACK, _PINGRESP = 3, 4, 9, 2, 13
READY_S = 300


class Subscriber:
    """One MQTT 3.1.1 connection (written by hand: ten thousand clients of a library are ten thousand threads)."""

    def __init__(self, path: str, number: int, password: str) -> None:
        self.number = number
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self._waiting = b""
        name = f"bench{number}".encode()
        fields = b"\x00\x04MQTT\x04\xc2" + struct.pack(">H", 600) + _text(name)
        self.socket.sendall(_packet(0x10, fields + _text(CONTROLLER_USER.encode()) + _text(password.encode())))
        heard = (*topics.alerts_of_commune(COMMUNE), PLAIN, LIVE)
        self._read_until(_CONNACK)
        filters = b"".join(_text(topic.encode()) + b"\x01" for topic in heard)
        self.socket.sendall(_packet(0x82, b"\x00\x01" + filters))
        self._read_until(_SUBACK)
        self.socket.setblocking(False)

    def messages(self) -> list[tuple[str, bytes]]:
        """Topic and payload of each message that has arrived; they are acknowledged."""
        self._waiting += self.socket.recv(65_536)
        came = []
        while (taken := _take(self._waiting)) is not None:
            first, body, self._waiting = taken
            if first >> 4 == _PUBLISH:
                length = struct.unpack_from(">H", body)[0]
                acknowledged = 2 * bool(first & 6)
                if acknowledged:
                    self.socket.send(b"\x40\x02" + body[2 + length : 4 + length])
                came.append((body[2 : 2 + length].decode(), body[2 + length + acknowledged :]))
        return came

    def _read_until(self, kind: int) -> None:
        while (taken := _take(self._waiting)) is None or taken[0] >> 4 != kind:
            if taken is not None:
                self._waiting = taken[2]
            else:
                self._waiting += self.socket.recv(4_096)
        self._waiting = taken[2]


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


def _packet(first: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | 128 if left else digit])
        if not left:
            return bytes([first]) + length + body


def _take(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first packet: its first byte, its body, and what follows; None when it is not whole."""
    length, shift, at = 0, 0, 1
    while True:
        if at >= len(data):
            return None
        length |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 128:
            break
    return (data[0], data[at : at + length], data[at + length :]) if len(data) >= at + length else None


def hold(path: str, password: str, count: int, pipe: Connection) -> None:
    """The process of the subscribers. Each turn: how many reconnect, and the topic and payload that all of them expect.

    Answers when they are cut off, then with the instants at which the message was there for each that got it.
    """
    subscribers = [Subscriber(path, number, password) for number in range(count)]
    poll = select.epoll()
    by_handle = {each.socket.fileno(): each for each in subscribers}
    for handle in by_handle:
        poll.register(handle, select.EPOLLIN)
    pipe.send("ready")
    while True:
        reconnecting, *expected = pipe.recv()
        gone = random.sample(list(by_handle.values()), reconnecting)
        for each in gone:
            del by_handle[each.socket.fileno()]
            each.socket.close()
        pipe.send("cut")
        arrived_s: dict[int, float] = {}
        ends_s = time.monotonic() + ARRIVED_S
        while len(arrived_s) < count and time.monotonic() < ends_s:
            if gone:
                fresh = Subscriber(path, gone.pop().number, password)
                by_handle[fresh.socket.fileno()] = fresh
                poll.register(fresh.socket.fileno(), select.EPOLLIN)
            for handle, _ in poll.poll(0 if gone else 1):
                for topic, payload in by_handle[handle].messages():
                    if [topic, payload] == expected:  # a retained alert is not its end
                        if topic != PLAIN:
                            open_alert(payload, KEYS, COMMUNE, time.time_ns() // 1000)
                        arrived_s.setdefault(by_handle[handle].number, time.monotonic())
        pipe.send(list(arrived_s.values()))


def percentiles(values: list[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(values, p)), 1) for name, p in (("p50", 50), ("p99", 99), ("max", 100))}


def main() -> None:
    """Prints one line of JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("subscribers", type=int, nargs="?", default=1_000)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--reconnecting", type=int, default=0, metavar="PERCENT")
    chosen = options.parse_args()
    random.seed(chosen.seed)
    with tempfile.TemporaryDirectory() as name:
        child = Mosquitto(Path(name), host="127.0.0.1", port=0, controller_user=CONTROLLER_USER, acl=acl_rows())
        password = secrets.token_hex(8)
        child.set_accounts({CONTROLLER_USER: hash_password(password)})
        child.start()
        broker = MqttBroker(child.controller_url, user=CONTROLLER_USER, password=password)
        ours, theirs = mp.Pipe()
        path = urlsplit(child.controller_url).path
        process = mp.get_context("fork").Process(
            target=hold, args=(path, password, chosen.subscribers, theirs), daemon=True
        )
        process.start()
        try:
            if not ours.poll(READY_S):
                sys.exit("the subscribers did not connect")
            ours.recv()
            one: dict[str, list[float]] = {"plain": [], "alert": [], "cancel": []}
            everyone: dict[str, list[float]] = {"plain": [], "alert": [], "cancel": []}
            lost, stopping = 0, threading.Event()
            reconnecting = chosen.subscribers * chosen.reconnecting // 100
            if reconnecting:
                threading.Thread(target=speak, args=(broker, stopping), daemon=True).start()
            for _ in range(chosen.rounds):
                alert_id = random.randbytes(8).hex()
                for kind in ("plain", "alert", "cancel"):
                    time.sleep(0.3)
                    topic, payload = message(alert_id, kind)
                    ours.send((reconnecting if kind != "plain" else 0, topic, payload))
                    ours.recv()
                    began_s = time.monotonic()
                    broker.publish(topic, payload, qos=1, retain=kind != "plain")
                    since_ms = [(at_s - began_s) * 1e3 for at_s in ours.recv()]
                    lost += chosen.subscribers - len(since_ms)
                    one[kind] += since_ms
                    everyone[kind].append(max(since_ms))
                broker.publish(topic, b"", qos=1, retain=True)
            stopping.set()
            figures = {"subscribers": chosen.subscribers, "rounds": chosen.rounds, "processors": os.cpu_count()}
            figures |= {"reconnecting": reconnecting, "lost": lost}
            said = {kind: {"one": percentiles(one[kind]), "all": percentiles(everyone[kind])} for kind in one}
            print(json.dumps(figures | said))
        finally:
            process.kill()
            broker.close()
            child.stop()


def speak(broker: MqttBroker, stopping: threading.Event) -> None:
    """A live broadcast, as far as the broker is concerned."""
    while not stopping.wait(LIVE_EVERY_S):
        broker.publish(LIVE, b"\0" * LIVE_BYTES, qos=0, retain=False)


def message(alert_id: str, kind: str) -> tuple[str, bytes]:
    """Sealed at the moment of sending, as a confirmed alert is."""
    now_us = time.time_ns() // 1_000_000 * 1000
    is_end = kind == "cancel"
    alert = Alert(alert_id, now_us, now_us + 600_000_000, 6_000_000, 1, is_end=is_end, repeats=3)
    payload = seal_alert(alert, COMMUNE, KEY)
    if kind == "plain":
        return PLAIN, b"\0" * len(payload)
    return topics.alert(COMMUNE, alert_id, is_drill=False), payload


if __name__ == "__main__":
    main()
