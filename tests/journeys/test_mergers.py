"""Receivers change commune while offline, on air or restarting: nothing is lost, over a real broker."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.planning import new_broadcast, plan_broadcast
from broadcast.stopping import stop, withdraw
from devices.enrolment import CONTROLLER_USER, acl_rows
from devices.receivers import receivers
from mergers.mergers import mergers
from mergers.plans import Split
from receiver.link.connection import Connection
from receiver.link.identity import Identity, SessionNumber
from receiver.playout.ladder import playing_intervals
from receiver.store.plan import Plan
from runtime.broker import MqttBroker
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password
from tests.broadcast.studio import KEY
from tests.mergers.county import BOTH, CHINH, HIEN, TRUNG, County
from wire import topics
from wire.broadcasts import BroadcastClass, LiveItem, Targets
from wire.credentials import Credentials
from wire.messages import for_commune
from wire.sealing import PublicKey
from wire.topics import Kind, Topic

DEADLINE_S = 10.0
LOA = f"{CHINH}-loa-1"


def until(held: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not held():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.01)


class Receiver:
    """Plan and connection of a receiver, without sound; it does with messages what the agent does.

    would_sound: after each message the broadcasts that it would sound from then on, by what it holds.
    """

    def __init__(
        self, folder: Path, broker_url: str, clock: ManualClock, name: str = LOA, commune: str = CHINH
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._clock, self._name, self._commune = folder, clock, name, commune
        public = PublicKey(KEY.public)
        self._identity = Identity(
            Credentials(
                receiver=name,
                commune=commune,
                broker_url=broker_url,
                broker_secret="secret",
                receiver_seed="07" * 32,
                controller_keys={public.kid: public.raw.hex()},
            )
        )
        self.would_sound: list[tuple[str, ...]] = []
        self.frames = 0
        self.deaf_to: set[Kind] = set()  # what does not get through any more

    def wake(self) -> None:
        """It has power, and reads its disk."""
        self.plan = Plan(self._folder / "plan", self._name, self._commune, self._identity.controller_keys)

    def start(self) -> None:
        """It has power and a network."""
        self.wake()
        self._connection = Connection(self._identity, SessionNumber(self._folder / "session"), self, "test")
        self._connection.start()
        until(lambda: self._connection.is_connected)

    def stop(self) -> None:
        """It has neither."""
        self._connection.close("stopped")

    def connected(self, _session: int) -> None:
        self.listen()

    def disconnected(self) -> None:
        return

    def listen(self) -> None:
        self._connection.listen_to(self.plan.commune, self.plan.former(self._clock.now_us()))

    def message(self, kind: Kind, topic: Topic, payload: bytes) -> None:
        self.frames += kind is Kind.LIVE
        if kind in self.deaf_to:
            return
        now_us = self._clock.now_us()
        if kind is Kind.CONFIG and self.plan.take_config(payload, now_us):
            self.listen()
        elif kind is Kind.AIR and topic.commune == self.plan.commune:
            self.plan.take_manifest(topic.broadcast, payload, now_us)
        if kind in (Kind.CONFIG, Kind.AIR):
            self.would_sound.append(self.now_playing())

    def now_playing(self) -> tuple[str, ...]:
        """The broadcasts that would have the horn from now on, in order."""
        now_us = self._clock.now_us()
        ahead = playing_intervals(self.plan.for_us(), None, now_us, now_us + 3 * 86_400_000_000)
        return tuple(dict.fromkeys(s.manifest.broadcast for s in ahead if s.manifest is not None))

    def holds(self, broadcast_id: str, commune: str) -> bool:
        held = self.plan.manifests.get(broadcast_id)
        return held is not None and held.to == for_commune(commune)


class Place:
    """The two communes at a real Mosquitto."""

    def __init__(self, folder: Path, clock: ManualClock, database: Database) -> None:
        self.folder, self.clock, self.database = folder, clock, database
        self.mosquitto = Mosquitto(
            folder / "broker", host="127.0.0.1", port=0, controller_user=CONTROLLER_USER, acl=acl_rows()
        )
        names = [f"{commune}-loa-{n}" for commune in (CHINH, HIEN) for n in (1, 2)]
        self.mosquitto.set_accounts({user: hash_password("secret") for user in (CONTROLLER_USER, *names)})
        self.mosquitto.start()
        self.broker = MqttBroker(self.mosquitto.controller_url, user=CONTROLLER_USER, password="secret")
        until(lambda: self.broker.connected)
        self.county = County(clock, database, self.broker)
        self.tell_all()
        self.receiver = self.another(LOA, CHINH)

    def another(self, name: str, commune: str) -> Receiver:
        return Receiver(self.folder / name, self.mosquitto.url, self.clock, name, commune)

    def tell_all(self) -> None:
        with self.database.session() as session:
            for sent in self.county.downlink.configure_all(session, receivers(session)):
                assert sent.wait(DEADLINE_S)

    def plan(self) -> list[Broadcast]:
        """Tomorrow's and the day after's bulletin of both, at the broker."""
        self.county.plan_ahead()
        self.county.announce()
        return [b for b in self.county.broadcasts() if b.commune_id == CHINH]

    def tell(self) -> None:
        self.county.announce()
        self.county.handover.step()
        with self.database.session() as session:
            assert all(one.told_at for one in mergers(session))

    def close(self) -> None:
        self.broker.close()
        self.mosquitto.stop()


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock, database: Database) -> Iterator[Place]:
    made = Place(tmp_path, clock, database)
    yield made
    made.close()


@pytest.fixture
def planned(place: Place) -> tuple[str, ...]:
    """The broadcasts that the receiver holds under its old commune; it is away since."""
    ids = tuple(b.id for b in place.plan())
    place.receiver.start()
    until(lambda: place.receiver.now_playing() == ids and place.receiver.plan.config is not None)
    place.receiver.stop()
    place.receiver.would_sound.clear()
    return ids


def test_away_during_the_merger_it_sounds_the_old_plan_and_then_the_new_each_once(
    place: Place, planned: tuple[str, ...]
) -> None:
    place.county.merge()
    place.tell()
    place.receiver.wake()
    assert place.receiver.now_playing() == planned, "without a network it cannot know"
    place.receiver.start()
    until(lambda: all(place.receiver.holds(b, TRUNG) for b in planned))
    place.receiver.stop()
    assert set(place.receiver.would_sound) == {planned}, "at no message was one lacking, or twice"
    place.receiver.wake()
    assert place.receiver.now_playing() == planned


@pytest.mark.parametrize("lost", [Kind.AIR, Kind.CONFIG])
def test_cut_off_between_config_and_plan_and_restarted_it_still_sounds_what_it_held(
    place: Place, planned: tuple[str, ...], lost: Kind
) -> None:
    place.county.merge()
    place.tell()
    place.receiver.deaf_to = {lost}
    place.receiver.start()
    if lost is Kind.AIR:
        until(lambda: place.receiver.plan.commune == TRUNG)
    place.receiver.stop()
    place.receiver.wake()
    assert place.receiver.now_playing() == planned
    place.receiver.deaf_to = set()
    place.receiver.start()
    until(lambda: all(place.receiver.holds(b, TRUNG) for b in planned))
    place.receiver.stop()
    assert set(place.receiver.would_sound) == {planned}


def test_in_the_middle_of_a_broadcast_it_goes_on_and_hears_the_stop(place: Place) -> None:
    running = place.county.put_on_air(CHINH)
    place.county.announce()
    place.receiver.start()
    until(lambda: place.receiver.now_playing() == (running.id,))
    place.clock.advance(seconds=20)
    place.receiver.would_sound.clear()
    place.county.merge()
    place.tell()
    until(lambda: place.receiver.plan.commune == TRUNG)
    with place.database.writing() as session:
        assert session.get_one(Broadcast, running.id).commune_id == CHINH, "it keeps the name of its time"
        stop(session, running.id, place.clock.now(), by="lan")
    place.county.announce()
    until(lambda: place.receiver.now_playing() == ())
    place.receiver.stop()
    assert set(place.receiver.would_sound) == {(running.id,), ()}


def test_a_live_broadcast_goes_on_to_those_who_went_over_and_no_longer(place: Place) -> None:
    now = place.clock.now()
    with place.database.writing() as session:
        speaking = plan_broadcast(
            session,
            new_broadcast(
                commune_id=CHINH,
                title="Trực tiếp",
                class_=BroadcastClass.NORMAL,
                targets=Targets(all=True),
                starts_at=now,
                length_us=60_000_000,
                now=now,
                items=[LiveItem(offset_us=0, duration_us=60_000_000, buffer_us=500_000)],
            ),
        )
    place.county.announce()
    place.receiver.start()
    until(lambda: speaking.id in place.receiver.plan.manifests)
    place.clock.advance(seconds=5)
    place.county.merge()
    place.tell()
    until(lambda: place.receiver.plan.commune == TRUNG)
    until(lambda: _reaches(place, speaking.id))
    assert place.receiver.now_playing() == (speaking.id,)
    place.clock.advance(seconds=60)
    place.receiver.listen()
    until(lambda: not _reaches(place, speaking.id))
    place.receiver.stop()


def _reaches(place: Place, broadcast_id: str) -> bool:
    """Whether a frame on the former commune's topic comes."""
    before = place.receiver.frames
    place.county.downlink.send_frame(topics.live(CHINH, broadcast_id), b"frame")
    time.sleep(0.05)
    return place.receiver.frames > before


