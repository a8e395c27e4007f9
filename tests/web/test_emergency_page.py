"""The page of emergencies: what, where, sure; the second person's browser; receiver by receiver; stop and all-clear."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlmodel import select

from alerts.alert_sms import AlertSms
from alerts.emergency_alerts import take_receipt
from broadcast.broadcasts import Broadcast
from broadcast.ingest_jobs import IngestJob
from devices.receivers import change_receiver
from notifications.channels import DeliveryFailed
from people.operators import Operator
from people.passwords import hash_password
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import N_
from tests.alerts.test_alert_sms import Gateway
from tests.alerts.watch_room import make_book_ready
from tests.cast import COMMUNE
from tests.web.office import PASSWORD, Office
from tests.web.test_rights_of_pages import Guest
from usecases.emergency_follow_up import EmergencyFollowUp
from wire.reports import AlertReport

STORM = {"what": "storm", "level": "4", "where": "all", "request_key": "k1"}
DEPUTYS = "con-mua-mua-he-14"


class Second(Guest):
    """A deputy chair with a password."""

    def __init__(self, office: Office) -> None:
        super().__init__(office, Role.CHAIR)
        with office.database.writing() as session:
            row = session.exec(Operator.__table__.select().where(Operator.name == "chair")).one()  # type: ignore[attr-defined,call-overload]
            session.get_one(Operator, row.id).password_hash = hash_password(DEPUTYS)


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Office]:
    office = Office(database, clock, tmp_path)
    office.add_receivers(3)
    make_book_ready(database)
    yield office
    office.journal.close()


def prepared(office: Office, **changed: str) -> str:
    """The address of the prepared message."""
    answer = office.browser.post("/emergency", data={**STORM, **changed, "form_token": office.form_token})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def published(office: Office, kind: str) -> int:
    return sum(f"/{kind}/" in topic and bool(payload) for topic, payload, *_ in office.broker.log)


def shown(office: Office, address: str) -> str:
    """The text of an alert's page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", office.browser.get(f"{address}/now").text))


def test_the_second_person_is_asked_on_every_page_and_sends_it(office: Office) -> None:
    second, officer = Second(office), Guest(office, Role.OPERATOR)
    address = prepared(office)
    assert published(office, "alert") == 0
    for path in ("/clips", "/pulse"):
        assert "yêu cầu anh/chị xác nhận" in second.browser.get(path).text, path
        assert "xác nhận" not in officer.browser.get("/pulse").text
    page = second.browser.get(address).text
    assert "Bão đang đến gần" in page
    assert "/confirm" in page
    assert "/confirm" not in office.browser.get(address).text  # the one who prepared it

    assert office.post(f"{address}/confirm", password=PASSWORD) == 422
    assert second.post(f"{address}/confirm", password="sai") == 422
    assert published(office, "alert") == 0
    assert second.post(f"{address}/confirm", password=DEPUTYS) == 303
    assert published(office, "alert") == 1


def test_one_person_alone_is_shown_to_all_operators(office: Office) -> None:
    officer = Guest(office, Role.OPERATOR)
    address = prepared(office)
    assert office.post(f"{address}/alone", password=PASSWORD, reason="ngắn") == 422
    assert office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả") == 303
    assert published(office, "alert") == 1
    assert office.post(f"{address}/all-clear") == 303
    assert "một mình" in officer.browser.get("/pulse").json()["emergency"]
    office.clock.advance(timedelta(hours=24))
    assert officer.browser.get("/pulse").json()["emergency"] == ""


def test_receiver_by_receiver(office: Office) -> None:
    address = prepared(office)
    office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả")
    alert = address.rpartition("/")[2]
    now_us = office.clock.now_us()
    with office.database.writing() as session:
        for number, took_us, cause in ((0, 210_000, ""), (1, 0, "not_sounding")):
            report = AlertReport(
                to="controller",
                revision=1,
                issued_at_us=now_us,
                expires_at_us=now_us + 1,
                report=f"r{number}",
                receiver=f"loa-{number}",
                alert=alert,
                bearer="sms" if number == 0 else "mqtt",
                arrived_at_us=now_us,
                took_effect_at_us=now_us + took_us if took_us else 0,
                cause=cause,
            )
            take_receipt(session, f"loa-{number}", report)
    text = shown(office, address)
    assert "1 trên 3 cụm loa đã phát" in text
    assert "Thôn 0 đang phát" in text
    assert "210 ms" in text
    assert "qua SMS" in text
    assert "Thôn 1 đã nhận nhưng không ra tiếng" in text
    assert "Thôn 2 chưa trả lời" in text
    assert office.browser.get(f"{address}/report.pdf").content.startswith(b"%PDF")
    trend = re.sub(r"\s+", " ", office.browser.get("/emergency").text)
    assert "2 cụm loa nhận được, 1 cụm đã phát , chậm nhất sau 210 ms" in trend or "1 cụm đã phát, chậm" in trend


