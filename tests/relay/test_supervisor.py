"""Two controllers on one database: one relays, and the other takes over in the same slot when the first is gone."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from sqlmodel import select

from broadcast.manifest_items import wire_items_of_relay
from broadcast.media import Media
from broadcast.planning import new_broadcast, plan_broadcast
from broadcast.relay_sources import add_relay_source
from devices.communes import add_commune
from devices.downlink import Downlink
from devices.faults import Fault
from relay.supervisor import LEASE, RelaySupervisor
from runtime import leases
from runtime.clock import ManualClock, from_us, to_us
from runtime.database import Database
from tests.cast import COMMUNE, MORNING
from wire.broadcasts import BroadcastClass, Targets
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, SealingKey

KEY = SealingKey(bytes(range(32)))
STARTS_AT, LENGTH = MORNING + timedelta(seconds=10), timedelta(seconds=60)


@dataclass
class Sent:
    """What one controller sends. frames: each with the time at which it was sent."""

    clock: ManualClock
    key: SealingKey = KEY
    frames: list[tuple[int, LiveFrame]] = field(default_factory=list)

    def send_frame(self, topic: str, payload: bytes) -> None:
        self.frames.append((self.clock.now_us(), open_frame(payload, topic, PublicKey(KEY.public))))

    @property
    def until_us(self) -> int:
        if not self.frames:
            return 0
        frame = self.frames[-1][1]
        return frame.starts_at_us + 20_000 * len(frame.packets)


@pytest.fixture(params=["database", "postgres"])
def shared(request: pytest.FixtureRequest, clock: ManualClock) -> Database:
    """With one broadcast that relays a station which may not be reached: the fallback, silence, is sent."""
    database: Database = request.getfixturevalue(request.param)
    with database.writing() as session:
        add_commune(session, COMMUNE, "Xã Thiệu Trung")
        source = add_relay_source(session, COMMUNE, name="VOV1", addresses=["http://192.168.1.9/live"])
        broadcast = new_broadcast(
            commune_id=COMMUNE,
            title="VOV1",
            class_=BroadcastClass.NORMAL,
            targets=Targets(all=True),
            starts_at=STARTS_AT,
            length_us=LENGTH // timedelta(microseconds=1),
            items=wire_items_of_relay(session, source, LENGTH, ""),
            now=clock.now(),
            by="lan",
        )
        plan_broadcast(session, broadcast, cause="put_on_air")
    return database


def until(condition: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    """meanwhile: done each second. A relay that was late goes on a message before it is due, which takes its clock."""
    ends_s = time.monotonic() + 20
    next_s = time.monotonic() + 1
    while not condition():
        assert time.monotonic() < ends_s
        if time.monotonic() >= next_s:
            meanwhile()
            next_s += 1
        time.sleep(0.005)


def test_of_two_controllers_one_relays_and_the_other_takes_over_in_the_slot(
    shared: Database, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "relay.supervisor")
    one, two = Sent(clock), Sent(clock)
    supervisors = [
        RelaySupervisor(shared, cast(Downlink, sent), Media(tmp_path), clock, frozenset()) for sent in (one, two)
    ]

    def has_sent(sent: Sent) -> bool:
        return sent.until_us >= min(clock.now_us() + 1_400_000, to_us(STARTS_AT + LENGTH) - 100_000)

    def nudge() -> None:
        clock.advance(seconds=0.1)

    def run(seconds: int, running: list[RelaySupervisor], sends: Sent | None) -> None:
        for _ in range(seconds):
            clock.advance(seconds=1)
            for supervisor in running:
                supervisor.step()
            if sends is not None:
                until(partial(has_sent, sends), meanwhile=nudge)

    run(8, supervisors, None)
    run(12, supervisors, one)
    assert two.frames == []
    run(7, supervisors[1:], None)  # the first one hangs: its lease lasts on
    assert two.frames == []
    run(4, supervisors[1:], None)
    until(lambda: bool(two.frames), meanwhile=nudge)
    run(3, supervisors, two)  # the first one goes on, and does not get it back
    assert max(at for at, _ in one.frames) < min(at for at, _ in two.frames)
    taken_over_at = from_us(two.frames[0][0])
    assert taken_over_at - from_us(max(at for at, _ in one.frames)) <= LEASE + timedelta(seconds=3)
    assert two.frames[0][1].stream_starts_at_us > one.frames[0][1].stream_starts_at_us
    all_sent_at = STARTS_AT + LENGTH - timedelta(seconds=1.4)
    while clock.now() < all_sent_at - timedelta(seconds=1):
        run(1, supervisors, two)
    clock.advance(all_sent_at - clock.now())
    until(lambda: two.until_us >= to_us(STARTS_AT + LENGTH) - 20_000)
    until(lambda: not any(thread.name == "relay" for thread in threading.enumerate()))
    supervisors[1].step()  # what was sent ahead still sounds: a second stream would cut it off
    run(1, supervisors, None)
    run(3, supervisors[1:], None)
    for supervisor in supervisors:
        supervisor.close()
    assert len([r for r in caplog.records if r.getMessage().startswith("relay: broadcast")]) == 2
    with shared.session() as session:
        (fault,) = session.exec(select(Fault))
        assert (fault.subject, fault.began_at) == ("VOV1", STARTS_AT)
        assert fault.ended_at == STARTS_AT + LENGTH
        assert list(session.exec(select(leases.Lease))) == []


def test_a_lease_is_held_by_one_until_it_lapses_or_is_released(shared: Database, clock: ManualClock) -> None:
    def hold(holder: str) -> bool:
        with shared.writing() as session:
            may = leases.may_hold(session, "work", holder, clock.now(), LEASE)
            held = leases.hold(session, "work", holder, clock.now(), LEASE)
            assert may == held
            return held

    assert (hold("a"), hold("b"), hold("a")) == (True, False, True)
    clock.advance(LEASE + timedelta(seconds=1))
    assert (hold("b"), hold("a")) == (True, False)
    with shared.writing() as session:
        leases.release(session, "work", "a", clock.now())  # not its own
    assert hold("a") is False
    with shared.writing() as session:
        leases.release(session, "work", "b", clock.now())
    assert hold("a") is True
    clock.set(clock.now() - timedelta(hours=1))
    assert hold("b") is True  # written before the clock was set back
