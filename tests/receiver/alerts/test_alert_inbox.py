"""Alerts at a receiver: what sounds when, once on whatever bearer, and nothing of what is refused."""

import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from receiver.alerts.alert_book_store import MISSING_AFTER_US
from receiver.alerts.alert_inbox import MOST_WAITING
from receiver.playout.cues import RATE
from tests.receiver.alerts.station import (
    CLEAR,
    ID,
    LEAVE,
    OPENING,
    PERIOD_S,
    SIREN,
    SPEECH_S,
    STORM,
    VILLAGE,
    Station,
    alert,
    book,
    end,
    on_topic,
    rendition,
    shelved,
)
from tests.receiver.plans import KEY, NOW_US, SECOND_US, config, manifest
from wire.alerts import seal_alert, target_hashes
from wire.broadcasts import BroadcastClass, Targets
from wire.sealing import SealingKey
from wire.topics import Kind

HOUR_S = 3600
WORDS = [STORM, STORM, VILLAGE, LEAVE]


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


def test_siren_at_once_then_three_times_the_words_in_step(station: Station) -> None:
    assert station.take(alert(), at_s=0.2)
    assert station.changes == 1
    assert station.heard(0.2, 3.9) == [SIREN] * 7
    assert station.heard(4, 20, 1) == [*WORDS, 0, *WORDS, 0, *WORDS, 0, 0]


def test_repeated_until_it_expires(station: Station) -> None:
    station.take(alert(repeats=0, expires_at_us=NOW_US + 17 * SECOND_US))
    assert station.heard(4, 20, 1) == [*WORDS, 0, *WORDS, 0, *WORDS[:3], 0, 0, 0]


def test_without_a_last_repetition_it_goes_on_for_a_day_across_a_restart_hour_by_hour(station: Station) -> None:
    station.take(alert(repeats=0, expires_at_us=NOW_US + 24 * HOUR_S * SECOND_US))
    for half_hour in range(2 * 20):
        station.now_us = NOW_US + half_hour * HOUR_S * SECOND_US // 2
        station.inbox.go_on(station.now_us)
    in_phase = 20 * HOUR_S - (20 * HOUR_S - SPEECH_S) % PERIOD_S
    assert station.heard(in_phase, in_phase + 5, 1) == [*WORDS, 0]
    at_us, station = station.now_us, station.restarted()
    station.now_us = at_us
    station.inbox.go_on(at_us)
    assert station.heard(in_phase, in_phase + 5, 1) == [*WORDS, 0]
    (manifest,) = station.plan.alerts
    assert len(manifest.items) < 3 * HOUR_S / PERIOD_S + 10  # as many as are needed for an hour
    station.take(end(20 * HOUR_S))
    assert station.heard(20 * HOUR_S, 20 * HOUR_S + 5, 1) == [0] * 5


def test_who_is_late_hears_the_siren_until_the_next_repetition(station: Station) -> None:
    station.take(alert(), at_s=5, bearer="sms")
    assert station.heard(5, 9, 1) == [SIREN] * 4
    assert station.heard(9, 19, 1) == [*WORDS, 0, *WORDS, 0]


def test_whose_chain_is_slower_than_the_siren_misses_no_word(tmp_path: Path) -> None:
    station = Station(tmp_path, lead_s=6)
    station.take(alert())
    assert station.heard(6, 14, 1) == [SIREN] * 3 + [*WORDS, 0]


def test_who_is_too_late_for_all_repetitions_plays_it_by_itself(station: Station) -> None:
    station.take(alert(repeats=1), at_s=30)
    assert station.heard(30, 34, 1) == [SIREN] * 4
    assert station.heard(34, 40, 1) == [*WORDS, 0, 0]


def test_an_older_alert_that_comes_late_does_not_displace_a_newer_one(station: Station) -> None:
    station.take(alert(alert="ff" * 8, issued_at_us=NOW_US + 50 * SECOND_US, repeats=0), at_s=50)
    station.take(alert(repeats=1), at_s=55, bearer="sms")
    assert {m.broadcast for m in station.plan.for_us()} == {"alert-" + "ff" * 8, f"alert-{ID}"}
    assert station.heard(54, 59, 1) == [*WORDS, 0]


