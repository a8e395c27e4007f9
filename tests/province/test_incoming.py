"""What the province sends down: taken once, whole or not at all, to where its class belongs."""

import io
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlmodel import select

from broadcast.broadcasts import Broadcast, BroadcastState, broadcast, state
from broadcast.clips import clips
from broadcast.ingest_jobs import IngestJob
from demo.province_messages import example_bulletin, example_command, example_schedule
from devices.receivers import receiver
from noise.noise_rules import set_rules
from province import priority_queue
from province.bulletins import (
    BulletinState,
    ProvinceBulletin,
    add_to_programme,
    decline,
    inbox,
    put_bulletin_on_air,
)
from province.codes import RefusalCode, Unacceptable
from province.incoming import MessageResult, refused_count
from province.reports_up import take_report
from province.schedules_down import add_to_timetable
from runtime.checked_address import check_address
from runtime.clock import from_us
from runtime.refusal import NotFound, Refusal
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, next_due, schedules
from schedules.timetable import add_schedule
from tests.broadcast.studio import KEY
from tests.cast import COMMUNE, LAN
from tests.province.linked_commune import LinkedCommune
from wire import topics
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, Targets
from wire.commands import Command, Reboot
from wire.messages import for_receiver
from wire.sealing import PublicKey, open_sealed

EMERGENCY, PRIORITY, NORMAL = 1, 2, 3


@pytest.fixture(scope="module")
def sound() -> bytes:
    """A recording of two seconds."""
    at = np.arange(2 * 8000) / 8000
    made = io.BytesIO()
    soundfile.write(made, 0.1 * np.sin(2 * np.pi * 440 * at), 8000, format="WAV", subtype="PCM_16")
    return made.getvalue()


def take(linked_commune: LinkedCommune, kind: str, content: Any, message_id: str = "") -> MessageResult:
    return linked_commune.incoming.take(linked_commune.link, linked_commune.speaks, kind, content, own_id=message_id)


def send(
    linked_commune: LinkedCommune, sound: bytes, urgency: int, title: str = "Tin", code: str = ""
) -> ProvinceBulletin:
    """A bulletin, taken and its audio fetched."""
    linked_commune.province.audio["a.wav"] = sound
    content = example_bulletin(f"{linked_commune.province.url}/am-thanh/a.wav", urgency, title, code)
    met = take(linked_commune, "BanTin", content)
    assert met.said is None, met.said
    linked_commune.fetch()
    with linked_commune.database.session() as session:
        return session.exec(select(ProvinceBulletin).where(ProvinceBulletin.code == content["BanTinID"])).one()


def on_air(linked_commune: LinkedCommune) -> list[Broadcast]:
    with linked_commune.database.session() as session:
        return list(session.exec(select(Broadcast).order_by(Broadcast.planned_at)))


