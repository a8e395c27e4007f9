"""A receiver that is connected is shown so, whatever its session number; two with one set of credentials are said."""

from datetime import datetime, timedelta

import pytest

from devices import faults
from devices.presence import PresenceWatch, changes
from devices.presence_states import PresenceState
from devices.shared_credentials import WINDOW
from tests.cast import MORNING
from tests.devices.conftest import Site
from tests.devices.test_presence import beat, birth, restarted, state_now, told, will
from wire.reports import Presence

ONLINE, OFFLINE = PresenceState.ONLINE, PresenceState.OFFLINE
ABSURD = 2**62


def booted(session: int, boot: str) -> Presence:
    return Presence(session=session, online=True, version="1", boot=boot)


def hear(site: Site, presence: Presence, *, retained: bool = False) -> None:
    site.watch.presence_received("thon-1", presence, site.clock.now(), retained=retained)


def fault_names(site: Site) -> list[str]:
    with site.database.session() as session:
        return sorted(name for name in (faults.LINK, faults.SHARED_CREDENTIALS) if faults.receivers_with(session, name))


def beats_for(site: Site, seconds: int, session: int) -> list[PresenceState]:
    states = []
    for sequence in range(seconds // 20):
        site.watch.heard("thon-1", beat(session, sequence), site.clock.now())
        site.clock.advance(seconds=20)
        site.watch.sweep(site.clock.now())
        states.append(state_now(site))
    return states


@pytest.mark.parametrize("first", [100, 6, ABSURD])
def test_heartbeats_of_a_lower_session_are_life(site: Site, first: int) -> None:
    site.watch.heard("thon-1", beat(first), site.clock.now())
    assert set(beats_for(site, 3600, 5)) == {ONLINE}


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("number", [1, 22, 99, 100])
def test_a_lower_session_in_a_new_birth_restarts_the_count(site: Site, number: int, ended: bool) -> None:
    """A restored card, a new card without a clock, a reflashed receiver."""
    hear(site, birth(100))
    if ended:
        site.clock.advance(seconds=1)
        hear(site, will(100, "stopped"))
    site.clock.advance(seconds=1)
    hear(site, birth(number))
    assert state_now(site) is ONLINE
    assert set(beats_for(site, 300, number)) == {ONLINE}
    hear(site, will(number))
    assert state_now(site) is OFFLINE


def test_the_will_of_the_session_before_a_restarted_count_ends_nothing(site: Site) -> None:
    hear(site, birth(100))
    hear(site, birth(5))
    hear(site, will(100))
    assert state_now(site) is ONLINE


def test_a_farewell_that_is_followed_by_heartbeats_was_wrong(site: Site) -> None:
    hear(site, birth(3))
    hear(site, will(3))
    assert beats_for(site, 60, 3)[-1] is ONLINE


def test_the_receiver_is_back_when_its_copy_is_stopped(site: Site) -> None:
    for number in range(3):
        hear(site, will(38 + number))
        hear(site, birth(17 + number))
        site.clock.advance(seconds=1)
        hear(site, will(17 + number))
        hear(site, birth(39 + number))
        site.clock.advance(seconds=1)
    hear(site, will(41, "stopped"))
    site.watch.sweep(site.clock.now())
    assert state_now(site) is OFFLINE
    hear(site, birth(20))
    assert set(beats_for(site, 300, 20)) == {ONLINE}


def test_two_devices_with_one_set_of_credentials_are_a_fault_until_one_is_gone(site: Site) -> None:
    site.enrol("thon-1")
    for number in range(2):
        hear(site, booted(17 + number, "a"))
        hear(site, will(17 + number))
        hear(site, booted(39 + number, "b"))
        hear(site, will(39 + number))
    hear(site, booted(19, "a"))
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == ["shared_credentials"]
    site.clock.advance(seconds=WINDOW.total_seconds())
    site.watch.heard("thon-1", beat(19), site.clock.now())
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == []


def test_two_older_receivers_that_send_no_boot_are_noticed_by_their_numbers(site: Site) -> None:
    for number in range(3):
        hear(site, birth(17 + number))
        hear(site, will(17 + number))
        hear(site, birth(39 + number))
        hear(site, will(39 + number))
    site.watch.sweep(site.clock.now())
    assert "shared_credentials" in fault_names(site)


def test_a_copied_card_that_counts_the_same_numbers_is_noticed(site: Site) -> None:
    for number in range(101, 104):
        hear(site, birth(number))
        hear(site, will(number))
        hear(site, birth(number))
        hear(site, will(number))
    site.watch.sweep(site.clock.now())
    assert "shared_credentials" in fault_names(site)


def test_heartbeats_in_turn_are_noticed(site: Site) -> None:
    for sequence in range(3):
        for session in (100, 5):
            site.watch.heard("thon-1", beat(session, sequence), site.clock.now())
            site.clock.advance(seconds=10)
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == ["shared_credentials"]


@pytest.mark.parametrize("numbers", [[100, 101, 102, 103, 104], [100, 5, 6, 7, 8]])
@pytest.mark.parametrize("boot", ["", "a"])
def test_a_receiver_on_a_bad_network_or_with_a_restored_card_is_one_device(
    site: Site, numbers: list[int], boot: str
) -> None:
    for number in numbers:
        hear(site, booted(number, boot))
        site.watch.heard("thon-1", beat(number), site.clock.now())
        site.clock.advance(seconds=5)
        hear(site, will(number))
        site.watch.sweep(site.clock.now())
    assert "shared_credentials" not in fault_names(site)


def test_that_credentials_are_shared_is_kept_over_a_restart_until_the_time_is_up(site: Site) -> None:
    test_heartbeats_in_turn_are_noticed(site)
    restarted(site).sweep(site.clock.now())
    assert fault_names(site) == ["shared_credentials"]
    site.clock.advance(seconds=WINDOW.total_seconds())
    site.watch.sweep(site.clock.now())
    assert "shared_credentials" not in fault_names(site)


@pytest.mark.parametrize("restart", [False, True])
def test_after_an_absurd_session_and_new_credentials_the_true_device_is_seen(listening: Site, restart: bool) -> None:
    site = listening
    site.enrol("thon-1")
    hear(site, birth(ABSURD))
    site.beat("thon-1", session=ABSURD)
    site.watch.sweep(site.clock.now())
    site.uplink.write_pending()
    site.watch.credentials_ended(["thon-1", "never-heard"], site.clock.now())
    hear(site, will(ABSURD))
    site.watch.sweep(site.clock.now())
    assert told(site)[-1][:2] == ("offline", "new_credentials")
    assert fault_names(site) == []
    if restart:
        restarted(site)
    site.clock.advance(seconds=1)
    hear(site, birth(1))
    assert set(beats_for(site, 300, 1)) == {ONLINE}


def test_the_old_devices_last_heartbeat_is_no_life_with_new_credentials(site: Site) -> None:
    hear(site, birth(7))
    site.watch.credentials_ended(["thon-1"], site.clock.now())
    site.watch.heard("thon-1", beat(7, 3), site.clock.now())
    assert state_now(site) is OFFLINE


# -- the controller's own absence


def away(site: Site, *, seconds: float, names: tuple[str, ...]) -> PresenceWatch:
    """All are online; the controller ends with its broker, so that every will is retained; it starts again."""
    for name in names:
        site.watch.presence_received(name, birth(3), site.clock.now(), retained=False)
        site.beat(name, session=3)
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=seconds)
    watch = restarted(site)
    for name in names:
        watch.presence_received(name, will(3), site.clock.now(), retained=True)
    watch.sweep(site.clock.now())
    return watch


