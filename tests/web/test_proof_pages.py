"""The pages say who was heard by what and who was not, and what a receiver is fed with."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcast.planning import put_on_air
from broadcast.play_reports import take_report
from devices import faults
from devices.heartbeats import ReceivedHeartbeat, keep
from devices.telemetry import TelemetryHistory
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from tests.broadcast.studio import ALL, add_clip
from tests.broadcast.test_play_proof import DREW, DREW_NOTHING, HEARD, NOT_HEARD
from tests.cast import COMMUNE, VIETNAM
from tests.web.office import Office
from web.receiver_telemetry import percent
from web.request_context import LANGUAGE_COOKIE
from wire.broadcasts import BroadcastClass
from wire.messages import CONTROLLER
from wire.reports import ClockState, Heartbeat, Link, Outcome, PlayReport, Supply


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(5)
    return made


def aired(office: Office, **said: dict[str, object]) -> str:
    """A broadcast that five receivers played, each with the proof that is given for it; gives its id."""
    with office.database.writing() as session:
        add_clip(session, "bulletin", 60, now=office.clock.now())
        put = put_on_air(
            session,
            COMMUNE,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=office.clock.now(),
            by="lan",
            clip_id="bulletin",
        )
        for k in range(5):
            receiver_id = f"loa-{k}"
            report = PlayReport(
                to=CONTROLLER,
                revision=1,
                issued_at_us=0,
                expires_at_us=1,
                report=receiver_id,
                receiver=receiver_id,
                broadcast=put.id,
                manifest_revision=1,
                outcome=Outcome.PLAYED,
                first_frame_at_us=to_us(put.starts_at),
                last_frame_at_us=to_us(put.ends_at),
                frames_played=2_880_000,
                frames_due=2_880_000,
                volume_percent=80,
                **said.get(f"loa_{k}", {}),  # type: ignore[arg-type]
            )
            take_report(session, receiver_id, report)
    office.clock.advance(seconds=120)
    return put.id


def proved(office: Office) -> str:
    return aired(
        office,
        loa_0={"electrical": DREW, "acoustic": HEARD},
        loa_1={"electrical": DREW},
        loa_3={"electrical": DREW_NOTHING},
        loa_4={"acoustic": NOT_HEARD},
    )


def test_the_play_log_names_who_was_not_heard_and_counts_what_proves_it(office: Office) -> None:
    proved(office)
    page = office.browser.get("/play-log").text
    for words in (
        "<strong>3/5</strong>",
        "Thôn 3: tăng âm không có dòng điện",
        "Thôn 4: micro tại chỗ không nghe thấy",
        "1 nơi có micro nghe thấy",
        "1 nơi tăng âm có dòng điện",
    ):
        assert words in page


def test_the_broadcasts_own_page_says_it_of_each_receiver(office: Office) -> None:
    broadcast = proved(office)
    page = office.browser.get(f"/play-log/{broadcast}").text
    assert "Nghe được tại 3/5 cụm loa" in page
    assert "Micro: nghe thấy 4/4 lần, trễ 12 ms so với cạc âm thanh<" in " ".join(page.split()).replace(" <", "<")
    assert "độ giống 0,47" in page.partition("Chi tiết kỹ thuật")[2]
    assert "Micro: nghe thấy 1/4 lần" in page
    assert "Tăng âm: 1,8 A (từ 0,1 đến 2,4), đạt 19/20 lần đo" in page
    assert "Chỉ biết đã phát; chưa lắp đồng hồ đo hay micro" in page
    office.browser.cookies.set(LANGUAGE_COOKIE, "en")
    page = office.browser.get(f"/play-log/{broadcast}").text
    assert "Thôn 3: the amplifier drew no current; Thôn 4: not heard by the microphone" in page


def test_a_log_without_any_meter_says_nothing_of_proof(office: Office) -> None:
    aired(office)
    page = office.browser.get("/play-log").text
    assert "<strong>5/5</strong>" in page
    assert "micro" not in page
    assert "tăng âm không" not in page


def test_the_files_have_the_same(office: Office) -> None:
    proved(office)
    lines = office.browser.get("/play-log.csv").content.decode("utf-8-sig").replace('"', "").splitlines()
    assert "Micro nghe thấy,Tăng âm có dòng điện,Đã phát nhưng không nghe thấy" in lines[0]
    assert ",3,5,1,1,Thôn 3: tăng âm không có dòng điện; Thôn 4: micro tại chỗ không nghe thấy," in lines[1]
    assert office.browser.get("/play-log.xlsx").status_code == 200


def test_why_was_nothing_to_be_heard_is_answered(office: Office) -> None:
    proved(office)
    at = office.clock.now().astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M")
    page = office.browser.get(f"/why?receiver=loa-3&at={at}").text
    assert "Đã phát nhưng không nghe thấy gì" in page
    assert "tăng âm không có dòng điện" in page


def test_the_programs_interface_has_the_proof(office: Office) -> None:
    broadcast = proved(office)
    said = {r["receiver"]: r for r in office.browser.get(f"/api/v1/broadcasts/{broadcast}").json()["receivers"]}
    assert said["loa-0"]["amplifier_drew"] is True
    assert said["loa-0"]["microphone_heard"] is True
    assert said["loa-2"]["amplifier_drew"] is None
    assert said["loa-3"]["amplifier_drew"] is False


def hear(office: Office, history: TelemetryHistory, **more: Any) -> None:
    beat = Heartbeat(session=2, sequence=1, clock=ClockState(locked=True), **more)
    office.presence.heard("loa-1", beat, office.clock.now())
    keep(office.database, [ReceivedHeartbeat("loa-1", office.clock.now(), beat)], history)


def test_a_receivers_page_shows_supply_temperature_and_network_with_their_history(office: Office) -> None:
    history = TelemetryHistory()
    for minute in range(0, 180, 5):
        supply = Supply(mains_v=None if 60 <= minute < 90 else 228.0, battery_v=12.6, on_battery=60 <= minute < 90)
        link = Link(signal_dbm=-73, operator="Viettel", sim="ready" if minute < 120 else "absent")
        hear(office, history, supply=supply, link=link, temperature_c=51.0)
        office.clock.advance(timedelta(minutes=5))
    hear(
        office,
        history,
        supply=Supply(mains_v=251.0, battery_v=12.6, on_battery=False),
        temperature_c=51.0,
        link=Link(signal_dbm=-73, operator="Viettel", sim="absent"),
    )
    page = office.browser.get("/receivers/loa-1").text
    for words in (
        "Điện lưới",
        "251 V – ngoài mức cho phép",
        "90 V",
        "240 V",
        "12,6 V",
        "51 °C",
        "-73 dBm (65 %)",
        "Viettel · không có SIM",
        "đang chạy bằng ắc quy",
        "đang dùng điện lưới",
    ):
        assert words in page, words
    plot = page.partition('aria-label="Điện lưới trong 24 giờ qua"')[2]
    assert plot.partition('class="a" d="')[2].partition('"')[0].count("M") == 2, "without a value there is no line"


def test_a_receiver_without_meters_shows_nothing_of_them(office: Office) -> None:
    assert "Nguồn điện, nhiệt độ" not in office.browser.get("/receivers/loa-1").text


@pytest.mark.parametrize(("dbm", "shown"), [(-120, 0), (-113, 0), (-82, 50), (-51, 100), (-40, 100)])
def test_a_signal_as_telephones_show_it(dbm: float, shown: float) -> None:
    assert percent(dbm) == shown


@pytest.mark.parametrize(
    ("fault", "detail", "vietnamese"),
    [
        ("mains", "82.5 V", "Điện lưới ngoài mức cho phép (82,5 V)"),
        ("on_battery", "1", "Đang chạy bằng ắc quy</"),
        ("amplifier", "0.03 A < 0.2 A", "Đang phát mà tăng âm không có dòng điện (0,03 A &lt; 0,2 A)"),
        ("sim", "absent", "Thiếu SIM hoặc SIM bị khóa (không có SIM)"),
        ("not_heard", "0/3", "Micro tại chỗ không nghe thấy chương trình (0/3)"),
    ],
)
def test_new_faults_are_said_in_words(office: Office, fault: str, detail: str, vietnamese: str) -> None:
    with office.database.writing() as session:
        faults.note(session, "loa-1", fault, present=True, at=office.clock.now(), detail=detail)
    assert vietnamese in office.browser.get("/faults").text