def test_a_normal_bulletin_lands_in_the_inbox_and_sounds_only_when_the_commune_says_so(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    found = send(linked_commune, sound, NORMAL)
    assert found.state == BulletinState.WAITING
    linked_commune.desk.look()
    assert on_air(linked_commune) == []
    with linked_commune.database.writing() as session:
        current = session.get(ProvinceBulletin, found.number)
        assert current is not None
        made = put_bulletin_on_air(session, current, linked_commune.clock.now(), LAN)
    assert (made.class_, made.title) == ("normal", "Tin")
    with linked_commune.database.writing() as session, pytest.raises(Refusal):
        put_bulletin_on_air(session, session.get_one(ProvinceBulletin, found.number), linked_commune.clock.now(), LAN)


def test_an_emergency_sounds_at_once_at_any_hour_without_anybody(linked_commune: LinkedCommune, sound: bytes) -> None:
    linked_commune.clock.advance(timedelta(hours=-3))  # two in the morning
    send(linked_commune, sound, EMERGENCY, "Bão")
    [made] = on_air(linked_commune)
    assert (made.class_, made.title, made.commune_id) == ("emergency", "Bão", COMMUNE)
    assert made.audience == Targets(all=True)


def test_the_play_log_names_a_bulletin_as_the_province_named_it(linked_commune: LinkedCommune, sound: bytes) -> None:
    for code, title in (("BT-1", "Bão"), ("BT-2", "Bão tan")):  # the same recording: one clip
        send(linked_commune, sound, EMERGENCY, title, code)
        linked_commune.clock.advance(seconds=60)
    first, second = on_air(linked_commune)
    with linked_commune.database.writing() as session:
        for one in (first, second):
            take_report(session, "loa-1", linked_commune.report(one), linked_commune.clock.now())
    linked_commune.step(2)
    told = [(m["BanTinID"], m["TieuDe"], m["NguonTin"]) for m in linked_commune.province.received.of("play_log")]
    assert told == [("BT-1", "Bão", "Đài tỉnh"), ("BT-2", "Bão tan", "Đài tỉnh")]


def test_a_schedule_of_ours_names_the_provinces_bulletin_as_it_named_it(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    found = send(linked_commune, sound, NORMAL, code="BT-7")
    with linked_commune.database.writing() as session:
        programme = add_to_programme(session, LAN, COMMUNE, found.number, None, linked_commune.clock.now())
        rule = Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=linked_commune.clock.now().date())
        add_schedule(
            session,
            COMMUNE,
            programme_id=programme,
            rule=rule,
            targets=Targets(all=True),
            class_=BroadcastClass.NORMAL,
            now=linked_commune.clock.now(),
        )
    linked_commune.step(3)
    [told] = linked_commune.province.received.of("schedule_created")
    assert [b["BanTinID"] for b in told["DanhSachBanTin"]] == ["BT-7"]


def test_an_emergency_for_chosen_receivers_sounds_there_alone(linked_commune: LinkedCommune, sound: bytes) -> None:
    linked_commune.province.audio["a.wav"] = sound
    content = example_bulletin(f"{linked_commune.province.url}/am-thanh/a.wav", EMERGENCY, "Lũ")
    take(linked_commune, "BanTin", {**content, "DanhSachThietBi": {"CumLoaID": ["loa-2"]}})
    linked_commune.fetch()
    assert on_air(linked_commune)[0].audience == Targets(receivers=["loa-2"])


def test_an_emergency_that_could_not_be_had_for_an_hour_is_left_to_people(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    content = example_bulletin(f"{linked_commune.province.url}/am-thanh/a.wav", EMERGENCY, "Bão")
    take(linked_commune, "BanTin", content)
    linked_commune.worker.step()
    linked_commune.clock.advance(timedelta(hours=2))
    linked_commune.province.audio["a.wav"] = sound
    linked_commune.fetch()
    assert on_air(linked_commune) == []
    with linked_commune.database.session() as session:
        assert [b.state for b in inbox(session, COMMUNE)] == [BulletinState.WAITING]


def test_one_priority_bulletin_goes_on_air_by_itself(linked_commune: LinkedCommune, sound: bytes) -> None:
    send(linked_commune, sound, PRIORITY)
    linked_commune.desk.look()
    assert [b.class_ for b in on_air(linked_commune)] == ["priority"]


def test_of_two_priority_bulletins_the_commune_decides_the_order(linked_commune: LinkedCommune, sound: bytes) -> None:
    first, second = send(linked_commune, sound, PRIORITY, "Một"), send(linked_commune, sound, PRIORITY, "Hai")
    linked_commune.desk.look()
    assert on_air(linked_commune) == []
    with linked_commune.database.writing() as session:
        priority_queue.move_before(session, COMMUNE, second.number, first.number)
        priority_queue.confirm_order(session, COMMUNE, [second.number, first.number])
    linked_commune.desk.look()
    assert [b.title for b in on_air(linked_commune)] == ["Hai"]
    linked_commune.clock.advance(seconds=1)
    linked_commune.desk.look()
    assert len(on_air(linked_commune)) == 1  # not before the other is over
    linked_commune.clock.advance(seconds=10)
    linked_commune.worker.step()
    linked_commune.desk.look()
    assert [b.title for b in on_air(linked_commune)] == ["Hai", "Một"]
    assert first.turn < second.turn


def test_when_nobody_decides_they_go_as_they_came_after_five_minutes(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    send(linked_commune, sound, PRIORITY, "Một")
    send(linked_commune, sound, PRIORITY, "Hai")
    linked_commune.clock.advance(priority_queue.DECIDE_WITHIN - timedelta(seconds=1))
    linked_commune.worker.step()
    linked_commune.desk.look()
    assert on_air(linked_commune) == []
    linked_commune.clock.advance(seconds=1)
    linked_commune.desk.look()
    assert [b.title for b in on_air(linked_commune)] == ["Một"]


def test_a_priority_broadcast_of_the_commune_is_not_cut_unless_a_person_says_so(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    own = linked_commune.studio.speak_now(BroadcastClass.PRIORITY)
    found = send(linked_commune, sound, PRIORITY, "Của tỉnh")
    linked_commune.desk.look()
    assert [b.id for b in on_air(linked_commune)] == [own.id]
    with linked_commune.database.writing() as session:
        made = priority_queue.put_on_air_first(
            session, session.get_one(ProvinceBulletin, found.number), linked_commune.clock.now(), LAN
        )
    assert made.precedence == 1


def test_outside_the_allowed_hours_priority_waits_and_says_why(linked_commune: LinkedCommune, sound: bytes) -> None:
    with linked_commune.database.writing() as session:
        set_rules(
            session, COMMUNE, "", hours=[AllowedHours(weekdays=list(range(7)), from_minute=360, until_minute=1260)]
        )
    found = send(linked_commune, sound, PRIORITY)
    linked_commune.desk.look()
    with linked_commune.database.session() as session:
        [waiting] = inbox(session, COMMUNE)
        assert waiting.number == found.number
        assert "allowed hours" in str(waiting.refusal)
    linked_commune.clock.advance(timedelta(hours=1))
    linked_commune.worker.step()
    linked_commune.desk.look()
    assert [b.class_ for b in on_air(linked_commune)] == ["priority"]


def test_a_declined_bulletin_needs_a_reason_and_the_province_is_told(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    found = send(linked_commune, sound, NORMAL)
    with linked_commune.database.writing() as session, pytest.raises(Refusal):
        decline(session, COMMUNE, found.number, " ", by="lan", now=linked_commune.clock.now())
    with linked_commune.database.writing() as session:
        decline(session, COMMUNE, found.number, "Đã phát hôm qua", by="lan", now=linked_commune.clock.now())
        assert clips(session, COMMUNE, search="Tin") == []
    linked_commune.step(3)
    assert [a["MoTa"] for a in linked_commune.province.received.of("answer") if a["TrangThaiGui"]] == [
        "Đã phát hôm qua"
    ]


def test_a_bulletin_goes_into_a_programme_after_what_is_there(linked_commune: LinkedCommune, sound: bytes) -> None:
    found = send(linked_commune, sound, NORMAL)
    with linked_commune.database.writing() as session:
        assert (
            add_to_programme(
                session, LAN, COMMUNE, found.number, linked_commune.studio.programme, linked_commune.clock.now()
            )
            == linked_commune.studio.programme
        )
    sounded = linked_commune.studio.speak_now()
    assert [getattr(item, "clip", "") for item in sounded.playlist] == ["bulletin", found.clip_id]


@pytest.mark.parametrize(
    ("address", "said"),
    [("/am-thanh/khong-co.mp3", "gone"), ("/am-thanh/trang.html", "not a recording")],
)
def test_audio_that_is_gone_or_none_leaves_nothing_and_the_province_is_told(
    linked_commune: LinkedCommune, address: str, said: str
) -> None:
    linked_commune.province.audio["trang.html"] = b"<html>" + b"x" * 5000
    met = take(linked_commune, "BanTin", example_bulletin(linked_commune.province.url + address, NORMAL, "Tin"))
    linked_commune.fetch()
    with linked_commune.database.session() as session:
        [found] = session.exec(select(ProvinceBulletin))
        assert found.state == BulletinState.FAILED
        assert said in str(found.refusal)
        assert clips(session, COMMUNE, search="Tin") == []
    linked_commune.step(3)
    [answer] = linked_commune.province.received.of("answer")
    assert (answer["TraLoiCho"], answer["TrangThaiGui"], answer["MaLoi"]) == (met.id, 1, RefusalCode.AUDIO)


def test_audio_beyond_the_limit_is_refused_before_it_is_all_here(linked_commune: LinkedCommune, tmp_path: Path) -> None:
    (tmp_path / "province").mkdir()
    (tmp_path / "province" / "chuan.toml").write_text('name = "Chuẩn"\naudio_most_mb = 1\n')
    linked_commune.province.audio["a.wav"] = b"\0" * 1_500_000
    take(linked_commune, "BanTin", example_bulletin(f"{linked_commune.province.url}/am-thanh/a.wav", NORMAL, "Tin"))
    linked_commune.fetch()
    with linked_commune.database.session() as session:
        assert "larger than 1 MB" in str(session.exec(select(ProvinceBulletin)).one().refusal)
        assert session.exec(select(IngestJob)).all() == []


def test_an_address_that_does_not_answer_is_tried_again_before_it_is_given_up(
    linked_commune: LinkedCommune, sound: bytes, tmp_path: Path
) -> None:
    (tmp_path / "province").mkdir(exist_ok=True)
    (tmp_path / "province" / "chuan.toml").write_text('name = "Chuẩn"\naudio_hosts = ["127.0.0.1:9"]\n')
    content = example_bulletin("http://127.0.0.1:9/a.wav", NORMAL, "Tin")
    take(linked_commune, "BanTin", content)
    linked_commune.fetch()
    with linked_commune.database.session() as session:
        found = session.exec(select(ProvinceBulletin)).one()
    assert (found.state, found.attempts) == (BulletinState.FAILED, 4)


@pytest.mark.parametrize(
    "url", ["http://localhost/a", "http://127.0.0.1/a", "http://[::1]/a", "http://169.254.169.254/a"]
)
def test_addresses_inside_this_machine_are_not_fetched_from(url: str) -> None:
    with pytest.raises(Refusal, match="inside this machine"):
        check_address(url, {"tinh.example"})


def test_a_message_is_taken_once_however_often_it_comes(linked_commune: LinkedCommune) -> None:
    content = example_bulletin(f"{linked_commune.province.url}/am-thanh/a.wav", NORMAL, "Tin", "BT1")
    assert take(linked_commune, "BanTin", content, "m1").again is False
    assert take(linked_commune, "BanTin", content, "m1").again is True
    assert take(linked_commune, "BanTin", {**content, "TieuDe": "khác"}, "m2").said is None
    with linked_commune.database.session() as session:
        assert [b.title for b in session.exec(select(ProvinceBulletin))] == ["Tin"]


def test_a_refused_message_is_counted_leaves_nothing_and_is_taken_when_it_comes_mended(
    linked_commune: LinkedCommune,
) -> None:
    good = example_bulletin(f"{linked_commune.province.url}/am-thanh/a.wav", NORMAL, "Tin", "BT1")
    bad = {k: v for k, v in good.items() if k != "TieuDe"}
    for _ in range(2):
        met = take(linked_commune, "BanTin", bad, "m1")
        assert met.code == RefusalCode.MISSING_FIELD
        assert "TieuDe" in str(met.said)
    with linked_commune.database.session() as session:
        assert refused_count(session, COMMUNE) == 2
        assert session.exec(select(ProvinceBulletin)).all() == []
    assert take(linked_commune, "BanTin", good, "m1").said is None
    with linked_commune.database.session() as session:
        assert refused_count(session, COMMUNE) == 0


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        ("Thu", {}, RefusalCode.UNKNOWN_CODE),
        ("BanTin", None, RefusalCode.UNREADABLE),
        ("BanTin", [], RefusalCode.UNREADABLE),
        ("LenhDieuKhien", example_command(9, 0), RefusalCode.UNKNOWN_CODE),
        ("LenhDieuKhien", example_command(0, 101), RefusalCode.UNKNOWN_CODE),
        ("LenhDieuKhien", example_command(2, 7), RefusalCode.UNKNOWN_CODE),
        ("LenhDieuKhien", example_command(1, 0), RefusalCode.NOT_POSSIBLE),
        ("LenhDieuKhien", example_command(2, 1), RefusalCode.NOT_POSSIBLE),
        ("LenhDieuKhien", example_command(2, 2), RefusalCode.NOT_POSSIBLE),
        ("LenhDieuKhien", example_command(2, 3), RefusalCode.NOT_POSSIBLE),
        ("LenhDieuKhien", example_command(2, 0, ["loa-1"]), RefusalCode.NOT_POSSIBLE),
        ("LenhDieuKhien", example_command(0, 50, ["loa-1", "loa-9"]), RefusalCode.NOT_HERE),
        (
            "LenhDieuKhien",
            {**example_command(0, 50), "DanhSachDiaBanNhan": [{"DichID": "xa-khac"}]},
            RefusalCode.NOT_HERE,
        ),
        ("LenhDieuKhien", {**example_command(0, 50), "DieuKhienThietBi": {}}, RefusalCode.MISSING_FIELD),
        ("HuyLichPhat", {"LichPhatID": "khong-co"}, RefusalCode.NOT_HERE),
        ("LichPhat", {"LichPhatID": "1", "DanhSachBanTin": []}, RefusalCode.MISSING_FIELD),
    ],
)
def test_every_wrong_message_is_refused_with_its_code_and_changes_nothing(
    linked_commune: LinkedCommune, kind: str, content: Any, why: RefusalCode
) -> None:
    with linked_commune.database.session() as session:
        before = receiver(session, "loa-1").volume_percent
    met = take(linked_commune, kind, content)
    assert met.code == why
    assert str(met.said)
    with linked_commune.database.session() as session:
        assert receiver(session, "loa-1").volume_percent == before
        assert session.exec(select(ProvinceBulletin)).all() == []


def test_a_volume_command_sets_the_volume_and_tells_the_receivers(linked_commune: LinkedCommune) -> None:
    before = len(linked_commune.studio.broker.log)
    assert take(linked_commune, "LenhDieuKhien", example_command(0, 35, ["loa-1"])).said is None
    with linked_commune.database.session() as session:
        assert (receiver(session, "loa-1").volume_percent, receiver(session, "loa-2").volume_percent) == (35, 80)
    assert [t for t, *_ in linked_commune.studio.broker.log[before:]] == [
        topics.of_receiver("loa-1", topics.Kind.CONFIG)
    ]


def test_a_stop_command_silences_what_is_on_air(linked_commune: LinkedCommune) -> None:
    sounding = linked_commune.studio.speak_now()
    linked_commune.clock.advance(seconds=10)
    assert take(linked_commune, "LenhDieuKhien", example_command(2, 0)).said is None
    with linked_commune.database.session() as session:
        assert state(broadcast(session, sounding.id), linked_commune.clock.now()) is BroadcastState.STOPPED


def test_a_reboot_command_reaches_the_named_receivers(linked_commune: LinkedCommune) -> None:
    assert take(linked_commune, "LenhDieuKhien", example_command(3, 0, ["loa-2"])).said is None
    topic, payload, *_ = linked_commune.studio.broker.log[-1]
    assert topic == topics.of_receiver("loa-2", topics.Kind.DO)
    sealed = open_sealed(
        payload,
        Command,
        {KEY.kid: PublicKey(KEY.public)},
        to=for_receiver("loa-2"),
        now_us=linked_commune.clock.now_us(),
    )
    assert isinstance(sealed.action, Reboot)


def schedule_of(linked_commune: LinkedCommune, urgency: int, *hours: int, code: str = "L1") -> dict[str, Any]:
    starts = [linked_commune.clock.now() + timedelta(hours=h) for h in hours]
    return example_schedule(f"{linked_commune.province.url}/am-thanh/a.wav", urgency, "Lịch tỉnh", starts, code)


def test_a_priority_schedule_goes_onto_the_timetable_at_exactly_its_instants(
    linked_commune: LinkedCommune, sound: bytes
) -> None:
    linked_commune.province.audio["a.wav"] = sound
    assert take(linked_commune, "LichPhat", schedule_of(linked_commune, PRIORITY, 1, 12, 25, 36, 60)).said is None
    linked_commune.fetch()
    now = from_us(linked_commune.clock.now_us())
    with linked_commune.database.session() as session:
        made = schedules(session, COMMUNE)
        due = sorted(at for s in made for at in next_due(session, s, now))
    assert {s.class_ for s in made} == {"priority"}
    assert [round((at - due[0]).total_seconds() / 3600) for at in due] == [0, 11, 24, 35, 59]
    assert len(made) == 2  # two days alike share one


def test_a_schedule_of_the_province_is_not_told_back_to_it(linked_commune: LinkedCommune, sound: bytes) -> None:
    linked_commune.province.audio["a.wav"] = sound
    take(linked_commune, "LichPhat", schedule_of(linked_commune, PRIORITY, 12))
    linked_commune.fetch()
    linked_commune.step(4)
    assert linked_commune.province.received.of("schedule_created") == []


def test_a_normal_schedule_waits_for_the_commune(linked_commune: LinkedCommune, sound: bytes) -> None:
    linked_commune.province.audio["a.wav"] = sound
    take(linked_commune, "LichPhat", schedule_of(linked_commune, NORMAL, 12))
    linked_commune.fetch()
    with linked_commune.database.writing() as session:
        assert schedules(session, COMMUNE) == []
        [found] = inbox(session, COMMUNE)
        assert add_to_timetable(session, found, linked_commune.clock.now(), LAN) == 1
        assert [s.class_ for s in schedules(session, COMMUNE)] == ["normal"]


def test_a_cancelled_schedule_leaves_the_timetable_and_the_inbox(linked_commune: LinkedCommune, sound: bytes) -> None:
    linked_commune.province.audio["a.wav"] = sound
    take(linked_commune, "LichPhat", schedule_of(linked_commune, PRIORITY, 12, code="P"))
    take(linked_commune, "LichPhat", schedule_of(linked_commune, NORMAL, 12, code="N"))
    linked_commune.fetch()
    assert take(linked_commune, "HuyLichPhat", {"LichPhatID": "P"}).said is None
    assert take(linked_commune, "HuyLichPhat", {"LichPhatID": "N"}).said is None
    with linked_commune.database.session() as session:
        assert schedules(session, COMMUNE) == []
        assert inbox(session, COMMUNE) == []
        assert len(session.exec(select(Schedule)).all()) == 1
    linked_commune.step(4)
    assert linked_commune.province.received.of("schedule_cancelled") == []
    assert [a["TrangThaiGui"] for a in linked_commune.province.received.of("answer")] == []


@pytest.mark.parametrize("hours", [(-1,), (24 * 800,)])
def test_a_schedule_of_the_past_or_of_a_far_future_is_refused(
    linked_commune: LinkedCommune, hours: tuple[int, ...]
) -> None:
    met = take(linked_commune, "LichPhat", schedule_of(linked_commune, PRIORITY, *hours))
    assert met.code == RefusalCode.RULE


def test_a_bulletin_of_another_commune_is_not_to_be_found(linked_commune: LinkedCommune, sound: bytes) -> None:
    found = send(linked_commune, sound, NORMAL)
    with linked_commune.database.writing() as session, pytest.raises(NotFound):
        decline(session, "xa-khac", found.number, "x", by="lan", now=linked_commune.clock.now())


def test_an_unacceptable_message_says_its_code() -> None:
    assert Unacceptable(RefusalCode.AUDIO, "x").why is RefusalCode.AUDIO
