"""Broadcasts withdrawn or changed while a receiver was offline are corrected on its return, over a real broker."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.broadcasts import Broadcast, broadcast
from broadcast.manifests import MANIFEST_HOLDS
from broadcast.stopping import withdraw
from broadcast.transmitter import Transmitter
from devices.downlink import Downlink
from devices.enrolment import CONTROLLER_USER, acl_rows
from receiver.link.connection import Connection
from receiver.link.identity import Identity, SessionNumber
from receiver.store.plan import Plan
from runtime.broker import MqttBroker
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password
from tests.broadcast.studio import KEY, Studio
from tests.cast import COMMUNE
from wire.credentials import Credentials
from wire.sealing import PublicKey
from wire.topics import Kind, Topic

DEADLINE_S = 10.0


def until(held: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not held():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.01)


class Receiver:
    """Plan and connection of a receiver, without sound. Each `start` reads its disk again, as after a power cut."""

    def __init__(self, folder: Path, broker_url: str, clock: ManualClock) -> None:
        self._folder, self._clock = folder, clock
        public = PublicKey(KEY.public)
        self._identity = Identity(
            Credentials(
                receiver="loa-1",
                commune=COMMUNE,
                broker_url=broker_url,
                broker_secret="secret",
                receiver_seed="07" * 32,
                controller_keys={public.kid: public.raw.hex()},
            )
        )
        self.came: list[str] = []

    def start(self) -> None:
        """It has power and a network."""
        self.wake()
        sessions = SessionNumber(self._folder / "session")
        self._connection = Connection(self._identity, sessions, self, "test")
        self._connection.start()
        until(lambda: self._connection.is_connected)

    def wake(self) -> None:
        """It has power, and reads its disk."""
        self.plan = Plan(self._folder / "plan", "loa-1", COMMUNE, self._identity.controller_keys)

    def stop(self) -> None:
        """It has neither."""
        self._connection.close("stopped")

    def connected(self, _session: int) -> None:
        self._connection.listen_to(COMMUNE)

    def disconnected(self) -> None:
        return

    def message(self, kind: Kind, topic: Topic, payload: bytes) -> None:
        if kind is Kind.AIR:
            self.plan.take_manifest(topic.broadcast, payload, self._clock.now_us())
            self.came.append(topic.broadcast)

    def sounds(self, broadcast_id: str) -> bool:
        """Whether it would sound, by what it holds now."""
        held = self.plan.manifests.get(broadcast_id)
        return held is not None and not held.withdrawn


class Place:
    """A controller's transmitter, a Mosquitto, a receiver."""

    def __init__(self, folder: Path, clock: ManualClock, database: Database) -> None:
        self.clock = clock
        self.mosquitto = Mosquitto(
            folder / "broker", host="127.0.0.1", port=0, controller_user=CONTROLLER_USER, acl=acl_rows()
        )
        self.mosquitto.set_accounts({user: hash_password("secret") for user in (CONTROLLER_USER, "loa-1")})
        self.mosquitto.start()
        self.broker = MqttBroker(self.mosquitto.controller_url, user=CONTROLLER_USER, password="secret")
        until(lambda: self.broker.connected)
        self.studio = Studio(clock, database)
        downlink = Downlink(self.broker, KEY, clock, media_base="http://127.0.0.1:9/")
        self.transmitter = Transmitter(database, downlink, clock)
        (folder / "receiver").mkdir()
        self.receiver = Receiver(folder / "receiver", self.mosquitto.url, clock)

    def plan_for_tomorrow(self) -> Broadcast:
        """A broadcast a day ahead, at the broker."""
        put = self.studio.speak_now()
        with self.studio.database.writing() as session:
            found = broadcast(session, put.id)
            found.starts_at += timedelta(days=1)
            found.ends_at += timedelta(days=1)
            session.add(found)
        assert self.transmitter.announce_due() == 1
        return found

    def withdraw(self, broadcast_id: str) -> None:
        with self.studio.database.writing() as session:
            withdraw(session, broadcast_id, self.clock.now(), cause="by_operator")
        assert self.transmitter.announce_due() == 1

    def marker(self) -> str:
        """Something else at the broker: once it has come, what was sent before it has come too."""
        put = self.studio.speak_now()
        assert self.transmitter.announce_due() == 1
        return put.id

    def close(self) -> None:
        self.broker.close()
        self.mosquitto.stop()


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock, database: Database) -> Iterator[Place]:
    made = Place(tmp_path, clock, database)
    yield made
    made.close()


@pytest.fixture
def planned(place: Place) -> Broadcast:
    """A broadcast of tomorrow that the receiver holds; it is away since."""
    put = place.plan_for_tomorrow()
    place.receiver.start()
    until(lambda: place.receiver.sounds(put.id))
    place.receiver.stop()
    return put


def test_what_was_withdrawn_meanwhile_does_not_sound_when_it_is_back_before_the_start(
    place: Place, planned: Broadcast
) -> None:
    place.withdraw(planned.id)
    place.receiver.wake()
    assert place.receiver.sounds(planned.id), "without a network it cannot know"
    place.receiver.start()
    until(lambda: not place.receiver.sounds(planned.id))
    place.receiver.stop()
    place.receiver.wake()
    assert not place.receiver.sounds(planned.id), "and it knows it after the next power cut"


def test_it_is_put_right_too_when_the_broker_was_restarted_meanwhile(place: Place, planned: Broadcast) -> None:
    place.withdraw(planned.id)
    place.mosquitto.stop()
    place.mosquitto.start()
    place.receiver.start()
    until(lambda: not place.receiver.sounds(planned.id))
    place.receiver.stop()


def test_of_several_changes_meanwhile_the_last_holds(place: Place, planned: Broadcast) -> None:
    for seconds in (10, 20):
        with place.studio.database.writing() as session:
            found = broadcast(session, planned.id)
            found.ends_at += timedelta(seconds=seconds)
            found.revision += 1
            session.add(found)
        assert place.transmitter.announce_due() == 1
    place.receiver.start()
    until(lambda: place.receiver.plan.manifests[planned.id].revision == 3)
    place.receiver.stop()
    assert place.receiver.plan.manifests[planned.id].ends_at_us == to_us(planned.ends_at) + 30_000_000


def test_back_after_all_was_cleared_it_holds_the_old_word_but_its_time_is_over(
    place: Place, planned: Broadcast
) -> None:
    place.withdraw(planned.id)
    place.clock.set(planned.ends_at + MANIFEST_HOLDS + timedelta(seconds=1))
    assert place.transmitter.clear_old() == 1
    marker = place.marker()
    place.receiver.start()
    until(lambda: marker in place.receiver.came)
    place.receiver.stop()
    held = place.receiver.plan.manifests[planned.id]
    assert held.sounds_until_us < place.clock.now_us(), "it cannot sound any more"
    assert planned.id in place.receiver.plan.drop_expired(place.clock.now_us())