def test_sms_are_offered_with_what_they_cost_and_told_receiver_by_receiver(office: Office) -> None:
    office.deps.desk.sms = sms = AlertSms(office.database, office.journal, office.clock, gateway := Gateway())
    office.post("/emergency/settings", voice="espeak:vi", sms_after_s="10", sms_price_vnd="350")
    with office.database.writing() as session:
        for number in range(2):
            change_receiver(session, f"loa-{number}", alert_phone=f"+8491234567{number}")
    officer, address = Guest(office, Role.OPERATOR), prepared(office)
    office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả")
    assert f"{address}/sms" not in office.browser.get(f"{address}/now").text
    office.clock.advance(timedelta(seconds=10))
    assert "2 SMS, khoảng 700 đồng" in shown(office, address)
    assert "1 cụm loa chưa xác nhận không có số điện thoại" in shown(office, address)
    assert f"{address}/sms" not in officer.browser.get(f"{address}/now").text
    assert officer.post(f"{address}/sms") == 403
    gateway.failures = [DeliveryFailed(N_("{host} did not answer in time."), permanent=True, host="sms.example")]
    assert office.post(f"{address}/sms") == 303
    assert shown(office, address).count("đang gửi SMS") == 2
    while sms.send_next() == 0:
        pass
    page = shown(office, address)
    assert "gửi SMS không được: sms.example không trả lời kịp" in page
    assert "Đã gửi qua SMS: 1 SMS, khoảng 350 đồng" in page
    assert "Gửi qua SMS 1 SMS, khoảng 350 đồng" in page  # the failed one is offered again
    office.post(f"{address}/cancel")
    while sms.send_next() == 0:
        pass
    assert shown(office, address).count("đã gửi SMS kết thúc") == 2


def test_stop_and_all_clear_are_for_those_who_may_clear(office: Office) -> None:
    officer = Guest(office, Role.OPERATOR)
    address = prepared(office)
    office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả")
    assert "/cancel" not in officer.browser.get(address).text
    assert officer.post(f"{address}/cancel") == 403
    assert "/cancel" in office.browser.get(address).text
    assert office.post(f"{address}/cancel") == 303
    assert published(office, "alert") == 2
    assert office.post(f"{address}/all-clear") == 303  # over already
    assert published(office, "alert") == 2


def test_stop_everything_and_the_home_page_end_an_alert_by_its_prepared_end(office: Office) -> None:
    for path in ("/stop-everything", "/broadcasts/{}/stop"):
        address = prepared(office, request_key=path)
        office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả")
        alert, before = address.rpartition("/")[2], published(office, "alert")
        assert "Khẩn cấp: Bão đang đến gần" in office.browser.get("/").text
        assert office.post(path.format(f"alert-{alert}")) == 303
        assert published(office, "alert") == before + 1
    office.deps.transmitter.announce_due()
    assert published(office, "air") == 0  # the record among the broadcasts is never announced


def test_a_drill_has_a_page_a_word_and_a_topic_of_its_own(office: Office) -> None:
    page = office.browser.get("/emergency/drill").text
    assert 'action="/emergency/drill"' in page
    assert "is-real" not in page
    answer = office.browser.post("/emergency/drill", data={**STORM, "form_token": office.form_token})
    assert (published(office, "drill"), published(office, "alert")) == (1, 0)
    shown = office.browser.get(answer.headers["location"]).text
    assert "DIỄN TẬP" in shown
    assert "is-real" not in shown


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"what": "núi lửa"}, "Hãy chọn loại"),
        ({"what": "message"}, "Hãy nhập nội dung"),
        ({"what": "evacuation", "hour": "25"}, "từ 0 đến 23"),
        ({"where": "some"}, "Không có cụm loa"),
    ],
)
def test_a_form_that_cannot_be_sent_says_why_and_keeps_what_was_typed(
    office: Office, changed: dict[str, str], why: str
) -> None:
    from_page = {"referer": "http://testserver/emergency"}
    data = {**STORM, **changed, "form_token": office.form_token}
    answer = office.browser.post("/emergency", data=data, headers=from_page)
    assert answer.status_code == 422
    assert 'action="/emergency"' in answer.text
    assert why in answer.text
    assert office.deps.desk.current(COMMUNE) == []