@pytest.mark.parametrize("seconds", [1, 20, 60, 3600])
def test_a_restart_of_the_controller_latches_no_fault(listening: Site, seconds: float) -> None:
    site, names = listening, ("thon-1", "thon-2", "thon-3")
    watch = away(site, seconds=seconds, names=names)
    assert fault_names(site) == []
    assert told(site)[-1][:2] == ("offline", "controller_away")
    for _ in range(2):
        site.clock.advance(seconds=20)
        watch.sweep(site.clock.now())
    for name in names:
        watch.presence_received(name, birth(4), site.clock.now(), retained=False)
    watch.sweep(site.clock.now())
    assert told(site)[-1][:2] == ("online", "heard")
    assert fault_names(site) == []


def test_who_does_not_come_back_in_the_usual_time_is_lost(listening: Site) -> None:
    site = listening
    watch = away(site, seconds=20, names=("thon-1", "thon-2"))
    lost_at = site.clock.now()
    site.clock.advance(seconds=30)
    watch.presence_received("thon-2", birth(4), site.clock.now(), retained=False)
    watch.sweep(site.clock.now())
    assert fault_names(site) == []
    site.clock.advance(seconds=20)
    watch.sweep(site.clock.now())
    with site.database.session() as session:
        assert faults.receivers_with(session, faults.LINK) == {"thon-1"}
    assert told(site)[-1] == ("offline", "connection_lost", (lost_at - MORNING).total_seconds())
    assert watch.sweep(site.clock.now()) == []


