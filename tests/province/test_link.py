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


def keep(linked_commune: LinkedCommune, count: int, first: int = 0) -> None:
    with linked_commune.database.writing() as session:
        for n in range(first, first + count):
            put(
                session,
                COMMUNE,
                outbox.SCHEDULE_CANCELLED,
                f"k{n}",
                ScheduleCancelled(LichPhatID=f"{n}"),
                linked_commune.clock.now(),
            )


def arrived(linked_commune: LinkedCommune) -> list[str]:
    return [m["LichPhatID"] for m in linked_commune.province.received.of("schedule_cancelled")]


def report(linked_commune: LinkedCommune, session: Session, **about: str) -> int:
    sounded = linked_commune.studio.speak_now()
    return take_report(session, "loa-1", linked_commune.report(sounded, **about), linked_commune.clock.now())


def test_a_receivers_state_goes_up_every_minute_and_no_more_often(linked_commune: LinkedCommune) -> None:
    linked_commune.heard("loa-1")
    linked_commune.step()
    first = linked_commune.province.received.of("heartbeat")
    assert [(m["CumLoaID"], m["TrangThaiKetNoi"], m["TrangThaiHoatDong"]) for m in first] == [
        ("loa-1", 1, 2),
        ("loa-2", 0, 2),
    ]
    assert first[0]["AmLuong"] == 70
    assert first[0]["ThongTinThietBi"]["NhietDo"] == 41.5
    linked_commune.clock.advance(seconds=30)
    linked_commune.step()
    assert len(linked_commune.province.received.of("heartbeat")) == 2
    linked_commune.clock.advance(seconds=30)
    linked_commune.step()
    assert len(linked_commune.province.received.of("heartbeat")) == 4


def test_the_province_is_asked_when_its_period_is_over_and_not_at_our_next_look(linked_commune: LinkedCommune) -> None:
    waits = []
    for _ in range(4):
        waits.append(linked_commune.worker.step())
        linked_commune.clock.advance(seconds=waits[-1])
    assert waits == [2, 2, linked_commune.speaks.poll_s - 4, 2]


def test_a_clock_that_was_set_back_makes_nothing_wait(linked_commune: LinkedCommune) -> None:
    linked_commune.step()
    linked_commune.clock.advance(timedelta(hours=-1))
    linked_commune.province.send_down("LenhDieuKhien", example_command(0, 60))
    linked_commune.step(2)
    assert [a["TrangThaiGui"] for a in linked_commune.province.received.of("answer")] == [0]
    assert len(linked_commune.province.received.of("heartbeat")) == 4


def test_what_sounds_stands_in_the_state(linked_commune: LinkedCommune) -> None:
    sounding = linked_commune.studio.speak_now()
    linked_commune.heard("loa-1", sounding.id)
    linked_commune.step()
    state = linked_commune.province.received.of("heartbeat")[0]
    assert (state["TrangThaiHoatDong"], state["NoiDungPhat"]) == (0, "Bản tin sáng")
    assert state["ThoiDiemBatDau"] == int(sounding.starts_at.timestamp())


def test_the_province_knows_a_receiver_by_the_code_that_was_set(linked_commune: LinkedCommune) -> None:
    linked_commune.set(codes="loa-1 = 867000000000001")
    linked_commune.worker = linked_commune.new_worker()
    linked_commune.step()
    assert [m["CumLoaID"] for m in linked_commune.province.received.of("heartbeat")] == ["867000000000001", "loa-2"]


