"""Presence: what state a receiver is in, from what was heard of it; and each change with when it truly happened."""

import random
from datetime import timedelta

import pytest

from devices.presence import PresenceChange, PresenceWatch, changes
from devices.presence_states import CAUSES, PresenceState, presence_state
from tests.cast import MORNING
from tests.devices.conftest import Site
from wire.reports import ClockState, Heartbeat, Presence

NEW, ONLINE, LATE, OFFLINE = PresenceState.NEW, PresenceState.ONLINE, PresenceState.LATE, PresenceState.OFFLINE


def beat(session: int = 1, sequence: int = 0) -> Heartbeat:
    return Heartbeat(session=session, sequence=sequence, clock=ClockState(locked=False))


def birth(session: int) -> Presence:
    return Presence(session=session, online=True, version="1")


def will(session: int, cause: str = "") -> Presence:
    return Presence(session=session, online=False, cause=cause)


def state_now(site: Site, receiver_id: str = "thon-1") -> PresenceState:
    return site.watch.receiver_status(receiver_id, site.clock.now()).state


def told(site: Site) -> list[tuple[str, str, float]]:
    """The changes written down: state, cause, seconds after five in the morning."""
    with site.database.session() as session:
        return [(c.state, c.cause, (c.at - MORNING).total_seconds()) for c in reversed(changes(session, "thon-1"))]


@pytest.mark.parametrize(
    ("silent_s", "state", "since_s"),
    [
        (0, ONLINE, 0),
        (24.999, ONLINE, 0),
        (25, LATE, 25),
        (25.001, LATE, 25),
        (49.999, LATE, 25),
        (50, OFFLINE, 50),
        (50.001, OFFLINE, 50),
        (86_400, OFFLINE, 50),
    ],
)
def test_the_state_by_arithmetic_alone(silent_s: float, state: PresenceState, since_s: float) -> None:
    found = presence_state(MORNING, None, 20, MORNING + timedelta(seconds=silent_s))
    assert found == (state, MORNING + timedelta(seconds=since_s))


def test_never_heard_is_new_and_a_farewell_is_offline_at_once() -> None:
    assert presence_state(None, None, 20, MORNING) == (NEW, None)
    assert presence_state(MORNING, MORNING, 20, MORNING) == (OFFLINE, MORNING)


@pytest.mark.parametrize("period_s", [1, 20, 60])
def test_the_dead_are_shown_within_three_periods(period_s: int) -> None:
    after = timedelta(seconds=3 * period_s)
    assert presence_state(MORNING, None, period_s, MORNING + after)[0] is OFFLINE


def test_a_heartbeat_brings_it_online_and_silence_takes_it_away(site: Site) -> None:
    assert state_now(site) is NEW
    site.watch.heard("thon-1", beat(), site.clock.now())
    for _ in range(120):
        site.watch.sweep(site.clock.now())
        site.clock.advance(seconds=0.7)
    assert told(site) == [("online", "heard", 0), ("late", "silent", 25), ("offline", "silent", 50)]
    site.watch.heard("thon-1", beat(sequence=1), site.clock.now())
    site.watch.sweep(site.clock.now())
    assert told(site)[-1] == ("online", "heard", 84)


def test_a_change_is_written_with_when_it_happened_not_when_it_was_noticed(site: Site) -> None:
    site.watch.heard("thon-1", beat(), site.clock.now())
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=300)
    [change] = site.watch.sweep(site.clock.now())
    assert (change.state, change.at) == ("offline", MORNING + timedelta(seconds=50))


def test_nothing_is_written_while_nothing_changes(site: Site) -> None:
    for sequence in range(20):
        site.watch.heard("thon-1", beat(sequence=sequence), site.clock.now())
        site.watch.sweep(site.clock.now())
        site.clock.advance(seconds=20)
    assert told(site) == [("online", "heard", 0)]
    assert site.watch.receiver_status("thon-1", site.clock.now()).since == MORNING