def test_a_second_restart_before_they_are_back_still_latches_nothing_and_forgets_nobody(listening: Site) -> None:
    site = listening
    away(site, seconds=20, names=("thon-1",))
    site.clock.advance(seconds=5)
    watch = restarted(site)
    watch.sweep(site.clock.now())
    assert fault_names(site) == []
    site.clock.advance(seconds=50)
    watch.sweep(site.clock.now())
    assert fault_names(site) == ["link"]


def test_who_was_lost_before_the_restart_stays_a_fault(listening: Site) -> None:
    site = listening
    hear(site, birth(3))
    site.watch.sweep(site.clock.now())
    hear(site, will(3))
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=60)
    watch = restarted(site)
    watch.presence_received("thon-1", will(3), site.clock.now(), retained=True)
    assert watch.sweep(site.clock.now()) == []
    assert fault_names(site) == ["link"]


@pytest.mark.parametrize("swept", [True, False])
def test_wills_just_before_the_broker_is_lost_came_because_it_ended(site: Site, swept: bool) -> None:
    hear(site, birth(3))
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=100)
    site.watch.heard("thon-1", beat(3), site.clock.now())
    hear(site, will(3))
    if swept:
        site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=1)
    site.watch.listening_ended(site.clock.now())
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == []
    assert told(site)[-1][:2] == ("offline", "controller_away")
    site.clock.advance(seconds=300)
    site.watch.listening_again(site.clock.now())
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == []
    site.clock.advance(seconds=50)
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == ["link"]


def test_a_will_long_before_the_broker_is_lost_stays_a_fault(site: Site) -> None:
    hear(site, birth(3))
    hear(site, will(3))
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=10)
    site.watch.listening_ended(site.clock.now())
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == ["link"]


def test_silence_while_the_broker_is_away_is_no_fault_of_the_receivers(site: Site) -> None:
    hear(site, birth(3))
    site.watch.sweep(site.clock.now())
    site.watch.listening_ended(site.clock.now())
    for _ in range(200):
        site.clock.advance(seconds=20)
        site.watch.sweep(site.clock.now())
    assert state_now(site) is OFFLINE
    assert fault_names(site) == []
    site.watch.listening_again(site.clock.now())
    site.clock.advance(seconds=20)
    hear(site, birth(4))
    site.watch.sweep(site.clock.now())
    assert (state_now(site), fault_names(site)) == (ONLINE, [])


def test_a_receiver_that_dies_after_the_restart_is_lost_at_once(listening: Site) -> None:
    site = listening
    watch = away(site, seconds=20, names=("thon-1",))
    site.clock.advance(seconds=5)
    watch.presence_received("thon-1", birth(4), site.clock.now(), retained=False)
    watch.sweep(site.clock.now())
    site.clock.advance(seconds=5)
    watch.presence_received("thon-1", will(4), site.clock.now(), retained=False)
    watch.sweep(site.clock.now())
    assert fault_names(site) == ["link"]


def test_with_short_heartbeats_receivers_still_get_time_to_connect_again(listening: Site) -> None:
    site = listening
    site.watch = PresenceWatch(site.database, period_s=1, now=site.clock.now())
    site.watch.heard("thon-1", beat(3), site.clock.now())
    site.watch.sweep(site.clock.now())
    site.watch.listening_ended(site.clock.now())
    site.clock.advance(seconds=2)
    site.watch.listening_again(site.clock.now())
    for _ in range(30):
        site.clock.advance(seconds=1)
        site.watch.sweep(site.clock.now())
    assert fault_names(site) == []
    site.clock.advance(seconds=11)
    site.watch.sweep(site.clock.now())
    assert fault_names(site) == ["link"]


def test_a_clock_that_is_set_on_makes_no_receiver_a_fault(site: Site) -> None:
    site.watch.heard("thon-1", beat(3), site.clock.now())
    site.watch.sweep(site.clock.now())
    site.clock.advance(seconds=7 * 3600)
    site.watch.clock_stepped(timedelta(hours=7))
    site.watch.sweep(site.clock.now())
    assert (state_now(site), fault_names(site)) == (ONLINE, [])
    site.clock.advance(seconds=51)
    site.watch.sweep(site.clock.now())
    assert (state_now(site), fault_names(site)) == (OFFLINE, ["link"])


def test_a_clock_that_is_set_back_hides_no_dead_receiver(site: Site) -> None:
    site.watch.heard("thon-1", beat(3), site.clock.now())
    site.watch.sweep(site.clock.now())
    back: datetime = site.clock.now() - timedelta(hours=7)
    site.watch.sweep(back)
    site.watch.sweep(back + timedelta(seconds=51))
    assert site.watch.receiver_status("thon-1", back + timedelta(seconds=51)).state is OFFLINE
    with site.database.session() as session:
        assert changes(session, "thon-1")