def test_each_item_that_sounded_is_one_entry_of_the_play_log_and_chimes_are_none(linked_commune: LinkedCommune) -> None:
    with linked_commune.database.writing() as session:
        items = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, "bulletin"), Item(ItemKind.CLIP, "storm")]
        linked_commune.studio.programme = linked_commune.studio.add_programme(session, "Chiều", items)
    sounded = linked_commune.studio.speak_now(BroadcastClass.PRIORITY)
    with linked_commune.database.writing() as session:
        assert take_report(session, "loa-1", linked_commune.report(sounded), linked_commune.clock.now()) == 2
        assert (
            take_report(session, "loa-1", linked_commune.report(sounded, name="again"), linked_commune.clock.now()) == 0
        )
    linked_commune.step()
    entries = linked_commune.province.received.of("play_log")
    assert [(e["BanTinID"], e["ThoiLuong"], e["MucDoUuTien"]) for e in entries] == [
        ("bulletin", "00:01:00", 2),
        ("storm", "00:00:30", 2),
    ]
    assert entries[0]["ThoiDiemBatDau"] == int(sounded.starts_at.timestamp()) + 4


def test_of_a_broadcast_that_was_cut_only_what_sounded_is_told(linked_commune: LinkedCommune) -> None:
    with linked_commune.database.writing() as session:
        items = [Item(ItemKind.CLIP, "bulletin"), Item(ItemKind.CLIP, "storm")]
        linked_commune.studio.programme = linked_commune.studio.add_programme(session, "Chiều", items)
    whole = linked_commune.report(linked_commune.studio.speak_now())
    cut = msgspec.structs.replace(whole, last_frame_at_us=whole.first_frame_at_us + 20_000_000)
    with linked_commune.database.writing() as session:
        assert take_report(session, "loa-1", cut, linked_commune.clock.now()) == 1
    linked_commune.step()
    assert [e["ThoiLuong"] for e in linked_commune.province.received.of("play_log")] == ["00:00:20"]