@pytest.mark.parametrize(("cause", "written"), [("", "connection_lost"), ("stopped", "stopped"), ("reboot", "reboot")])
def test_a_will_and_a_farewell_are_offline_at_once_with_their_cause(site: Site, cause: str, written: str) -> None:
    site.watch.presence_received("thon-1", birth(3), site.clock.now(), retained=False)
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=1)
    site.watch.presence_received("thon-1", will(3, cause), site.clock.now(), retained=False)
    site.watch.sweep(site.clock.now())
    assert told(site) == [("online", "heard", 0), ("offline", written, 1)]
    assert written in CAUSES


def test_the_late_will_of_an_older_session_cannot_kill_a_newer_one(site: Site) -> None:
    site.watch.presence_received("thon-1", birth(3), site.clock.now(), retained=False)
    site.watch.presence_received("thon-1", birth(4), site.clock.now(), retained=False)
    site.watch.presence_received("thon-1", will(3), site.clock.now(), retained=False)
    assert state_now(site) is ONLINE
    site.watch.presence_received("thon-1", will(4), site.clock.now(), retained=False)
    assert state_now(site) is OFFLINE


def test_a_new_session_brings_it_back(site: Site) -> None:
    site.watch.presence_received("thon-1", will(3), site.clock.now(), retained=False)
    site.watch.presence_received("thon-1", birth(4), site.clock.now(), retained=False)
    assert state_now(site) is ONLINE


@pytest.mark.parametrize("session", [2, 3])
def test_a_heartbeat_that_a_farewell_overtook_is_no_life(site: Site, session: int) -> None:
    site.watch.heard("thon-1", beat(3), site.clock.now())
    site.watch.presence_received("thon-1", will(3, "stopped"), site.clock.now(), retained=False)
    site.watch.heard("thon-1", beat(session, 9), site.clock.now())
    assert state_now(site) is OFFLINE


def test_a_birth_that_the_broker_kept_is_no_sign_of_life(site: Site) -> None:
    site.watch.presence_received("thon-1", birth(3), site.clock.now(), retained=True)
    assert state_now(site) is NEW
    site.watch.presence_received("thon-1", birth(3), site.clock.now(), retained=False)
    assert state_now(site) is ONLINE


def test_a_receiver_that_came_back_before_we_listened_is_online_with_its_first_heartbeat(site: Site) -> None:
    site.watch.presence_received("thon-1", will(3, "stopped"), site.clock.now(), retained=False)
    site.watch.presence_received("thon-1", birth(4), site.clock.now(), retained=True)
    assert state_now(site) is OFFLINE
    site.watch.heard("thon-1", beat(4), site.clock.now())
    assert state_now(site) is ONLINE


def test_a_will_that_the_broker_kept_counts(site: Site) -> None:
    site.watch.heard("thon-1", beat(3), site.clock.now())
    site.watch.presence_received("thon-1", will(3), site.clock.now(), retained=True)
    assert state_now(site) is OFFLINE


def test_the_first_cause_of_an_end_stays(site: Site) -> None:
    """The farewell comes first; the broker may tell the will after it."""
    site.watch.presence_received("thon-1", will(3, "reboot"), site.clock.now(), retained=False)
    site.clock.advance(seconds=2)
    site.watch.presence_received("thon-1", will(3), site.clock.now(), retained=False)
    site.watch.sweep(site.clock.now())
    assert told(site) == [("offline", "reboot", 0)]


def restarted(site: Site) -> PresenceWatch:
    """The controller started again: all it knows stands in the tables."""
    site.uplink.write_pending()
    site.watch = PresenceWatch(site.database, now=site.clock.now())
    return site.watch


def test_after_a_restart_the_states_are_as_they_were(listening: Site) -> None:
    site = listening
    for name in ("thon-1", "thon-2", "thon-3"):
        site.beat(name, session=3)
    site.watch.presence_received("thon-2", will(3, "stopped"), site.clock.now(), retained=False)
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=10)
    watch = restarted(site)
    assert {name: now.state for name, now in watch.snapshot(site.clock.now()).items()} == {
        "thon-1": ONLINE,
        "thon-2": OFFLINE,
        "thon-3": ONLINE,
    }
    assert watch.receiver_status("thon-2", site.clock.now()).cause == "stopped"
    assert watch.receiver_status("thon-1", site.clock.now()).since == MORNING
    assert watch.sweep(site.clock.now()) == []


