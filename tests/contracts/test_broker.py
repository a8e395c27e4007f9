"""The same tests for the broker in memory and for a real Mosquitto with our client."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from runtime.broker import Broker, Handler, MqttBroker
from runtime.mosquitto import Mosquitto, hash_password
from runtime.mosquitto_configuration import AclRow
from tests.fakes.broker import FakeBroker

ACL = [
    AclRow("read", "loa/1/c/+/air/+"),
    AclRow("read", "loa/1/r/%u/do"),
    AclRow("write", "loa/1/r/%u/presence"),
    AclRow("write", "loa/1/r/%u/heartbeat"),
]
AIR = "loa/1/c/thieu-trung/air/1"
DEADLINE_S = 10.0


class Other(Protocol):
    """Somebody else's connection."""

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> object: ...
    def subscribe(self, topic_filter: str, handler: Handler, qos: int = 1) -> None: ...
    def die(self) -> None: ...


class Place(Protocol):
    """A broker, our connection to it, and how to join and disturb it."""

    broker: Broker

    def join(self, user: str, will: tuple[str, bytes] | None = None) -> Other: ...
    def fall(self) -> None: ...
    def come_back(self) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.fake = FakeBroker(acl=list(ACL))
        self.broker: Broker = self.fake
        self.fall, self.come_back = self.fake.fall, self.fake.come_back

    def join(self, user: str, will: tuple[str, bytes] | None = None) -> Other:
        client = self.fake.client(user)
        if will:
            client.will(*will)
        return client


