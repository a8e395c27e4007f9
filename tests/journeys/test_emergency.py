"""Two operators in real browsers: an emergency on three receivers, its cancel, all words in step, a drill."""

from demo.emergency_check import check_emergency
from demo.emergency_demo import EmergencyDemo
from demo.sites import SITES
from runtime.mosquitto import free_port

#: 700 ms on a machine that does nothing else; the tests share theirs.
MOST_MS = 4000


def test_an_emergency_by_two_people_sounds_on_all_receivers_and_is_called_back() -> None:
    with EmergencyDemo(http_port=free_port()) as running:
        figures, _ = check_emergency(running, None, by_sms=False)
    assert set(figures["confirm_to_sound_ms"]) == {site.receiver_id for site in SITES}
    assert all(0 < ms < MOST_MS for ms in figures["confirm_to_sound_ms"].values()), figures
    assert 0 < figures["cancel_ms"] < MOST_MS
    assert figures["words_lost"] == 0
    assert figures["drill_apart"]