def test_back_with_an_empty_disk_in_the_middle_it_joins_what_the_old_commune_began(place: Place) -> None:
    running = place.county.put_on_air(CHINH)
    place.county.announce()
    place.clock.advance(seconds=20)
    place.county.merge()
    place.tell()
    place.receiver.start()
    until(lambda: place.receiver.now_playing() == (running.id,))
    place.receiver.stop()
    other = place.another(f"{HIEN}-loa-1", HIEN)
    other.start()
    until(lambda: other.holds(running.id, TRUNG))
    other.stop()
    assert other.now_playing() == (), "it is not for the other former commune"


def test_killed_between_commit_and_publish_the_next_start_tells_all(place: Place, planned: tuple[str, ...]) -> None:
    place.county.merge()
    place.receiver.start()
    until(lambda: place.receiver.would_sound)
    assert place.receiver.plan.commune == CHINH, "it has not been told yet"
    assert place.receiver.now_playing() == planned
    place.tell()
    until(lambda: all(place.receiver.holds(b, TRUNG) for b in planned))
    place.receiver.stop()
    assert set(place.receiver.would_sound) == {planned}


def test_what_is_withdrawn_after_the_merger_does_not_sound_where_the_old_plan_was_held(
    place: Place, planned: tuple[str, ...]
) -> None:
    place.county.merge()
    place.tell()
    with place.database.writing() as session:
        withdraw(session, planned[0], place.clock.now(), cause="by_operator")
    place.county.announce()
    place.receiver.start()
    until(lambda: place.receiver.now_playing() == planned[1:])
    place.receiver.stop()