class RealClient:
    def __init__(self, port: int, user: str, will: tuple[str, bytes] | None) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user)
        self._client.username_pw_set(user, "secret")
        if will:
            self._client.will_set(*will, qos=1, retain=True)
        ready = threading.Event()
        self._client.on_connect = lambda *_: ready.set()
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(DEADLINE_S)

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> object:
        sent = self._client.publish(topic, payload, qos, retain)
        sent.wait_for_publish(DEADLINE_S)
        return sent

    def subscribe(self, topic_filter: str, handler: Handler, qos: int = 1) -> None:
        def heard(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            handler(message.topic, bytes(message.payload), bool(message.retain))

        self._client.message_callback_add(topic_filter, heard)
        self._subscribed.clear()
        self._client.subscribe(topic_filter, qos)
        assert self._subscribed.wait(DEADLINE_S)

    def die(self) -> None:
        self._client.loop_stop()
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Real:
    def __init__(self, folder: Path) -> None:
        users = ["controller", "tt-1", "tt-2"]
        self._mosquitto = Mosquitto(folder, host="127.0.0.1", port=0, controller_user="controller", acl=ACL)
        self._mosquitto.set_accounts({user: hash_password("secret") for user in users})
        self._mosquitto.start()
        self._clients: list[RealClient] = []
        own = MqttBroker(self._mosquitto.controller_url, user="controller", password="secret")
        self.broker: Broker = own
        until(lambda: own.connected)

    def join(self, user: str, will: tuple[str, bytes] | None = None) -> Other:
        self._clients.append(RealClient(self._mosquitto.port, user, will))
        return self._clients[-1]

    def fall(self) -> None:
        self._mosquitto.stop()
        until(lambda: not self.broker.connected)

    def come_back(self) -> None:
        self._mosquitto.start()
        until(lambda: self.broker.connected)

    def close(self) -> None:
        for client in self._clients:
            client.leave()
        self.broker.close()
        self._mosquitto.stop()


@pytest.fixture(params=["in memory", "mosquitto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "in memory":
        yield InMemory()
        return
    real = Real(tmp_path)
    yield real
    real.close()


class Ear:
    """Keeps what is heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []

    def __call__(self, topic: str, payload: bytes, retained: bool) -> None:
        self.heard.append((topic, payload, retained))

    def payloads(self) -> list[bytes]:
        return [payload for _, payload, _ in self.heard]


def until(held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not held():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def ready_ear(place: Place, topic_filter: str) -> Ear:
    """An ear on our own connection that surely listens already."""
    ear = Ear()
    place.broker.subscribe(topic_filter, ear)
    settle(place)
    return ear


def settle(place: Place) -> None:
    """Wait until the broker has done all that we asked before: it answers one connection in order."""
    assert place.broker.publish("loa/1/settled", b"", qos=1, retain=False).wait(DEADLINE_S)


def test_what_is_published_is_heard_and_acknowledged(place: Place) -> None:
    ear = ready_ear(place, "loa/1/c/+/air/+")
    assert place.broker.publish(AIR, b"manifest", qos=1, retain=False).wait(DEADLINE_S)
    until(lambda: ear.heard == [(AIR, b"manifest", False)])


def test_who_comes_late_hears_what_was_retained_and_that_it_was(place: Place) -> None:
    place.broker.publish(AIR, b"kept", qos=1, retain=True).wait(DEADLINE_S)
    late = Ear()
    place.join("tt-1").subscribe("loa/1/c/thieu-trung/air/+", late)
    until(lambda: late.heard == [(AIR, b"kept", True)])


def test_an_empty_retained_message_takes_the_kept_one_away(place: Place) -> None:
    place.broker.publish(AIR, b"kept", qos=1, retain=True).wait(DEADLINE_S)
    place.broker.publish(AIR, b"", qos=1, retain=True).wait(DEADLINE_S)
    place.broker.publish(AIR + "2", b"another", qos=1, retain=True).wait(DEADLINE_S)
    late = Ear()
    place.join("tt-1").subscribe("loa/1/c/thieu-trung/air/+", late)
    until(lambda: late.heard != [])
    assert late.payloads() == [b"another"]


def test_a_plus_stands_for_one_level_and_no_more(place: Place) -> None:
    ear = ready_ear(place, "loa/1/+/heartbeat")
    place.broker.publish("loa/1/r/tt-1/heartbeat", b"two levels", qos=1, retain=False)
    place.broker.publish("loa/1/x/heartbeat", b"one level", qos=1, retain=False)
    until(lambda: ear.payloads() == [b"one level"])


def test_a_receiver_writes_under_its_own_topic_only_and_is_not_told(place: Place) -> None:
    ear = ready_ear(place, "loa/1/r/+/heartbeat")
    receiver = place.join("tt-1")
    receiver.publish("loa/1/r/tt-2/heartbeat", b"a lie", qos=1, retain=False)
    receiver.publish("loa/1/r/tt-1/heartbeat", b"the truth", qos=1, retain=False)
    until(lambda: b"the truth" in ear.payloads())
    assert ear.payloads() == [b"the truth"]


def test_a_receiver_cannot_write_a_manifest(place: Place) -> None:
    ear = ready_ear(place, "#")
    receiver = place.join("tt-1")
    receiver.publish(AIR, b"forged", qos=1, retain=True)
    receiver.publish("loa/1/r/tt-1/heartbeat", b"after", qos=1, retain=False)
    until(lambda: b"after" in ear.payloads())
    assert b"forged" not in ear.payloads()


def test_a_receiver_does_not_hear_what_is_meant_for_another(place: Place) -> None:
    ear = Ear()
    place.join("tt-1").subscribe("loa/1/r/#", ear)
    place.broker.publish("loa/1/r/tt-2/do", b"for another", qos=1, retain=False)
    place.broker.publish("loa/1/r/tt-1/do", b"for me", qos=1, retain=False)
    until(lambda: b"for me" in ear.payloads())
    assert ear.payloads() == [b"for me"]


def test_the_will_of_a_receiver_that_dies_is_heard_and_kept(place: Place) -> None:
    ear = ready_ear(place, "loa/1/r/+/presence")
    place.join("tt-1", will=("loa/1/r/tt-1/presence", b"gone")).die()
    until(lambda: ear.heard == [("loa/1/r/tt-1/presence", b"gone", False)])
    late = ready_ear(place, "loa/1/r/tt-1/presence")
    until(lambda: (b"gone", True) in [(payload, retained) for _, payload, retained in late.heard])


def test_a_handler_that_fails_ends_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_topic: str, _payload: bytes, _retained: bool) -> None:
        raise RuntimeError("ours")

    place.broker.subscribe("loa/1/r/tt-1/heartbeat", fail)
    ear = ready_ear(place, "loa/1/r/tt-1/presence")
    place.broker.publish("loa/1/r/tt-1/heartbeat", b"1", qos=1, retain=False)
    place.broker.publish("loa/1/r/tt-1/presence", b"2", qos=1, retain=False)
    until(lambda: ear.payloads() == [b"2"])
    assert "could not be handled" in caplog.text


def test_without_a_broker_nothing_is_acknowledged_and_after_it_all_is_heard_again(place: Place) -> None:
    ear = ready_ear(place, "loa/1/r/+/heartbeat")
    back = threading.Event()
    place.broker.on_connected(back.set)
    place.fall()
    assert not place.broker.connected
    assert not place.broker.publish("loa/1/r/tt-1/do", b"into the void", qos=0, retain=False).wait(0.05)
    place.come_back()
    assert back.wait(DEADLINE_S)
    settle(place)
    assert place.broker.publish("loa/1/r/tt-1/heartbeat", b"again", qos=1, retain=False).wait(DEADLINE_S)
    until(lambda: b"again" in ear.payloads())


def test_what_is_published_while_the_broker_is_away_comes_later_at_qos_1_and_never_at_qos_0(place: Place) -> None:
    ear = ready_ear(place, "loa/1/r/+/do")
    place.fall()
    place.broker.publish("loa/1/r/tt-1/do", b"lost", qos=0, retain=False)
    kept = place.broker.publish("loa/1/r/tt-1/do", b"kept", qos=1, retain=False)
    assert not kept.wait(0.05)
    place.come_back()
    until(lambda: b"kept" in ear.payloads())
    until(lambda: kept.wait(0.05))
    assert ear.payloads() == [b"kept"]


def test_what_was_retained_outlives_the_broker(place: Place) -> None:
    place.broker.publish(AIR, b"kept", qos=1, retain=True).wait(DEADLINE_S)
    place.fall()
    place.come_back()
    late = ready_ear(place, "loa/1/c/thieu-trung/air/+")
    until(lambda: late.heard == [(AIR, b"kept", True)])


def test_what_many_threads_publish_at_once_arrives_whole(place: Place) -> None:
    """Large ones, so that the socket takes them in parts; published from within a handler as well."""
    ear = ready_ear(place, "loa/1/c/+/air/+")
    place.broker.subscribe("loa/1/again", lambda *_: place.broker.publish(AIR, b"z" * 60_000, qos=1, retain=False))
    settle(place)

    def publish(letter: bytes) -> None:
        for _ in range(20):
            place.broker.publish(AIR, letter * 60_000, qos=1, retain=False)
            place.broker.publish("loa/1/again", b"", qos=0, retain=False)

    threads = [threading.Thread(target=publish, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(ear.heard) >= 160)
    payloads = ear.payloads()
    assert {len(p) for p in payloads} == {60_000}
    assert all(len(set(p)) == 1 for p in payloads)
    assert sorted(p[:1] for p in payloads) == sorted([b"a", b"b", b"c", b"d"] * 20 + [b"z"] * 80)