def test_a_recording_made_in_the_form_sounds_after_the_siren_and_both_people_can_hear_it(
    office: Office, tmp_path: Path
) -> None:
    spoken = tmp_path / "noi.wav"
    soundfile.write(spoken, 0.2 * np.sin(np.arange(96_000) / 20), 48_000)
    fields = {"what": "message", "where": "all", "request_key": "k7", "form_token": office.form_token}
    sound = {"recording": ("noi.wav", spoken.read_bytes(), "audio/wav")}
    refused = office.browser.post("/emergency", data={**fields, "where": "some"}, files=sound)
    assert refused.status_code == 422
    answer = office.browser.post("/emergency", data=fields, files=sound)
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert office.browser.post("/emergency", data=fields, files=sound).headers["location"] == address
    assert "Đang chuẩn bị bản ghi" in office.browser.get(address).text
    with office.database.session() as session:
        (job,) = session.exec(select(IngestJob))  # the refused form and the repeated one kept nothing
    assert job.urgent
    office.deps.ingest.work_one(job.id)
    assert '<audio id="recording"' in office.browser.get(address).text
    office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả")
    assert published(office, "alert") == 1
    EmergencyFollowUp(office.deps.services, office.deps.desk, office.deps.speech).speak_free_messages()
    with office.database.session() as session:
        words = session.exec(select(Broadcast).where(Broadcast.class_ == "emergency", Broadcast.precedence == 1)).one()
        assert words.clip_id == session.get_one(IngestJob, job.id).clip_id


def test_what_is_no_recording_is_said_on_the_page(office: Office) -> None:
    fields = {"what": "message", "where": "all", "request_key": "k8", "form_token": office.form_token}
    answer = office.browser.post("/emergency", data=fields, files={"recording": ("x.mp3", b"no sound", "audio/mpeg")})
    with office.database.session() as session:
        (job,) = session.exec(select(IngestJob))
    office.deps.ingest.work_one(job.id)
    assert "Không dùng được bản ghi" in office.browser.get(answer.headers["location"]).text


def test_the_right_to_start_and_the_right_to_end_are_given_apart_on_the_people_page(office: Office) -> None:
    for name, role in (("truc-phat", "emergency_starter"), ("truc-dung", "emergency_ender")):
        assert office.post("/operators", name=name, commune=COMMUNE, role=role) == 200
    starter, ender = Guest(office, Role.EMERGENCY_STARTER), Guest(office, Role.EMERGENCY_ENDER)
    assert ender.post("/emergency", **STORM) == 403
    address = prepared(office)
    office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả")
    assert f"{address}/cancel" not in starter.browser.get(address).text
    assert starter.post(f"{address}/cancel") == 403
    assert f"{address}/cancel" in ender.browser.get(address).text
    assert ender.post(f"{address}/all-clear") == 303
    assert starter.post("/emergency", **{**STORM, "request_key": "k2"}) == 303


def test_settings_and_texts_of_the_commune(office: Office) -> None:
    settings = {"voice": "espeak:vi", "confirm_within_s": "60", "drill_week": "1", "drill_time": "09:00"}
    assert office.post("/emergency/settings", **settings, english="1") == 303
    assert office.post("/emergency/settings", **{**settings, "confirm_within_s": "5"}) == 422
    chosen = {"trigger_template": "50", "drill_template": "25"}
    assert office.post("/emergency/settings", **settings, **chosen) == 303
    assert office.post("/emergency/settings", **settings, **{**chosen, "trigger_template": "901"}) == 422
    page = office.browser.get("/emergency/messages").text
    assert re.findall(r'<option value="(\d+)" selected', page) == ["50", "1", "0", "25"]
    assert "key switch: fire" in office.browser.get("/audit").text
    assert office.post("/emergency/messages/100/vi", text="Bão số 9 đang vào.") == 303
    assert office.post("/emergency/messages/100/vi", text="x" * 401) == 422
    assert office.post("/emergency/messages/9999/vi", text="x") == 404
    page = office.browser.get("/emergency/messages").text
    assert "Bão số 9 đang vào." in page
    assert "đang chuẩn bị" in page  # its sound, until it is made