def test_an_end_is_silence_at_once(station: Station) -> None:
    station.take(alert(), at_s=0.1)
    assert station.take(end(6.5), at_s=6.7)
    assert station.heard(6.7, 20, 1) == [0] * 13


def test_an_end_with_a_template_sounds_where_the_alert_did(station: Station) -> None:
    station.take(alert())
    assert station.take(end(60, template=9, speech_offset_us=2 * SECOND_US, repeats=1), at_s=60)
    assert station.heard(60, 64, 1) == [0, 0, CLEAR, 0]


def test_an_end_that_comes_first_silences_the_alert_for_good(station: Station) -> None:
    assert station.take(end(1, template=9), at_s=1)
    assert station.take(alert(), at_s=2, bearer="sms")  # held, so that it is known
    after = station.restarted()
    for each in (station, after):
        assert each.plan.for_us() == []
        assert each.heard(2, 20, 1) == [0] * 18
    assert [held.overtaken for held in after.inbox.held() if not held.alert.is_end] == [True]
    assert not after.take(alert(), at_s=3)


def test_two_bearers_sound_once_and_the_first_counts(station: Station) -> None:
    assert station.take(alert(), at_s=0.1, bearer="sms")
    assert not station.take(alert(), at_s=0.3, topic=on_topic(alert()))
    assert not station.take(alert(), at_s=9, bearer="sms")
    (held,) = station.inbox.held()
    assert (held.bearer, held.arrived_at_us) == ("sms", NOW_US + 100_000)
    assert station.inbox.duplicates == 2
    assert not station.inbox.refused


def test_of_the_ends_of_one_alert_the_latest_counts(station: Station) -> None:
    station.take(alert())
    assert station.take(end(5), at_s=5)
    assert station.take(end(60, template=9), at_s=60)  # first stopped, later the all-clear
    assert not station.take(end(5), at_s=61, bearer="sms")
    assert station.heard(5, 20, 1) == [0] * 15
    assert station.heard(64, 66, 1) == [CLEAR, 0]


def test_alerts_and_ends_outlive_a_restart_until_they_expire(station: Station) -> None:
    station.take(alert(), at_s=0.1, bearer="sms")
    after = station.restarted()
    assert after.heard(5, 9, 1) == [STORM, VILLAGE, LEAVE, 0]
    assert not after.take(alert(), at_s=5)
    assert after.take(end(6), at_s=6)
    again = after.restarted()
    assert again.heard(7, 20, 1) == [0] * 13
    assert again.inbox.drop_expired(NOW_US + 600 * SECOND_US) == []
    day_us = 86_400 * SECOND_US
    assert again.inbox.drop_expired(NOW_US + day_us) == [f"alert-{ID}"]
    assert again.plan.for_us() == []
    assert list((station.folder / "alerts" / "held").iterdir()) == []


def test_what_was_altered_on_the_disk_is_not_taken(station: Station) -> None:
    station.take(alert())
    station.inbox.keep()
    (file,) = (station.folder / "alerts" / "held").iterdir()
    held = msgspec.json.decode(file.read_bytes())
    held["payload"] = held["payload"][:20] + ("A" if held["payload"][20] != "A" else "B") + held["payload"][21:]
    file.write_bytes(msgspec.json.encode(held))
    assert station.restarted().inbox.held() == []


def test_a_disk_that_takes_nothing_does_not_silence_an_alert(station: Station) -> None:
    folder = station.folder / "alerts" / "held"
    folder.rmdir()
    station.take(alert())
    station.inbox.keep()
    assert station.heard(4, 8, 1) == WORDS
    folder.mkdir()
    station.inbox.keep()
    assert len(list(folder.iterdir())) == 1


