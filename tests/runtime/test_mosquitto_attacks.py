"""What a receiver's credentials, or none at all, can do to others at the broker that we start."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from runtime.broker import MqttBroker
from runtime.mosquitto import Mosquitto, hash_password
from runtime.mosquitto_configuration import AclRow

ACL = [AclRow("read", "loa/1/c/+/air/+"), AclRow("read", "loa/1/r/%u/do"), AclRow("write", "loa/1/r/%u/presence")]
DEADLINE_S = 10.0
SECRET = "secret"
SESSIONS = 200


def until(held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not held():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


class Client:
    """A connection with a user and a client id that it chooses, and a persistent session."""

    def __init__(self, port: int, user: str, client_id: str, *, password: str = SECRET, clean: bool = False) -> None:
        self.heard: list[bytes] = []
        self.lost = threading.Event()
        self.answer: ReasonCode | None = None
        self.session_present = False
        self._answered = threading.Event()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean)
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._connected
        self._client.on_disconnect = lambda *_: self.lost.set()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _client, _data, message: self.heard.append(bytes(message.payload))
        self._client.connect("127.0.0.1", port, 60)
        self._client.reconnect_delay_set(60, 60)
        self._client.loop_start()
        assert self._answered.wait(DEADLINE_S)

    def _connected(self, _client: mqtt.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self.answer, self.session_present = reason, flags.session_present
        self._answered.set()

    def subscribe(self, topic_filter: str) -> None:
        self._client.subscribe(topic_filter, 1)
        assert self._subscribed.wait(DEADLINE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Place:
    """A broker with the controller's connection, and clients that are closed at the end."""

    def __init__(self, folder: Path) -> None:
        self.mosquitto = Mosquitto(folder, host="127.0.0.1", port=0, controller_user="controller", acl=ACL)
        self.accounts = {user: hash_password("secret") for user in ("controller", "tt-1", "tt-2")}
        self.mosquitto.set_accounts(self.accounts)
        self.mosquitto.start()
        self.controller_lost = threading.Event()
        self.controller = MqttBroker(self.mosquitto.controller_url, user="controller", password="secret", clean=True)
        self.controller.on_disconnected(self.controller_lost.set)
        self._clients: list[Client] = []
        until(lambda: self.controller.connected)

    def client(self, user: str, client_id: str, password: str = SECRET) -> Client:
        self._clients.append(Client(self.mosquitto.port, user, client_id, password=password))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.controller.close()
        self.mosquitto.stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "broker")
    yield made
    made.close()


@pytest.mark.parametrize("client_id", ["loa:controller", "loa-controller", "controller", "tt-2", "tt-1", "x y/#"])
def test_a_receiver_cannot_take_over_the_controllers_or_anothers_session(place: Place, client_id: str) -> None:
    other = place.client("tt-2", "tt-2")
    other.subscribe("loa/1/c/+/air/+")
    for _ in range(5):
        place.client("tt-1", client_id).close()
    attacker = place.client("tt-1", client_id)
    assert place.controller.publish("loa/1/c/thieu-trung/air/1", b"emergency", qos=1, retain=True).wait(2)
    until(lambda: other.heard == [b"emergency"])
    assert not attacker.lost.is_set()
    assert not other.lost.is_set()
    assert not place.controller_lost.is_set()


@pytest.mark.parametrize("user", ["controller", "session-ender", ""])
def test_no_account_of_the_controller_is_known_where_receivers_connect(place: Place, user: str) -> None:
    answer = place.client(user, "x").answer
    assert answer is not None
    assert answer.is_failure


def test_many_sessions_with_one_account_are_one_session(place: Place) -> None:
    for number in range(SESSIONS):
        client = Client(place.mosquitto.port, "tt-1", f"copy-{number}")
        client.subscribe("loa/1/c/+/air/+")
        client.close()
    started_s = time.monotonic()
    for number in range(50):
        sent = place.controller.publish(f"loa/1/c/c/air/{number}", b"m" * 1000, qos=1, retain=False)
    assert sent.wait(5)
    assert time.monotonic() - started_s < 2
    survivor = place.client("tt-1", "copy-0")
    assert survivor.session_present
    until(lambda: len(survivor.heard) == 50)
    time.sleep(0.2)  # anything that was queued twice would arrive by then
    assert len(survivor.heard) == 50


def test_new_credentials_end_the_connection_the_session_and_what_is_queued_in_it(place: Place) -> None:
    offline = place.client("tt-1", "tt-1")
    offline.subscribe("loa/1/r/tt-1/do")
    offline.close()
    assert place.controller.publish("loa/1/r/tt-1/do", b"for the old one", qos=1, retain=False).wait(2)
    online = place.client("tt-2", "tt-2")
    place.mosquitto.set_accounts({**place.accounts, "tt-1": hash_password("new"), "tt-2": hash_password("new")})
    place.mosquitto.end_sessions(["tt-1", "tt-2"])
    assert online.lost.wait(2)
    answer = place.client("tt-1", "tt-1").answer
    assert answer is not None
    assert answer.is_failure
    new = place.client("tt-1", "tt-1", "new")
    assert not new.session_present
    new.subscribe("loa/1/r/tt-1/do")
    assert place.controller.publish("loa/1/r/tt-1/do", b"for the new one", qos=1, retain=False).wait(2)
    until(lambda: new.heard == [b"for the new one"])
    assert not place.controller_lost.is_set()


def test_the_accounts_that_were_written_are_read_back_without_the_controllers(place: Place) -> None:
    assert place.mosquitto.stored_accounts() == {name: place.accounts[name] for name in ("tt-1", "tt-2")}


def test_those_who_only_connect_do_not_keep_the_controller_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.mosquitto._file_limit", lambda: 160)
    place = Place(tmp_path / "broker")
    held = []
    try:
        for _ in range(200):
            try:
                held.append(socket.create_connection(("127.0.0.1", place.mosquitto.port), 1))
            except OSError:
                break
        late = MqttBroker(
            place.mosquitto.controller_url, user="controller", password="secret", client_id="loa:live", clean=True
        )
        until(lambda: late.connected)
        assert late.publish("loa/1/c/c/air/1", b"emergency", qos=1, retain=True).wait(2)
        late.close()
    finally:
        for connection in held:
            connection.close()
        place.close()


def test_the_controllers_socket_works_in_a_deep_folder(tmp_path: Path) -> None:
    place = Place(tmp_path / ("đ" * 60) / "broker of the commune")
    place.close()


def test_the_controllers_socket_is_for_its_owner_alone(place: Place, tmp_path: Path) -> None:
    assert (tmp_path / "broker").stat().st_mode & 0o077 == 0
