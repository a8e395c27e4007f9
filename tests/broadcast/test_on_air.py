"""Broadcasts: where they stand at any instant, how they are cut short, and that every change is kept with its cause."""

from datetime import timedelta

import pytest

from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast, BroadcastState, broadcast, state
from broadcast.manifest_items import clip_items
from broadcast.manifests import manifest_of
from broadcast.on_air import on_air_now, upcoming
from broadcast.planning import LEAD, new_broadcast, plan_broadcast, put_on_air
from broadcast.state_changes import state_changes
from broadcast.stopping import mark_missed, stop, withdraw
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from tests.broadcast.studio import ALL, SECOND, Studio
from tests.cast import COMMUNE
from wire.broadcasts import BroadcastClass, Targets

TICK = timedelta(microseconds=1)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def history(studio: Studio, broadcast_id: str) -> list[tuple[str, str, str]]:
    with studio.database.session() as session:
        return [(c.state, c.cause, c.by) for c in state_changes(session, broadcast_id)]


def stopped(studio: Studio, broadcast_id: str) -> Broadcast:
    with studio.database.writing() as session:
        return stop(session, broadcast_id, studio.now(), by="lan")


def test_what_is_put_on_air_begins_after_the_lead_and_lasts_as_its_programme(studio: Studio) -> None:
    put = studio.speak_now()
    assert put.starts_at == studio.now() + LEAD
    assert put.ends_at - put.starts_at == timedelta(seconds=60)
    assert history(studio, put.id) == [("planned", "put_on_air", "lan")]


def test_a_single_recording_goes_on_air_under_its_title(studio: Studio) -> None:
    with studio.database.writing() as session:
        put = put_on_air(
            session, COMMUNE, targets=ALL, class_=BroadcastClass.EMERGENCY, now=studio.now(), clip_id="storm"
        )
    assert (put.title, put.ends_at - put.starts_at) == ("Storm", timedelta(seconds=30))


def test_the_state_follows_from_the_instant_on_both_sides_of_every_edge(studio: Studio) -> None:
    put = studio.speak_now()
    assert state(put, put.starts_at - TICK) is BroadcastState.PLANNED
    put.announced_revision = 1
    assert state(put, put.starts_at - TICK) is BroadcastState.ANNOUNCED
    assert state(put, put.starts_at) is BroadcastState.ON_AIR
    assert state(put, put.ends_at - TICK) is BroadcastState.ON_AIR
    assert state(put, put.ends_at) is BroadcastState.ENDED


def test_a_stop_in_the_middle_silences_from_then_on_and_says_who_did_it(studio: Studio) -> None:
    put = studio.speak_now()
    studio.clock.advance(seconds=20)
    cut = stopped(studio, put.id)
    assert state(cut, studio.now()) is BroadcastState.STOPPED
    assert cut.sounds_until == studio.now()
    assert manifest_of(cut, studio.now()).sounds_until_us == to_us(studio.now())
    assert cut.revision == 2
    assert history(studio, put.id)[-1] == ("stopped", "by_operator", "lan")


def test_a_stop_before_the_start_withdraws(studio: Studio) -> None:
    put = stopped(studio, studio.speak_now().id)
    assert state(put, put.starts_at) is BroadcastState.WITHDRAWN
    assert manifest_of(put, studio.now()).withdrawn


@pytest.mark.parametrize("after_s", [68, 3600])
def test_a_stop_after_the_end_changes_nothing(studio: Studio, after_s: int) -> None:
    put = studio.speak_now()
    studio.clock.advance(seconds=after_s)
    assert stopped(studio, put.id).revision == 1
    assert len(history(studio, put.id)) == 1


def test_a_second_stop_does_not_move_the_first(studio: Studio) -> None:
    put = studio.speak_now()
    studio.clock.advance(seconds=20)
    first = stopped(studio, put.id).stopped_at
    studio.clock.advance(seconds=5)
    again = stopped(studio, put.id)
    assert (again.stopped_at, again.revision) == (first, 2)