def test_a_drill_is_apart_from_a_real_alert(station: Station) -> None:
    drill = alert(is_drill=True)
    assert not station.take(drill, topic=on_topic(drill, Kind.ALERT))
    assert station.inbox.refused == {"not_for_us": 1}
    assert station.take(drill, topic=on_topic(drill))
    assert station.heard(0, 8, 1) == [OPENING, 0, 0, 0, *WORDS]
    station.take(alert(alert="ff" * 8), at_s=0)
    assert station.heard(0, 4, 1) == [SIREN] * 4
    assert {m.class_ for m in station.plan.for_us()} == {BroadcastClass.PRIORITY, BroadcastClass.EMERGENCY}


def test_a_real_alert_cuts_everything_and_what_it_cut_goes_on(station: Station) -> None:
    programme = manifest(start_s=-10, length_s=300, class_="priority")
    station.plan.take_manifest("b1", KEY.seal(programme), NOW_US)
    station.take(alert())
    assert station.heard(4, 8, 1) == WORDS
    station.take(end(8), at_s=8)
    now = [m for m in station.plan.for_us() if m.sounds_until_us > NOW_US + 9 * SECOND_US]
    assert [m.broadcast for m in now] == ["b1"]


def test_only_who_is_meant_sounds(tmp_path: Path) -> None:
    aimed = alert(targets=target_hashes(ID, Targets(zones=["thon-1"], receivers=["loa-9"])))
    meant = {name: Station(tmp_path / name, receiver=name) for name in ("loa-1", "loa-9", "loa-2")}
    meant["loa-2"].plan.take_config(KEY.seal(config(to="r/loa-2", zones=["thon-2"], revision=6)), NOW_US)
    meant["loa-9"].plan.take_config(KEY.seal(config(to="r/loa-9", zones=[], revision=6)), NOW_US)
    assert {name: station.take(aimed) for name, station in meant.items()} == {
        "loa-1": True,
        "loa-9": True,
        "loa-2": False,
    }
    assert meant["loa-1"].plan.for_us()[0].targets == Targets(zones=["thon-1"])


@pytest.mark.parametrize("bearer", ["mqtt", "sms"])
def test_what_is_refused_sounds_nowhere_and_is_counted(station: Station, bearer: str) -> None:
    good = seal_alert(alert(), "tt", KEY)
    bad = {
        "malformed": [b"", b"{}", good[:90], good + b"\0" * 40],
        "unknown_key": [seal_alert(alert(), "tt", SealingKey.new()), b"\xa1" + b"\0" * 120],
        "not_for_us": [seal_alert(alert(), "ba-dinh", KEY)],
        "bad_signature": [good[:-1], good[:-1] + bytes([good[-1] ^ 1]), good[:20] + bytes([good[20] ^ 4]) + good[21:]],
        "expired": [seal_alert(alert(expires_at_us=NOW_US + SECOND_US), "tt", KEY)],
    }
    refused = [station.take(payload, at_s=30, bearer=bearer) for payloads in bad.values() for payload in payloads]
    assert not any(refused)
    assert station.inbox.refused == {reason: len(payloads) for reason, payloads in bad.items()}
    assert station.plan.for_us() == []
    assert station.changes == 0


def test_a_flood_of_bad_alerts_holds_up_a_good_one_for_less_than_a_second(station: Station) -> None:
    good = seal_alert(alert(), "tt", KEY)
    bad = good[:-1] + bytes([good[-1] ^ 1])
    station.inbox.start()
    try:
        for _ in range(MOST_WAITING - 1):
            station.inbox.put(bad, "sms")
        began_s = time.monotonic()
        station.inbox.put(good, "mqtt", on_topic(alert()))
        while not station.changes:
            assert time.monotonic() - began_s < 1, "the alert waited behind the flood"
            time.sleep(0.001)
    finally:
        station.inbox.close()
    assert station.inbox.refused == {"bad_signature": MOST_WAITING - 1}


