"""What is told to the province is kept while it is away, and sent in order, once."""

from datetime import date, time, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlmodel import Session

from broadcast.programmes import Item, ItemKind
from demo.province_messages import example_command
from demo.province_simulator import Simulator
from province import outbox
from province.accounts import Accounts
from province.codes import SendStatus
from province.link_worker import BACK_OFF
from province.links import LinkForm, check_url, hold, link_of, set_link
from province.messages import ScheduleCancelled
from province.outbox import put
from province.profile import Profile, profile
from province.reports_up import take_report
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.recurrence import Repeat, Rule
from schedules.timetable import add_schedule, change_schedule, retire
from tests.broadcast.studio import ALL
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.province.linked_commune import LinkedCommune
from wire.broadcasts import BroadcastClass


def keep(house: LinkedCommune, count: int, first: int = 0) -> None:
    with house.database.writing() as session:
        for n in range(first, first + count):
            put(
                session,
                COMMUNE,
                outbox.SCHEDULE_CANCELLED,
                f"k{n}",
                ScheduleCancelled(LichPhatID=f"{n}"),
                house.clock.now(),
            )


def arrived(house: LinkedCommune) -> list[str]:
    return [m["LichPhatID"] for m in house.province.received.of("schedule_cancelled")]


def report(house: LinkedCommune, session: Session, **about: str) -> int:
    sounded = house.studio.speak_now()
    return take_report(session, "loa-1", house.report(sounded, **about), house.clock.now())


def test_a_receivers_state_goes_up_every_minute_and_no_more_often(house: LinkedCommune) -> None:
    house.heard("loa-1")
    house.step()
    first = house.province.received.of("heartbeat")
    assert [(m["CumLoaID"], m["TrangThaiKetNoi"], m["TrangThaiHoatDong"]) for m in first] == [
        ("loa-1", 1, 2),
        ("loa-2", 0, 2),
    ]
    assert first[0]["AmLuong"] == 70
    assert first[0]["ThongTinThietBi"]["NhietDo"] == 41.5
    house.clock.advance(seconds=30)
    house.step()
    assert len(house.province.received.of("heartbeat")) == 2
    house.clock.advance(seconds=30)
    house.step()
    assert len(house.province.received.of("heartbeat")) == 4


def test_the_province_is_asked_when_its_period_is_over_and_not_at_our_next_look(house: LinkedCommune) -> None:
    waits = []
    for _ in range(4):
        waits.append(house.worker.step())
        house.clock.advance(seconds=waits[-1])
    assert waits == [2, 2, house.speaks.poll_s - 4, 2]


def test_a_clock_that_was_set_back_makes_nothing_wait(house: LinkedCommune) -> None:
    house.step()
    house.clock.advance(timedelta(hours=-1))
    house.province.send_down("LenhDieuKhien", example_command(0, 60))
    house.step(2)
    assert [a["TrangThaiGui"] for a in house.province.received.of("answer")] == [0]
    assert len(house.province.received.of("heartbeat")) == 4


def test_what_sounds_stands_in_the_state(house: LinkedCommune) -> None:
    sounding = house.studio.speak_now()
    house.heard("loa-1", sounding.id)
    house.step()
    state = house.province.received.of("heartbeat")[0]
    assert (state["TrangThaiHoatDong"], state["NoiDungPhat"]) == (0, "Bản tin sáng")
    assert state["ThoiDiemBatDau"] == int(sounding.starts_at.timestamp())


def test_the_province_knows_a_receiver_by_the_code_that_was_set(house: LinkedCommune) -> None:
    house.set(codes="loa-1 = 867000000000001")
    house.worker = house.new_worker()
    house.step()
    assert [m["CumLoaID"] for m in house.province.received.of("heartbeat")] == ["867000000000001", "loa-2"]


def test_each_item_that_sounded_is_one_entry_of_the_play_log_and_chimes_are_none(house: LinkedCommune) -> None:
    with house.database.writing() as session:
        items = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, "bulletin"), Item(ItemKind.CLIP, "storm")]
        house.studio.programme = house.studio.add_programme(session, "Chiều", items)
    sounded = house.studio.speak_now(BroadcastClass.PRIORITY)
    with house.database.writing() as session:
        assert take_report(session, "loa-1", house.report(sounded), house.clock.now()) == 2
        assert take_report(session, "loa-1", house.report(sounded, name="again"), house.clock.now()) == 0
    house.step()
    entries = house.province.received.of("play_log")
    assert [(e["BanTinID"], e["ThoiLuong"], e["MucDoUuTien"]) for e in entries] == [
        ("bulletin", "00:01:00", 2),
        ("storm", "00:00:30", 2),
    ]
    assert entries[0]["ThoiDiemBatDau"] == int(sounded.starts_at.timestamp()) + 4