def test_letters_go_with_the_report_or_not_at_all(linked_commune: LinkedCommune) -> None:
    def fail() -> None:
        with linked_commune.database.writing() as session:
            take_report(
                session,
                "loa-1",
                linked_commune.report(linked_commune.studio.speak_now_in(session)),
                linked_commune.clock.now(),
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert linked_commune.letters() == []


def test_while_the_province_is_away_letters_wait_and_then_come_in_order_once(linked_commune: LinkedCommune) -> None:
    keep(linked_commune, 3)
    linked_commune.step()
    linked_commune.province.go_offline()
    keep(linked_commune, 5, first=3)
    linked_commune.step(3)
    assert linked_commune.waiting() == 5
    assert linked_commune.link.away_since is not None
    assert "reached" in str(linked_commune.why())
    linked_commune.province.go_online()
    linked_commune.step(60)
    assert arrived(linked_commune) == [str(n) for n in range(8)]
    assert linked_commune.waiting() == 0
    assert linked_commune.link.connected_since is not None
    assert linked_commune.why() is None


def test_the_answer_that_was_lost_doubles_nothing(linked_commune: LinkedCommune) -> None:
    """It took the letter, and went away before it said so."""
    keep(linked_commune, 1)
    linked_commune.step()
    keep(linked_commune, 1, first=1)
    taken = linked_commune.province._take

    def take_and_die(name: str, body: bytes) -> tuple[int, dict[str, object]]:
        answer = taken(name, body)
        linked_commune.province._take = taken  # type: ignore[method-assign]
        linked_commune.province.go_offline()
        return answer

    linked_commune.province._take = take_and_die  # type: ignore[method-assign]
    linked_commune.step()
    assert linked_commune.waiting() == 1
    assert arrived(linked_commune) == ["0", "1"]
    linked_commune.province.go_online()
    linked_commune.step(30)
    assert arrived(linked_commune) == ["0", "1"]
    assert linked_commune.province.received.doubles == 1
    assert linked_commune.waiting() == 0


def test_a_crash_between_sending_and_marking_sends_again_with_the_same_key(linked_commune: LinkedCommune) -> None:
    keep(linked_commune, 4)
    linked_commune.worker._settle_sent = lambda: None  # type: ignore[method-assign]
    linked_commune.step()
    assert linked_commune.waiting() == 4
    linked_commune.worker = linked_commune.new_worker()
    linked_commune.step()
    assert arrived(linked_commune) == ["0", "1", "2", "3"]
    assert linked_commune.province.received.doubles == 4
    assert linked_commune.waiting() == 0


def test_towards_a_province_that_drops_no_doubles_each_is_marked_before_the_next(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    linked_commune = LinkedCommune(
        database, clock, tmp_path, speaks=msgspec.structs.replace(profile("chuan"), dedupes=False)
    )
    try:
        keep(linked_commune, 4)
        sent: list[int] = []
        original = linked_commune.worker._connection.send

        def send(path: str, message: object, key: str = "") -> object:
            if key:
                sent.append(linked_commune.waiting())
            return original(path, message, key)  # type: ignore[arg-type]

        linked_commune.worker._connection.send = send  # type: ignore[method-assign]
        linked_commune.step()
        assert sent == [4, 3, 2, 1]
    finally:
        linked_commune.close()


def test_a_token_that_ran_out_is_renewed_once_and_the_letter_goes(linked_commune: LinkedCommune) -> None:
    linked_commune.step()
    linked_commune.province.forget_tokens()
    keep(linked_commune, 2)
    linked_commune.step()
    assert arrived(linked_commune) == ["0", "1"]
    assert linked_commune.province.logins == 2


def test_a_wrong_password_is_said_in_words_and_not_tried_again_at_once(linked_commune: LinkedCommune) -> None:
    linked_commune.accounts.keep(COMMUNE, "xa", "sai")
    linked_commune.worker = linked_commune.new_worker()
    linked_commune.step()
    assert "name or password" in str(linked_commune.why())
    before = linked_commune.clock.now()
    linked_commune.step()
    assert linked_commune.clock.now() - before <= timedelta(seconds=2)
    linked_commune.accounts.keep(COMMUNE, "xa", "mat-khau-tinh")
    linked_commune.step(20)
    assert linked_commune.why() is None


def test_no_account_yet_is_said_in_words(linked_commune: LinkedCommune) -> None:
    linked_commune.accounts.forget(COMMUNE)
    linked_commune.worker = linked_commune.new_worker()
    linked_commune.step()
    assert "no account" in str(linked_commune.why())


def test_a_letter_that_the_province_will_not_have_holds_up_no_other_and_stays_in_sight(
    linked_commune: LinkedCommune,
) -> None:
    keep(linked_commune, 1)
    with linked_commune.database.writing() as session:
        put(
            session,
            COMMUNE,
            outbox.SCHEDULE_CANCELLED,
            "empty",
            ScheduleCancelled(LichPhatID=""),
            linked_commune.clock.now(),
        )
    keep(linked_commune, 1, first=1)
    linked_commune.step()
    assert arrived(linked_commune) == ["0", "1"]
    with linked_commune.database.writing() as session:
        refused = outbox.refused(session, COMMUNE)
        assert [(one.key, "LichPhatID" in one.why) for one in refused] == [("empty", True)]
        outbox.send_again(session, COMMUNE)
    assert linked_commune.waiting() == 1


@pytest.mark.parametrize("status", [500, 502, 503, 404, 302, 429])
def test_a_province_under_repair_is_away_and_nothing_is_lost(linked_commune: LinkedCommune, status: int) -> None:
    keep(linked_commune, 2)
    linked_commune.province.fail_status = status
    linked_commune.step(2)
    assert linked_commune.waiting() == 2
    assert linked_commune.link.away_since is not None
    linked_commune.province.fail_status = 0
    linked_commune.step(30)
    assert arrived(linked_commune) == ["0", "1"]


def test_waiting_grows_with_each_failure_up_to_five_minutes_and_differs_between_communes() -> None:
    for failures, most_s in ((1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (60, 300.0)):
        communes = {BACK_OFF.wait_s(failures) for _ in range(50)}
        assert len(communes) > 25
        assert most_s / 2 <= min(communes)
        assert max(communes) <= most_s


def test_entries_go_many_at_a_time_where_the_province_takes_them_so(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    linked_commune = LinkedCommune(
        database, clock, tmp_path, speaks=msgspec.structs.replace(profile("chuan"), batch=10)
    )
    try:
        for _ in range(25):
            sounded = linked_commune.studio.speak_now()
            with linked_commune.database.writing() as session:
                take_report(session, "loa-1", linked_commune.report(sounded), linked_commune.clock.now())
        requests = []
        original = linked_commune.worker._connection.send
        linked_commune.worker._connection.send = lambda *a: requests.append(a) or original(*a)  # type: ignore[method-assign]
        linked_commune.step()
        assert len(linked_commune.province.received.of("play_log")) == 25
        assert len([r for r in requests if r[0].endswith("nhat-ky")]) == 3
    finally:
        linked_commune.close()


def test_one_bad_entry_spoils_no_other_of_its_batch(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    linked_commune = LinkedCommune(
        database, clock, tmp_path, speaks=msgspec.structs.replace(profile("chuan"), batch=10)
    )
    try:
        sounded = linked_commune.studio.speak_now()
        with linked_commune.database.writing() as session:
            take_report(session, "loa-1", linked_commune.report(sounded), linked_commune.clock.now())
            put(session, COMMUNE, outbox.PLAY_LOG, "bad", ScheduleCancelled(LichPhatID="x"), linked_commune.clock.now())
            take_report(session, "loa-2", linked_commune.report(sounded, receiver="loa-2"), linked_commune.clock.now())
        linked_commune.step()
        assert [e["CumLoaID"] for e in linked_commune.province.received.of("play_log")] == ["loa-1", "loa-2"]
        assert [one.key for one in linked_commune.letters() if one.outcome == outbox.REFUSED] == ["bad"]
    finally:
        linked_commune.close()


def test_two_controllers_do_not_work_one_link(linked_commune: LinkedCommune) -> None:
    linked_commune.step()
    now = linked_commune.clock.now()
    with linked_commune.database.writing() as session:
        assert not hold(session, COMMUNE, "controller-2", now)
        assert hold(session, COMMUNE, "controller-1", now)
        assert hold(session, COMMUNE, "controller-2", now + timedelta(seconds=61))


def test_schedules_are_told_changed_ones_anew_and_cancelled_ones_as_cancelled(linked_commune: LinkedCommune) -> None:
    rule = Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=date(2026, 11, 24))
    with linked_commune.database.writing() as session:
        made = add_schedule(
            session,
            COMMUNE,
            programme_id=linked_commune.studio.programme,
            rule=rule,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=linked_commune.clock.now(),
        )
    linked_commune.step(2)
    told = linked_commune.province.received.of("schedule_created")
    assert len(told) == 1
    assert told[0]["TenLichPhat"] == "Bản tin sáng"
    days = told[0]["DanhSachBanTin"][0]["DanhSachNgayPhat"]
    assert len(days) == 30
    assert days[0]["NgayPhat"] == "2026-11-24"
    with linked_commune.database.writing() as session:
        change_schedule(session, made.number, now=linked_commune.clock.now(), class_=BroadcastClass.PRIORITY)
    linked_commune.step(3)
    cancelled, again = (
        linked_commune.province.received.of("schedule_cancelled"),
        linked_commune.province.received.of("schedule_created"),
    )
    assert [c["LichPhatID"] for c in cancelled] == [told[0]["LichPhatID"]]
    assert again[1]["DanhSachBanTin"][0]["MucDoUuTien"] == 2
    with linked_commune.database.writing() as session:
        retire(session, made.number, linked_commune.clock.now())
    linked_commune.step(3)
    assert len(linked_commune.province.received.of("schedule_cancelled")) == 2
    assert len(again) == 2


def test_a_schedule_without_end_is_told_anew_before_the_months_told_run_out(linked_commune: LinkedCommune) -> None:
    rule = Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=date(2026, 11, 24))
    with linked_commune.database.writing() as session:
        add_schedule(
            session,
            COMMUNE,
            programme_id=linked_commune.studio.programme,
            rule=rule,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=linked_commune.clock.now(),
        )
    linked_commune.step(2)
    linked_commune.clock.advance(timedelta(days=21))
    linked_commune.step(2)
    assert len(linked_commune.province.received.of("schedule_created")) == 2
    assert len(linked_commune.province.received.of("schedule_cancelled")) == 1


def test_what_waits_at_the_province_is_fetched_carried_out_and_answered(linked_commune: LinkedCommune) -> None:
    message_id = linked_commune.province.send_down("LenhDieuKhien", example_command(0, 40))
    linked_commune.step(3)
    answers = linked_commune.province.received.of("answer")
    assert [(a["TraLoiCho"], a["TrangThaiGui"]) for a in answers] == [(message_id, SendStatus.TAKEN)]
    assert linked_commune.province.waiting == []


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


def test_a_code_at_two_receivers_or_of_none_is_refused(linked_commune: LinkedCommune) -> None:
    for codes in ("loa-1 = 7\nloa-2 = 7", "loa-9 = 7", "loa-1"):
        with pytest.raises(Refusal):
            linked_commune.set(codes=codes)


def test_a_disabled_link_keeps_no_letters(linked_commune: LinkedCommune) -> None:
    linked_commune.set(enabled=False)
    with linked_commune.database.writing() as session:
        sounded = linked_commune.studio.speak_now_in(session)
        assert take_report(session, "loa-1", linked_commune.report(sounded), linked_commune.clock.now()) == 0


def test_another_way_of_writing_is_spoken_by_profile_alone(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    linked_commune = LinkedCommune(database, clock, tmp_path, speaks=profile("chuoi-va-mili-giay"))
    try:
        linked_commune.heard("loa-1")
        sounded = linked_commune.studio.speak_now(BroadcastClass.EMERGENCY)
        with linked_commune.database.writing() as session:
            take_report(session, "loa-1", linked_commune.report(sounded), linked_commune.clock.now())
        message_id = linked_commune.province.send_down("LenhDieuKhien", example_command(0, 40, ["loa-1"]))
        linked_commune.step(3)
        entry = linked_commune.province.received.of("play_log")[0]
        assert (entry["BanTinID"], entry["MucDoUuTien"], entry["AmLuong"]) == ("bulletin", 1, 70)
        assert linked_commune.province.received.refused == []
        assert linked_commune.province.received.of("answer")[0]["TraLoiCho"] == message_id
    finally:
        linked_commune.close()


def test_the_simulator_remembers_over_being_killed(tmp_path: Path) -> None:
    speaks = profile("chuan")
    first = Simulator(speaks, messages_file=tmp_path / "taken")
    first._tokens["t"] = 9
    assert first._respond("POST", "/api/huy-lich-phat", "Bearer t", b'{"LichPhatID": "1", "MaGoiTin": "k"}')[0] == 200
    second = Simulator(speaks, messages_file=tmp_path / "taken")
    second._tokens["t"] = 9
    second._respond("POST", "/api/huy-lich-phat", "Bearer t", b'{"LichPhatID": "1", "MaGoiTin": "k"}')
    assert len(second.received.log) == 1
    assert second.received.doubles == 1
    first.stop()
    second.stop()


def test_a_commune_without_a_name_of_its_own_at_the_province_goes_by_its_name_here(
    linked_commune: LinkedCommune,
) -> None:
    form = LinkForm("chuan", linked_commune.province.url, "38.1", " ", "", "", "", "inbox", enabled=True)
    with linked_commune.database.writing() as session:
        assert set_link(session, COMMUNE, form, linked_commune.speaks, set()).own_name == COMMUNE_NAME


def test_unset_links_take_what_is_known_of_the_commune(linked_commune: LinkedCommune) -> None:
    with linked_commune.database.writing() as session:
        unset = link_of(session, COMMUNE)
        form = LinkForm("chuan", "", "x", "y", "", "", "", "inbox", False)
        assert set_link(session, COMMUNE, form, profile("chuan"), set()).revision > unset.revision - 1