def test_what_comes_before_the_time_is_known_sounds_when_it_is(station: Station) -> None:
    station.known = False
    station.inbox.put(seal_alert(alert(), "tt", KEY), "sms")
    station.inbox._step()
    assert station.inbox.held() == []
    station.known, station.now_us = True, NOW_US + 2 * SECOND_US
    station.inbox._step()
    assert len(station.inbox.held()) == 1
    station.known = False
    station.inbox.put(seal_alert(alert(alert="ff" * 8, expires_at_us=NOW_US + SECOND_US), "tt", KEY), "sms")
    station.inbox._step()
    station.known, station.now_us = True, NOW_US + 90 * SECOND_US
    station.inbox._step()
    assert len(station.inbox.held()) == 1
    assert station.inbox.refused == {"expired": 1}


def test_an_alert_of_an_unknown_template_is_the_built_in_siren_until_the_book_comes(tmp_path: Path) -> None:
    station = Station(tmp_path, with_book=False)
    station.take(alert(alert="ee" * 8, is_drill=True))
    assert station.plan.for_us() == []  # a drill is never the siren
    station.take(alert())
    sound = station.rendered(0, 60)
    loud = [np.abs(sound[RATE * s : RATE * (s + 1)]).max() > 0.3 for s in range(60)]
    assert loud.count(True) > 55
    station.take(end(30), at_s=30)
    assert not station.rendered(31, 60).any()


def test_a_siren_that_is_not_on_the_shelf_is_replaced_by_the_built_in_one_and_words_are_not(tmp_path: Path) -> None:
    station = Station(tmp_path)
    path = station.books.path_of(rendition(SIREN))
    assert path is not None
    assert soundfile.info(path).duration == 3.0
    assert station.books.path_of(rendition(STORM)) is None


def test_an_alert_waits_for_the_book_and_one_that_sounds_goes_on_as_it_began(tmp_path: Path) -> None:
    station = Station(tmp_path, with_book=False)
    station.take(alert())
    station.books.take(KEY.seal(book()), NOW_US)
    station.inbox.book_changed()
    assert station.heard(4, 8, 1) == WORDS
    templates = [t for t in book().templates if t.number != 7]
    station.books.take(KEY.seal(msgspec.structs.replace(book(revision=2), templates=templates)), NOW_US)
    station.inbox.book_changed()
    assert station.heard(4, 8, 1) == WORDS


def test_an_alert_of_its_own_needs_no_seal_and_does_not_outlive_a_restart(station: Station) -> None:
    station.inbox.issue(alert())
    assert station.heard(4, 8, 1) == WORDS
    assert [held.bearer for held in station.inbox.held()] == ["local"]
    assert station.restarted().inbox.held() == []


def test_the_book_outlives_a_restart_and_an_older_one_is_refused(station: Station) -> None:
    assert station.restarted().books.book == book()
    assert not station.books.take(KEY.seal(book()), NOW_US)
    assert station.books.take(KEY.seal(book(revision=3)), NOW_US)
    assert not station.books.take(KEY.seal(book(revision=2)), NOW_US)
    assert not station.books.take(SealingKey.new().seal(book(revision=9)), NOW_US)
    assert station.books.refused == {"old": 1, "unknown_key": 1}
    station.books.move_to("ba-dinh")
    assert station.books.book is None
    assert station.restarted().books.book is None


def test_a_sound_that_is_missing_is_a_fault_after_a_while_and_a_damaged_one_is_fetched_again(tmp_path: Path) -> None:
    first = Station(tmp_path)
    real = shelved(first, [1, 2])
    station = Station(tmp_path)  # the shelf reads its folder at the start
    station.books.take(KEY.seal(real), NOW_US)
    assert [wanted.rendition for wanted in station.books.wanted()] == [sound.renditions[0] for sound in real.sounds]
    assert station.books.missing(NOW_US) == ""
    damaged = station.shelf.path_of(real.sounds[0].renditions[0])
    assert damaged is not None
    damaged.write_bytes(b"sound X")
    station.books.verify_sounds()
    assert station.books.missing(NOW_US) == ""
    assert station.books.missing(NOW_US + MISSING_AFTER_US) == "1 sounds for emergencies are missing"
