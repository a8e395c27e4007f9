"""Latency of the controller's time answers while a thousand receivers ask and other work keeps it busy.

    benchmarks/time_answers.py [RECEIVERS] [SECONDS]

A real Mosquitto, the controller's own uplink with its database, and one connection per receiver, each asking ten times
in its first seconds and then at rest, as receivers do. `answer`: from hearing an ask to telling (both stamped by the
controller); `round`: from asking to the answer's arrival at the asker. Prints one line of JSON, all in ms.
"""

import asyncio
import json
import random
import secrets
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlmodel import SQLModel

from devices.communes import add_commune
from devices.downlink import Downlink
from devices.enrolment import CONTROLLER_USER, Issuer, acl_rows, enrol
from devices.presence import PresenceWatch
from devices.stations import StationKind, add_station
from devices.uplink import Uplink
from runtime.broker import MqttBroker
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password
from wire.messages import encode, for_receiver
from wire.reports import ClockState, Heartbeat
from wire.sealing import PublicKey, SealingKey, open_sealed
from wire.time import TimeAsk, TimeTell
from wire.topics import Kind, of_receiver

KEY = SealingKey(bytes(range(32)))
KEYS = {KEY.kid: PublicKey(KEY.public)}


class Asker:
    """All receivers over one connection of a trusted account: the broker's work is the same, the sockets fewer."""

    def __init__(self, broker: Mosquitto, password: str, receivers: list[str]) -> None:
        self.rounds_ms: list[float] = []
        self.answers_ms: list[float] = []
        self._receivers = receivers
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=secrets.token_hex(8), transport="unix")
        self._client.username_pw_set(CONTROLLER_USER, password)
        self._client.on_message = self._answer_came
        self._client.connect(urlsplit(broker.controller_url).path, 1)
        self._client.loop_start()
        for receiver in receivers:
            self._client.subscribe(of_receiver(receiver, Kind.TIME_TELL), 0)

    def ask(self, receiver: str) -> None:
        ask = TimeAsk(nonce=secrets.token_hex(8), asked_local_us=time.monotonic_ns() // 1000)
        self._client.publish(of_receiver(receiver, Kind.TIME_ASK), encode(ask), 0)

    def beat(self, receiver: str, sequence: int) -> None:
        beat = Heartbeat(session=1, sequence=sequence, clock=ClockState(locked=True, error_us=300))
        self._client.publish(of_receiver(receiver, Kind.HEARTBEAT), encode(beat), 0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _answer_came(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        arrived_us = time.monotonic_ns() // 1000
        receiver = message.topic.split("/")[3]
        tell: TimeTell = open_sealed(message.payload, TimeTell, KEYS, to=for_receiver(receiver), now_us=None)
        self.rounds_ms.append((arrived_us - tell.asked_local_us) / 1000)
        self.answers_ms.append((tell.told_at_us - tell.heard_at_us) / 1000)


async def ask_like_receivers(asker: Asker, receivers: list[str], seconds: float, asks_a_second: float) -> None:
    """Asks spread evenly with jitter; a heartbeat each 20 s."""
    ends_s, sequence = time.monotonic() + seconds, 0
    while time.monotonic() < ends_s:
        asker.ask(random.choice(receivers))
        if random.random() < len(receivers) / 20 / asks_a_second:
            sequence += 1
            asker.beat(random.choice(receivers), sequence)
        await asyncio.sleep(random.expovariate(asks_a_second))


def busy(database: Database, stopping: threading.Event) -> None:
    """The other work of a controller: database writes and Python code."""
    while not stopping.is_set():
        with database.writing() as session:
            session.connection().exec_driver_sql("UPDATE commune SET name = name || ''")
        sum(k * k for k in range(20_000))
        stopping.wait(0.01)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else -1.0


def main() -> None:
    """Prints one line of JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder / 'b.db'}")
        SQLModel.metadata.create_all(database.engine)
        clock = ControllerClock()
        password = secrets.token_hex(8)
        child = Mosquitto(folder / "broker", host="127.0.0.1", port=0, controller_user=CONTROLLER_USER, acl=acl_rows())
        child.set_accounts({CONTROLLER_USER: hash_password(password)})
        child.start()
        broker = MqttBroker(child.controller_url, user=CONTROLLER_USER, password=password)
        downlink = Downlink(broker, KEY, clock, media_base="http://127.0.0.1/media/")
        with database.writing() as session:
            add_commune(session, "c", "C")
            station = add_station(session, "c", StationKind.IP, "S").number
            issuer = Issuer(broker_url=child.url, controller=PublicKey(KEY.public))
            receivers = [f"r{k}" for k in range(count)]
            for receiver in receivers:
                enrol(
                    session,
                    issuer,
                    receiver_id=receiver,
                    commune_id="c",
                    station_id=station,
                    name=receiver,
                    now=clock.now(),
                )
        uplink = Uplink(broker, database, clock, downlink, PresenceWatch(database, now=clock.now()))
        uplink.start()
        stopping = threading.Event()
        asker = Asker(child, password, receivers)
        time.sleep(2)
        figures = {}
        for title, per_receiver in (("at_rest", 1.0), ("all_started_together", 0.0)):
            asker.rounds_ms, asker.answers_ms = [], []
            rate = count * 4 / 4.0 if per_receiver else 0.0
            working = threading.Thread(target=busy, args=(database, stopping))
            stopping.clear()
            working.start()
            began_s = time.monotonic()
            if per_receiver:
                asyncio.run(ask_like_receivers(asker, receivers, seconds, rate))
            else:
                for receiver in receivers:
                    asker.ask(receiver)
            time.sleep(3)
            took_s = time.monotonic() - began_s - 3
            stopping.set()
            working.join()
            figures[title] = {
                "answers": len(asker.answers_ms),
                "asks_a_second": round(len(asker.answers_ms) / max(took_s, 0.1)),
                "answer_p50": percentile(asker.answers_ms, 0.5),
                "answer_p99": percentile(asker.answers_ms, 0.99),
                "round_p50": percentile(asker.rounds_ms, 0.5),
                "round_p99": percentile(asker.rounds_ms, 0.99),
            }
        asker.close()
        uplink.close()
        broker.close()
        child.stop()
        print(json.dumps({"receivers": count, "unit": "ms", **figures}))


if __name__ == "__main__":
    main()
