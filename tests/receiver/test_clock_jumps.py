"""A receiver at a real broker while controller time is set ahead and back: its plan stays whole."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.downlink import Downlink
from receiver.agent import Agent
from receiver.link.identity import Identity
from receiver.output.amplifier import RecordedAmplifier
from runtime.broker import MqttBroker
from runtime.clock import ManualClock, from_us
from runtime.mosquitto import Mosquitto, hash_password
from runtime.mosquitto_configuration import AclRow
from tests.fakes.speaker import FakeSpeaker
from tests.receiver.plans import KEY, NOW_US, manifest
from wire import topics
from wire.credentials import Credentials
from wire.messages import decode
from wire.time import TimeAsk
from wire.topics import Kind

ACL = [AclRow("read", "loa/1/#"), AclRow("write", "loa/1/r/%u/#")]
DEADLINE_S = 40.0
HOUR_S, DAY_US = 3600, 86_400_000_000


class RunningClock(ManualClock):
    """Runs with the monotonic clock, and can be set."""

    def __init__(self) -> None:
        super().__init__(from_us(NOW_US))
        self.offset_us = NOW_US - self.monotonic_us()

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def now_us(self) -> int:
        return self.monotonic_us() + self.offset_us


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mosquitto = Mosquitto(folder / "broker", host="127.0.0.1", port=0, controller_user="controller", acl=ACL)
        self.mosquitto.set_accounts({user: hash_password("secret") for user in ("controller", "loa-1")})
        self.mosquitto.start()
        self.broker = MqttBroker(self.mosquitto.controller_url, user="controller", password="secret", clean=True)
        self.wait_for(lambda: self.broker.connected)
        self.clock = RunningClock()
        self.downlink = Downlink(self.broker, KEY, self.clock, media_base="http://127.0.0.1:1/media/")
        self.broker.subscribe(topics.from_all_receivers(Kind.TIME_ASK), self._answer, qos=0)
        identity = Identity(
            Credentials(
                receiver="loa-1",
                commune="tt",
                broker_url=self.mosquitto.url,
                broker_secret="secret",
                receiver_seed="11" * 32,
                controller_keys={KEY.kid: KEY.public.hex()},
            )
        )
        self.agent = Agent(identity, folder / "data", FakeSpeaker(), RecordedAmplifier(), version="1")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.agent.run, args=[self._stopping])
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self.broker.close()
        self.mosquitto.stop()

    def _answer(self, _topic: str, payload: bytes, _retained: bool) -> None:
        ask = decode(payload, TimeAsk)
        self.downlink.tell_time("loa-1", ask.nonce, ask.asked_local_us, self.clock.now_us())

    def announce(self, broadcast: str, start_s: float) -> None:
        assert self.downlink.send_manifest("tt", manifest(broadcast, start_s)).wait(DEADLINE_S)

    def follows(self) -> bool:
        now_us = self.agent._now_us()
        return now_us is not None and abs(now_us - self.clock.now_us()) < 1_000_000

    def holds(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / "data" / "plan" / "air").glob("*.jws"))

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < deadline_s, "it did not come"
            time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_a_jump_ahead_and_back_costs_no_manifest_held_nor_any_announced_meanwhile(place: Place) -> None:
    place.announce("held", 12 * HOUR_S)
    place.wait_for(lambda: place.follows() and place.holds() == ["held"])
    place.clock.offset_us += 5 * DAY_US
    place.wait_for(place.follows)
    place.announce("refused", 13 * HOUR_S)  # by the receiver's time it expired long ago
    place.wait_for(lambda: place.agent._plan.refused["expired"] > 0)
    assert place.holds() == ["held"]
    place.clock.offset_us -= 5 * DAY_US
    place.wait_for(lambda: place.follows() and place.holds() == ["held", "refused"])