def test_away_over_a_merger_and_its_undoing_it_is_where_it_was(place: Place, planned: tuple[str, ...]) -> None:
    place.county.merge()
    place.tell()
    place.clock.advance(seconds=5)
    place.county.undo()
    place.tell()
    place.receiver.start()
    until(lambda: place.receiver.plan.config is not None and place.receiver.plan.config.formerly)
    until(lambda: place.receiver.plan.manifests[planned[-1]].revision == 3)
    place.receiver.stop()
    assert place.receiver.plan.commune == CHINH
    assert set(place.receiver.would_sound) == {planned}


def test_merged_into_one_of_them_the_others_running_programme_does_not_begin_here(place: Place) -> None:
    running = place.county.put_on_air(CHINH)
    place.county.announce()
    place.receiver.start()
    until(lambda: place.receiver.now_playing() == (running.id,))
    place.clock.advance(seconds=20)
    place.receiver.would_sound.clear()
    other = place.another(f"{HIEN}-loa-1", HIEN)
    other.start()
    until(lambda: other.plan.config is not None)
    into = type(BOTH)(sources=(CHINH, HIEN), into=CHINH, name="Xã Thiệu Trung")
    place.county.merge(into)
    place.tell()
    until(lambda: other.plan.commune == CHINH and other.holds(running.id, CHINH))
    until(lambda: place.receiver.plan.config is not None and len(place.receiver.plan.config.zones) == 2)
    assert other.now_playing() == ()
    place.receiver.stop()
    other.stop()
    assert set(place.receiver.would_sound) == {(running.id,)}


def test_a_split_gives_the_part_a_broadcast_of_its_own_in_the_place_of_the_old(
    place: Place, planned: tuple[str, ...]
) -> None:
    place.county.merge(Split(source=CHINH, into=TRUNG, name="Xã Thiệu Trung", zones=(f"{CHINH}-thon-1",)))
    place.tell()
    place.receiver.start()
    until(lambda: len(place.receiver.plan.manifests) == 2 and not set(planned) & set(place.receiver.plan.manifests))
    place.receiver.stop()
    new = {b.id: b.replaces for b in place.county.broadcasts(commune_id=TRUNG)}
    assert sorted(new.values()) == sorted(planned)
    own = {replaced: b for b, replaced in new.items()}
    for heard in place.receiver.would_sound:
        assert len(heard) == len(planned), "each airing once, under either name"
        assert all(mine in (old, own[old]) for mine, old in zip(heard, planned, strict=True))


def test_away_for_days_it_comes_back_into_the_new_commune(place: Place, planned: tuple[str, ...]) -> None:
    place.county.merge()
    place.tell()
    place.clock.advance(timedelta(days=9))
    place.receiver.wake()
    assert sorted(place.receiver.plan.drop_expired(place.clock.now_us())) == sorted(planned)
    place.tell_all()
    place.receiver.start()
    until(lambda: place.receiver.plan.commune == TRUNG)
    place.receiver.stop()