@pytest.mark.parametrize(
    ("after_s", "state"), [(0, ONLINE), (24.9, ONLINE), (25, LATE), (49.9, LATE), (50, OFFLINE), (51, OFFLINE)]
)
def test_while_the_controller_was_away_silence_was_its_own(
    listening: Site, after_s: float, state: PresenceState
) -> None:
    """Away for an hour: who was online gets the time to be heard again, and no more."""
    listening.beat("thon-1", session=3)
    listening.watch.sweep(listening.clock.now())
    listening.clock.advance(seconds=3600)
    watch = restarted(listening)
    listening.clock.advance(seconds=after_s)
    assert watch.receiver_status("thon-1", listening.clock.now()).state is state


def test_who_was_late_or_offline_before_gets_no_time(listening: Site) -> None:
    listening.beat("thon-1", session=3)
    listening.watch.sweep(listening.clock.now())
    listening.clock.advance(seconds=60)
    listening.watch.sweep(listening.clock.now())
    listening.clock.advance(seconds=3600)
    watch = restarted(listening)
    assert watch.receiver_status("thon-1", listening.clock.now()).state is OFFLINE
    assert watch.sweep(listening.clock.now()) == []
    watch.heard("thon-1", beat(3, 9), listening.clock.now())
    [change] = watch.sweep(listening.clock.now())
    assert (change.state, change.at) == ("online", listening.clock.now())


def test_after_a_restart_a_will_of_an_older_session_still_kills_nothing(listening: Site) -> None:
    listening.beat("thon-1", session=5)
    listening.watch.sweep(listening.clock.now())
    watch = restarted(listening)
    watch.presence_received("thon-1", will(4), listening.clock.now(), retained=True)
    assert watch.receiver_status("thon-1", listening.clock.now()).state is ONLINE


def test_changes_come_newest_first_and_no_more_than_asked(site: Site) -> None:
    with site.database.writing() as session:
        for k in range(5):
            session.add(PresenceChange(receiver_id="thon-1", at=MORNING + timedelta(seconds=k), state="online"))
    with site.database.session() as session:
        assert [(c.at - MORNING).seconds for c in changes(session, "thon-1", limit=3)] == [4, 3, 2]


def test_a_thousand_receivers_are_swept_with_one_transaction(site: Site) -> None:
    for k in range(1000):
        site.watch.heard(f"r-{k}", beat(), site.clock.now())
    assert len(site.watch.sweep(site.clock.now())) == 1000
    site.clock.advance(seconds=25)
    assert {change.state for change in site.watch.sweep(site.clock.now())} == {"late"}


@pytest.mark.parametrize("step", [timedelta(hours=-7), timedelta(hours=7), timedelta(days=2500)])
def test_a_step_of_the_clock_makes_nobody_silent_and_a_death_after_it_is_noticed(site: Site, step: timedelta) -> None:
    site.watch.heard("thon-1", beat(), site.clock.now())
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=10)
    site.clock.set(site.clock.now() + step)
    site.watch.clock_stepped(step)
    assert site.watch.sweep(site.clock.now()) == []
    site.clock.advance(seconds=50)
    assert [change.state for change in site.watch.sweep(site.clock.now())] == [OFFLINE]


@pytest.mark.parametrize("seed", range(6))
def test_sweeping_only_when_a_state_may_change_finds_the_same_changes_at_the_same_seconds(
    site: Site, seed: int
) -> None:
    chance, skipped = random.Random(seed), 0
    lazy, eager = (PresenceWatch(site.database, period_s=20, now=MORNING) for _ in range(2))
    for second in range(400):
        now = MORNING + timedelta(seconds=second)
        happens = chance.random()
        for watch in (lazy, eager):
            if happens < 0.02:
                watch.heard("thon-1", beat(), now)
            elif happens < 0.03:
                watch.presence_received("thon-1", will(1), now, retained=False)
            elif happens < 0.04:
                watch.listening_ended(now)
            elif happens < 0.06:
                watch.listening_again(now)
        found = [(c.state, c.cause, c.at) for c in eager.sweep(now)]
        if lazy.may_change():
            assert [(c.state, c.cause, c.at) for c in lazy.sweep(now)] == found
        else:
            skipped += 1
            assert found == []
    assert skipped > 50