def test_of_a_broadcast_that_was_cut_only_what_sounded_is_told(house: LinkedCommune) -> None:
    with house.database.writing() as session:
        items = [Item(ItemKind.CLIP, "bulletin"), Item(ItemKind.CLIP, "storm")]
        house.studio.programme = house.studio.add_programme(session, "Chiều", items)
    whole = house.report(house.studio.speak_now())
    cut = msgspec.structs.replace(whole, last_frame_at_us=whole.first_frame_at_us + 20_000_000)
    with house.database.writing() as session:
        assert take_report(session, "loa-1", cut, house.clock.now()) == 1
    house.step()
    assert [e["ThoiLuong"] for e in house.province.received.of("play_log")] == ["00:00:20"]


def test_letters_go_with_the_report_or_not_at_all(house: LinkedCommune) -> None:
    def fail() -> None:
        with house.database.writing() as session:
            take_report(session, "loa-1", house.report(house.studio.speak_now_in(session)), house.clock.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert house.letters() == []


def test_while_the_province_is_away_letters_wait_and_then_come_in_order_once(house: LinkedCommune) -> None:
    keep(house, 3)
    house.step()
    house.province.go_offline()
    keep(house, 5, first=3)
    house.step(3)
    assert house.waiting() == 5
    assert house.link.away_since is not None
    assert "reached" in str(house.why())
    house.province.go_online()
    house.step(60)
    assert arrived(house) == [str(n) for n in range(8)]
    assert house.waiting() == 0
    assert house.link.connected_since is not None
    assert house.why() is None


def test_the_answer_that_was_lost_doubles_nothing(house: LinkedCommune) -> None:
    """It took the letter, and went away before it said so."""
    keep(house, 1)
    house.step()
    keep(house, 1, first=1)
    taken = house.province._take

    def take_and_die(name: str, body: bytes) -> tuple[int, dict[str, object]]:
        answer = taken(name, body)
        house.province._take = taken  # type: ignore[method-assign]
        house.province.go_offline()
        return answer

    house.province._take = take_and_die  # type: ignore[method-assign]
    house.step()
    assert house.waiting() == 1
    assert arrived(house) == ["0", "1"]
    house.province.go_online()
    house.step(30)
    assert arrived(house) == ["0", "1"]
    assert house.province.received.doubles == 1
    assert house.waiting() == 0


def test_a_crash_between_sending_and_marking_sends_again_with_the_same_key(house: LinkedCommune) -> None:
    keep(house, 4)
    house.worker._settle_sent = lambda: None  # type: ignore[method-assign]
    house.step()
    assert house.waiting() == 4
    house.worker = house.new_worker()
    house.step()
    assert arrived(house) == ["0", "1", "2", "3"]
    assert house.province.received.doubles == 4
    assert house.waiting() == 0


def test_towards_a_province_that_drops_no_doubles_each_is_marked_before_the_next(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    house = LinkedCommune(database, clock, tmp_path, speaks=msgspec.structs.replace(profile("chuan"), dedupes=False))
    try:
        keep(house, 4)
        sent: list[int] = []
        original = house.worker._connection.send

        def send(path: str, message: object, key: str = "") -> object:
            if key:
                sent.append(house.waiting())
            return original(path, message, key)  # type: ignore[arg-type]

        house.worker._connection.send = send  # type: ignore[method-assign]
        house.step()
        assert sent == [4, 3, 2, 1]
    finally:
        house.close()


def test_a_token_that_ran_out_is_renewed_once_and_the_letter_goes(house: LinkedCommune) -> None:
    house.step()
    house.province.forget_tokens()
    keep(house, 2)
    house.step()
    assert arrived(house) == ["0", "1"]
    assert house.province.logins == 2


def test_a_wrong_password_is_said_in_words_and_not_tried_again_at_once(house: LinkedCommune) -> None:
    house.accounts.keep(COMMUNE, "xa", "sai")
    house.worker = house.new_worker()
    house.step()
    assert "name or password" in str(house.why())
    before = house.clock.now()
    house.step()
    assert house.clock.now() - before <= timedelta(seconds=2)
    house.accounts.keep(COMMUNE, "xa", "mat-khau-tinh")
    house.step(20)
    assert house.why() is None


def test_no_account_yet_is_said_in_words(house: LinkedCommune) -> None:
    house.accounts.forget(COMMUNE)
    house.worker = house.new_worker()
    house.step()
    assert "no account" in str(house.why())


def test_a_letter_that_the_province_will_not_have_holds_up_no_other_and_stays_in_sight(house: LinkedCommune) -> None:
    keep(house, 1)
    with house.database.writing() as session:
        put(session, COMMUNE, outbox.SCHEDULE_CANCELLED, "empty", ScheduleCancelled(LichPhatID=""), house.clock.now())
    keep(house, 1, first=1)
    house.step()
    assert arrived(house) == ["0", "1"]
    with house.database.writing() as session:
        refused = outbox.refused(session, COMMUNE)
        assert [(one.key, "LichPhatID" in one.why) for one in refused] == [("empty", True)]
        outbox.send_again(session, COMMUNE)
    assert house.waiting() == 1


@pytest.mark.parametrize("status", [500, 502, 503, 404, 302, 429])
def test_a_province_under_repair_is_away_and_nothing_is_lost(house: LinkedCommune, status: int) -> None:
    keep(house, 2)
    house.province.fail_status = status
    house.step(2)
    assert house.waiting() == 2
    assert house.link.away_since is not None
    house.province.fail_status = 0
    house.step(30)
    assert arrived(house) == ["0", "1"]


def test_waiting_grows_with_each_failure_up_to_five_minutes_and_differs_between_communes() -> None:
    for failures, most_s in ((1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (60, 300.0)):
        communes = {BACK_OFF.wait_s(failures) for _ in range(50)}
        assert len(communes) > 25
        assert most_s / 2 <= min(communes)
        assert max(communes) <= most_s


def test_entries_go_many_at_a_time_where_the_province_takes_them_so(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    house = LinkedCommune(database, clock, tmp_path, speaks=msgspec.structs.replace(profile("chuan"), batch=10))
    try:
        for _ in range(25):
            sounded = house.studio.speak_now()
            with house.database.writing() as session:
                take_report(session, "loa-1", house.report(sounded), house.clock.now())
        requests = []
        original = house.worker._connection.send
        house.worker._connection.send = lambda *a: requests.append(a) or original(*a)  # type: ignore[method-assign]
        house.step()
        assert len(house.province.received.of("play_log")) == 25
        assert len([r for r in requests if r[0].endswith("nhat-ky")]) == 3
    finally:
        house.close()


def test_one_bad_entry_spoils_no_other_of_its_batch(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    house = LinkedCommune(database, clock, tmp_path, speaks=msgspec.structs.replace(profile("chuan"), batch=10))
    try:
        sounded = house.studio.speak_now()
        with house.database.writing() as session:
            take_report(session, "loa-1", house.report(sounded), house.clock.now())
            put(session, COMMUNE, outbox.PLAY_LOG, "bad", ScheduleCancelled(LichPhatID="x"), house.clock.now())
            take_report(session, "loa-2", house.report(sounded, receiver="loa-2"), house.clock.now())
        house.step()
        assert [e["CumLoaID"] for e in house.province.received.of("play_log")] == ["loa-1", "loa-2"]
        assert [one.key for one in house.letters() if one.outcome == outbox.REFUSED] == ["bad"]
    finally:
        house.close()


def test_two_controllers_do_not_work_one_link(house: LinkedCommune) -> None:
    house.step()
    now = house.clock.now()
    with house.database.writing() as session:
        assert not hold(session, COMMUNE, "controller-2", now)
        assert hold(session, COMMUNE, "controller-1", now)
        assert hold(session, COMMUNE, "controller-2", now + timedelta(seconds=61))


def test_schedules_are_told_changed_ones_anew_and_cancelled_ones_as_cancelled(house: LinkedCommune) -> None:
    rule = Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=date(2026, 11, 24))
    with house.database.writing() as session:
        made = add_schedule(
            session,
            COMMUNE,
            programme_id=house.studio.programme,
            rule=rule,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=house.clock.now(),
        )
    house.step(2)
    told = house.province.received.of("schedule_created")
    assert len(told) == 1
    assert told[0]["TenLichPhat"] == "Bản tin sáng"
    days = told[0]["DanhSachBanTin"][0]["DanhSachNgayPhat"]
    assert len(days) == 30
    assert days[0]["NgayPhat"] == "2026-11-24"
    with house.database.writing() as session:
        change_schedule(session, made.number, now=house.clock.now(), class_=BroadcastClass.PRIORITY)
    house.step(3)
    cancelled, again = house.province.received.of("schedule_cancelled"), house.province.received.of("schedule_created")
    assert [c["LichPhatID"] for c in cancelled] == [told[0]["LichPhatID"]]
    assert again[1]["DanhSachBanTin"][0]["MucDoUuTien"] == 2
    with house.database.writing() as session:
        retire(session, made.number, house.clock.now())
    house.step(3)
    assert len(house.province.received.of("schedule_cancelled")) == 2
    assert len(again) == 2


def test_a_schedule_without_end_is_told_anew_before_the_months_told_run_out(house: LinkedCommune) -> None:
    rule = Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=date(2026, 11, 24))
    with house.database.writing() as session:
        add_schedule(
            session,
            COMMUNE,
            programme_id=house.studio.programme,
            rule=rule,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=house.clock.now(),
        )
    house.step(2)
    house.clock.advance(timedelta(days=21))
    house.step(2)
    assert len(house.province.received.of("schedule_created")) == 2
    assert len(house.province.received.of("schedule_cancelled")) == 1


def test_what_waits_at_the_province_is_fetched_carried_out_and_answered(house: LinkedCommune) -> None:
    message_id = house.province.send_down("LenhDieuKhien", example_command(0, 40))
    house.step(3)
    answers = house.province.received.of("answer")
    assert [(a["TraLoiCho"], a["TrangThaiGui"]) for a in answers] == [(message_id, SendStatus.TAKEN)]
    assert house.province.waiting == []


def test_accounts_are_in_the_folder_of_secrets_for_their_owner_alone(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "secrets")
    accounts.keep(COMMUNE, "xa", "rất bí mật")
    path = next((tmp_path / "secrets").iterdir())
    assert path.stat().st_mode & 0o777 == 0o600
    assert "bí mật" not in repr(accounts.of(COMMUNE))
    path.chmod(0o644)
    with pytest.raises(Refusal, match="chmod"):
        accounts.of(COMMUNE)


@pytest.mark.parametrize("url", ["", "tinh.vn", "ftp://tinh.vn", "https://a:b@tinh.vn", "http://tinh.vn"])
def test_an_address_that_is_none_or_would_carry_the_password_in_clear_is_refused(url: str) -> None:
    with pytest.raises(Refusal):
        check_url(url, Profile(name="x"))


def test_a_code_at_two_receivers_or_of_none_is_refused(house: LinkedCommune) -> None:
    for codes in ("loa-1 = 7\nloa-2 = 7", "loa-9 = 7", "loa-1"):
        with pytest.raises(Refusal):
            house.set(codes=codes)


def test_a_disabled_link_keeps_no_letters(house: LinkedCommune) -> None:
    house.set(enabled=False)
    with house.database.writing() as session:
        sounded = house.studio.speak_now_in(session)
        assert take_report(session, "loa-1", house.report(sounded), house.clock.now()) == 0


def test_another_way_of_writing_is_spoken_by_profile_alone(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    house = LinkedCommune(database, clock, tmp_path, speaks=profile("chuoi-va-mili-giay"))
    try:
        house.heard("loa-1")
        sounded = house.studio.speak_now(BroadcastClass.EMERGENCY)
        with house.database.writing() as session:
            take_report(session, "loa-1", house.report(sounded), house.clock.now())
        message_id = house.province.send_down("LenhDieuKhien", example_command(0, 40, ["loa-1"]))
        house.step(3)
        entry = house.province.received.of("play_log")[0]
        assert (entry["BanTinID"], entry["MucDoUuTien"], entry["AmLuong"]) == ("bulletin", 1, 70)
        assert house.province.received.refused == []
        assert house.province.received.of("answer")[0]["TraLoiCho"] == message_id
    finally:
        house.close()


def test_the_simulator_remembers_over_being_killed(tmp_path: Path) -> None:
    speaks = profile("chuan")
    first = Simulator(speaks, kept=tmp_path / "taken")
    first._tokens["t"] = 9
    assert first._respond("POST", "/api/huy-lich-phat", "Bearer t", b'{"LichPhatID": "1", "MaGoiTin": "k"}')[0] == 200
    second = Simulator(speaks, kept=tmp_path / "taken")
    second._tokens["t"] = 9
    second._respond("POST", "/api/huy-lich-phat", "Bearer t", b'{"LichPhatID": "1", "MaGoiTin": "k"}')
    assert len(second.received.log) == 1
    assert second.received.doubles == 1
    first.stop()
    second.stop()


def test_a_commune_without_a_name_of_its_own_at_the_province_goes_by_its_name_here(house: LinkedCommune) -> None:
    form = LinkForm("chuan", house.province.url, "38.1", " ", "", "", "", "inbox", enabled=True)
    with house.database.writing() as session:
        assert set_link(session, COMMUNE, form, house.speaks, set()).own_name == COMMUNE_NAME


def test_unset_links_take_what_is_known_of_the_commune(house: LinkedCommune) -> None:
    with house.database.writing() as session:
        unset = link_of(session, COMMUNE)
        form = LinkForm("chuan", "", "x", "y", "", "", "", "inbox", False)
        assert set_link(session, COMMUNE, form, profile("chuan"), set()).revision > unset.revision - 1