def test_what_has_begun_is_not_withdrawn_but_stopped(studio: Studio) -> None:
    put = studio.speak_now()
    studio.clock.advance(LEAD)
    with studio.database.writing() as session:
        cut = withdraw(session, put.id, studio.now(), cause="schedule_removed")
    assert state(cut, studio.now()) is BroadcastState.STOPPED
    assert cut.withdrawn_at is None


def test_to_withdraw_twice_is_to_withdraw_once(studio: Studio) -> None:
    put = studio.speak_now()
    for _ in range(2):
        with studio.database.writing() as session:
            gone = withdraw(session, put.id, studio.now(), cause="schedule_changed")
    assert gone.revision == 2
    assert [s for s, _, _ in history(studio, put.id)] == ["planned", "withdrawn"]


def test_the_one_that_sounds_comes_first_and_the_rest_by_class(studio: Studio) -> None:
    normal = studio.speak_now()
    emergency = studio.speak_now(BroadcastClass.EMERGENCY)
    priority = studio.speak_now(BroadcastClass.PRIORITY)
    studio.clock.advance(LEAD)
    with studio.database.session() as session:
        assert [b.id for b in on_air_now(session, COMMUNE, studio.now())] == [emergency.id, priority.id, normal.id]
        assert on_air_now(session, "elsewhere", studio.now()) == []


def test_what_is_stopped_withdrawn_or_missed_is_not_on_air(studio: Studio) -> None:
    gone = studio.speak_now()
    stopped(studio, gone.id)
    cut, missed, sounding = studio.speak_now(), studio.speak_now(), studio.speak_now()
    studio.clock.advance(seconds=20)
    stopped(studio, cut.id)
    with studio.database.writing() as session:
        mark_missed(session, broadcast(session, missed.id), studio.now(), "controller_away")
    with studio.database.session() as session:
        assert [b.id for b in on_air_now(session, COMMUNE, studio.now())] == [sounding.id]


def test_what_is_next_comes_in_order_without_what_was_withdrawn(studio: Studio) -> None:
    with studio.database.writing() as session:
        for minutes in (30, 10, 20):
            plan_broadcast(
                session,
                new_broadcast(
                    commune_id=COMMUNE,
                    title=f"{minutes}",
                    class_=BroadcastClass.NORMAL,
                    targets=ALL,
                    starts_at=studio.now() + timedelta(minutes=minutes),
                    length_us=SECOND,
                    items=clip_items(session, "storm"),
                    now=studio.now(),
                ),
            )
        withdraw(session, upcoming(session, COMMUNE, studio.now())[1].id, studio.now(), cause="by_operator")
        session.flush()
        assert [b.title for b in upcoming(session, COMMUNE, studio.now())] == ["10", "30"]
        assert [b.title for b in upcoming(session, COMMUNE, studio.now(), limit=1)] == ["10"]


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (ALL, ["loa-1", "loa-2"]),
        (Targets(zones=["thon-2"]), ["loa-2"]),
        (Targets(receivers=["loa-1"]), ["loa-1"]),
        (Targets(zones=["thon-1"], receivers=["loa-1", "loa-2"]), ["loa-1", "loa-2"]),
    ],
)
def test_it_means_the_receivers_of_its_targets(studio: Studio, targets: Targets, meant: list[str]) -> None:
    put = studio.speak_now(targets=targets)
    with studio.database.session() as session:
        assert [r.id for r in Audiences(session).of(put).receivers] == meant


@pytest.mark.parametrize("targets", [Targets(), Targets(zones=["nowhere"])], ids=["nobody", "an empty zone"])
def test_what_nobody_would_hear_is_refused(studio: Studio, targets: Targets) -> None:
    with pytest.raises(Refusal, match=r"Choose where|no receivers"):
        studio.speak_now(targets=targets)


def test_neither_programme_nor_recording_is_refused(studio: Studio) -> None:
    with studio.database.writing() as session, pytest.raises(Refusal, match="Choose a programme"):
        put_on_air(session, COMMUNE, targets=ALL, class_=BroadcastClass.NORMAL, now=studio.now())


def test_an_unknown_broadcast_is_not_there(studio: Studio) -> None:
    with studio.database.session() as session, pytest.raises(NotFound):
        broadcast(session, "0" * 16)
