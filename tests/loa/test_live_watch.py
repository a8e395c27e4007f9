"""A live broadcast whose sender is lost is ended by the controller, and no other broadcast is."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from broadcast.broadcasts import Broadcast, BroadcastState, broadcast, state
from loa.live_watch import LOST_AFTER_S, SENDER_LOST, LiveWatch
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE
from usecases.actors import LIVE
from usecases.live_broadcasts import put_live_on_air
from usecases.services import Services
from wire import topics
from wire.broadcasts import BroadcastClass


@dataclass
class Watched:
    """A controller's watch over a live broadcast that has begun."""

    studio: Studio
    announced: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        services = Services(self.studio.database, self.studio.clock, announce=lambda: self.announced.append("told"))
        self.live = put_live_on_air(
            services,
            LIVE,
            COMMUNE,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            title="Họp dân",
            longest=timedelta(hours=4),
            buffer_us=1_000_000,
        )
        self.announced.clear()
        self.watch = LiveWatch(services, self.studio.broker)
        self.studio.clock.set(self.live.starts_at)

    def run(self, seconds: float, *, frames: bool) -> None:
        for _ in range(round(seconds)):
            self.studio.clock.advance(seconds=1)
            if frames:
                self.studio.broker.publish(topics.live(COMMUNE, self.live.id), b"frame", qos=0, retain=False)
            self.watch.step()

    def row(self, broadcast_id: str = "") -> Broadcast:
        with self.studio.database.session() as session:
            return broadcast(session, broadcast_id or self.live.id)


@pytest.fixture
def watched(clock: ManualClock, database: Database) -> Watched:
    return Watched(Studio(clock, database))


def test_half_a_minute_without_a_frame_ends_it_and_says_that_the_sender_was_lost(watched: Watched) -> None:
    watched.run(60, frames=True)
    assert watched.row().stopped_at is None
    watched.run(LOST_AFTER_S - 1, frames=False)
    assert watched.row().stopped_at is None
    watched.run(3, frames=False)
    stopped = watched.row()
    assert state(stopped, watched.studio.now()) is BroadcastState.STOPPED
    assert (stopped.cause, stopped.stopped_by) == (SENDER_LOST, "loa")
    assert watched.announced == ["told"]


def test_one_of_which_no_frame_ever_came_is_ended_too(watched: Watched) -> None:
    watched.run(LOST_AFTER_S + 2, frames=False)
    assert watched.row().cause == SENDER_LOST


def test_frames_that_return_within_the_half_minute_keep_it_on_air(watched: Watched) -> None:
    for _ in range(4):
        watched.run(LOST_AFTER_S - 2, frames=False)
        watched.run(2, frames=True)
    assert watched.row().stopped_at is None


def test_nothing_is_concluded_while_the_controller_itself_has_no_broker(watched: Watched) -> None:
    watched.run(5, frames=True)
    watched.studio.broker.fall()
    watched.run(120, frames=False)
    watched.studio.broker.come_back()
    watched.run(LOST_AFTER_S - 1, frames=False)
    assert watched.row().stopped_at is None
    watched.run(3, frames=False)
    assert watched.row().cause == SENDER_LOST


def test_a_broadcast_of_recordings_needs_no_frames(watched: Watched) -> None:
    bulletin = watched.studio.speak_now()
    watched.run(LOST_AFTER_S + 20, frames=False)
    assert watched.row(bulletin.id).stopped_at is None
    assert watched.row().cause == SENDER_LOST
