"""The transmitter: what is kept goes out, once more after every crash, and is noted only when the broker has it."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from broadcast.broadcasts import BroadcastState, broadcast, state
from broadcast.manifests import MANIFEST_HOLDS, manifest_of
from broadcast.planning import LEAD
from broadcast.state_changes import state_changes
from broadcast.stopping import mark_missed, stop
from broadcast.transmitter import ACKNOWLEDGED_WITHIN_S, Transmitter
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE
from wire import topics


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def state_of(studio: Studio, broadcast_id: str) -> BroadcastState:
    with studio.database.session() as session:
        return state(broadcast(session, broadcast_id), studio.now())


def test_what_is_planned_goes_out_retained_and_is_announced_then(studio: Studio) -> None:
    put = studio.speak_now()
    assert state_of(studio, put.id) is BroadcastState.PLANNED
    assert studio.transmitter.announce_due() == 1
    assert state_of(studio, put.id) is BroadcastState.ANNOUNCED
    sent = studio.manifests(put.id)
    assert [m.starts_at_us for m in sent] == [to_us(put.starts_at)]
    assert topics.air(COMMUNE, put.id) in studio.broker.retained
    assert studio.transmitter.announce_due() == 0


def test_what_the_broker_did_not_acknowledge_is_sent_again(studio: Studio) -> None:
    put = studio.speak_now()
    studio.broker.fall()
    assert studio.transmitter.announce_due() == 0
    assert state_of(studio, put.id) is BroadcastState.PLANNED
    studio.broker.come_back()
    assert studio.transmitter.announce_due() == 1
    assert {m.revision for m in studio.manifests(put.id)} == {1}


def test_a_controller_that_died_between_sending_and_noting_sends_the_same_again(studio: Studio) -> None:
    put = studio.speak_now()
    studio.downlink.send_manifest(COMMUNE, manifest_of(put, studio.now()))
    assert Transmitter(studio.database, studio.downlink, studio.clock).announce_due() == 1
    first, second = studio.manifests(put.id)
    assert first == second


def test_a_stop_goes_out_as_a_newer_revision(studio: Studio) -> None:
    put = studio.speak_now()
    studio.transmitter.announce_due()
    studio.clock.advance(LEAD)
    studio.clock.advance(seconds=5)
    with studio.database.writing() as session:
        stop(session, put.id, studio.now())
    assert studio.transmitter.announce_due() == 1
    assert [(m.revision, m.stopped_at_us) for m in studio.manifests(put.id)] == [(1, None), (2, studio.clock.now_us())]


def test_a_stop_while_the_first_is_under_way_is_not_lost(studio: Studio) -> None:
    put = studio.speak_now()
    with studio.database.writing() as session:
        stop(session, put.id, studio.now())
    studio.transmitter.announce_due()
    assert [m.withdrawn for m in studio.manifests(put.id)] == [True]
    assert studio.transmitter.announce_due() == 0


def test_what_was_missed_is_not_sent(studio: Studio) -> None:
    put = studio.speak_now()
    with studio.database.writing() as session:
        mark_missed(session, broadcast(session, put.id), studio.now(), "controller_away")
    assert studio.transmitter.announce_due() == 0
    assert studio.manifests(put.id) == []


def test_it_is_noted_once_that_it_was_announced(studio: Studio) -> None:
    put = studio.speak_now()
    studio.transmitter.announce_due()
    studio.clock.advance(LEAD)
    with studio.database.writing() as session:
        stop(session, put.id, studio.now())
    studio.transmitter.announce_due()
    with studio.database.session() as session:
        assert [c.state for c in state_changes(session, put.id)] == ["planned", "announced", "stopped"]


def test_a_manifest_stays_as_long_as_somebody_may_ask_for_it_and_goes_then(studio: Studio) -> None:
    put = studio.speak_now()
    studio.transmitter.announce_due()
    studio.clock.set(put.ends_at + MANIFEST_HOLDS)
    assert studio.transmitter.clear_old() == 0
    studio.clock.advance(timedelta(microseconds=1))
    assert studio.transmitter.clear_old() == 1
    assert topics.air(COMMUNE, put.id) not in studio.broker.retained
    assert studio.transmitter.clear_old() == 0


def test_what_a_clock_that_ran_ahead_has_cleared_is_announced_again(studio: Studio) -> None:
    put, now = studio.speak_now(), studio.now()
    studio.transmitter.announce_due()
    studio.clock.advance(timedelta(days=2))
    studio.transmitter.clear_old()
    assert studio.broker.retained == {}
    studio.clock.set(now)
    assert studio.transmitter.announce_due() == 1
    assert topics.air(COMMUNE, put.id) in studio.broker.retained
    assert studio.transmitter.announce_due() == 0


def test_a_broker_that_answers_nothing_holds_up_the_next_look_once_and_not_for_each(studio: Studio) -> None:
    """An emergency must not wait behind two hundred manifests, five seconds each."""

    class Silent:
        def wait(self, timeout_s: float) -> bool:
            waited.append(timeout_s)
            studio.clock.advance(seconds=timeout_s)
            return False

    waited: list[float] = []
    for _ in range(20):
        studio.speak_now()
    with patch.object(studio.downlink, "send_manifest", return_value=Silent()):
        assert studio.transmitter.announce_due() == 0
    assert sum(waited) == pytest.approx(ACKNOWLEDGED_WITHIN_S)


def test_soonest_goes_first(studio: Studio) -> None:
    later = studio.speak_now()
    studio.clock.advance(seconds=-5)
    sooner = studio.speak_now()
    studio.transmitter.announce_due()
    assert [t for t, *_ in studio.broker.log] == [topics.air(COMMUNE, b.id) for b in (sooner, later)]


def test_history_that_was_cleared_long_ago_is_not_announced_by_a_clock_in_the_past(studio: Studio) -> None:
    put = studio.speak_now()
    studio.transmitter.announce_due()
    studio.clock.advance(timedelta(days=2))
    studio.transmitter.clear_old()
    studio.clock.set(put.starts_at - timedelta(days=2500))
    assert studio.transmitter.announce_due() == 0
    assert studio.broker.retained == {}


def test_by_a_time_that_is_plainly_wrong_nothing_is_announced_or_cleared(studio: Studio) -> None:
    put = studio.speak_now()
    studio.clock.trusted = False
    assert studio.transmitter.announce_due() == 0
    studio.clock.trusted = True
    assert studio.transmitter.announce_due() == 1
    studio.clock.advance(timedelta(days=900))
    studio.clock.trusted = False
    assert studio.transmitter.clear_old() == 0
    assert topics.air(COMMUNE, put.id) in studio.broker.retained
