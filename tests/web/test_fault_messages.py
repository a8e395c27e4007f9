"""From faults to messages: bursts, quiet hours, recovery, failed deliveries; by real mail and web servers."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from devices import faults
from devices.communes import add_commune
from devices.receivers import receiver
from notifications.channels import Channel
from notifications.deliveries import MOST_AN_HOUR, DeliveryState, NotificationDelivery
from notifications.notices import FaultNotice
from people.operators import Operator, operator_named
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import N_, Refusal, as_text
from tests.alerts.watch_room import make_book_ready
from tests.cast import COMMUNE, MORNING, OPERATOR
from tests.notifications.servers import HttpServer, MailServer, http_server, mail_server
from tests.web.office import PASSWORD, Office
from tests.web.test_rights_of_pages import Guest
from wire.reports import ClockState, Heartbeat, PlayoutState

DOCUMENT = Path(__file__).parents[2] / "docs" / "notifications.md"
MAIL = "lan@xa.example.vn"
EVENING = MORNING + timedelta(hours=16)  # 21:00
ALL = {"groups": ["connection", "power", "sound", "device", "security"]}


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path, mail: MailServer, hooks: HttpServer) -> Office:
    return Office(
        database,
        clock,
        tmp_path,
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        smtp_sender="loa@xa.example.vn",
        webhook_hosts=hooks.place,
        public_url="https://loa.example.vn",
    )


def lan(office: Office) -> int:
    with office.database.session() as session:
        return operator_named(session, OPERATOR).number


def tell_lan(office: Office, **fields: str | list[str]) -> None:
    """Lan gives her address and chooses to be told by e-mail."""
    path = f"/operators/{lan(office)}"
    assert office.post(f"{path}/contact", full_name="Nguyễn Thị Lan", email=MAIL) == 303
    form = {**ALL, "channels": ["email"], "form_token": office.form_token, **fields}
    answer = office.browser.post(f"{path}/notifications", data=form)
    assert answer.status_code == 303, answer.text


def beat(office: Office, number: int) -> None:
    heartbeat = Heartbeat(
        session=1, sequence=2, clock=ClockState(locked=True, error_us=300), playout=PlayoutState(error_p99_us=9)
    )
    office.presence.heard(f"loa-{number}", heartbeat, office.clock.now())


def run(office: Office, seconds: int, step_s: int = 5, *, presence: bool = False) -> None:
    """What the controller's threads do in this time. presence: also notice that receivers are silent."""
    for _ in range(0, seconds, step_s):
        office.clock.advance(timedelta(seconds=step_s))
        if presence:
            office.presence.sweep(office.clock.now())
        office.deps.notifier.gather()
        for channel in Channel:
            while office.deps.notifier.deliver_next(channel):
                pass


def fault(office: Office, name: str, number: int = 0, *, present: bool = True, detail: str = "") -> None:
    with office.database.writing() as session:
        faults.note(session, f"loa-{number}", name, present=present, at=office.clock.now(), detail=detail)


def text_of(mail: MailServer, number: int = -1) -> str:
    body = mail.mails[number].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def deliveries(office: Office) -> list[NotificationDelivery]:
    with office.database.session() as session:
        return list(session.exec(select(NotificationDelivery).order_by(NotificationDelivery.created_at)))


def test_a_power_cut_at_40_receivers_is_one_message_and_the_return_another(office: Office, mail: MailServer) -> None:
    tell_lan(office)
    office.add_receivers(40)
    for number in range(40):  # the last heartbeats come within a minute, one after the other
        beat(office, number)
        office.clock.advance(timedelta(seconds=1))
    run(office, 300, presence=True)
    assert [m["Subject"] for m in mail.mails] == ["Loa – 40 cụm loa mất liên lạc (Xã Thiệu Trung)"]
    text = text_of(mail)
    assert all(f"Thôn {number}" in text for number in range(40))
    assert "từ 05:00 24/11/2026" in text
    assert "Việc cần làm: Kiểm tra điện và mạng" in text
    assert "https://loa.example.vn/faults?commune=thieu-trung" in text
    for number in range(40):
        beat(office, number)
    run(office, 40, presence=True)
    for number in range(40):
        beat(office, number)
    run(office, 40, presence=True)
    assert [m["Subject"] for m in mail.mails[1:]] == ["Loa – 40 cụm loa đã kết nối lại (Xã Thiệu Trung)"]
    assert "từ 05:00 24/11/2026 đến 05:0" in text_of(mail)


def test_quiet_hours_hold_back_until_morning_what_is_not_severe(office: Office, mail: MailServer) -> None:
    tell_lan(office, quiet_from="21h", quiet_until="6:30")
    office.add_receivers(3)
    office.clock.set(EVENING + timedelta(minutes=1))
    fault(office, "link", 0)
    run(office, 300)
    assert mail.mails == []
    fault(office, "amplifier", 1, detail="0.1 A")
    run(office, 120)
    assert [m["Subject"] for m in mail.mails] == [
        "Loa – 1 cụm loa: Đang phát mà tăng âm không có dòng điện (Xã Thiệu Trung)"
    ]
    assert "0,1 A" in text_of(mail)
    fault(office, "link", 0, present=False)
    fault(office, "link", 2)
    office.clock.set(MORNING + timedelta(days=1, minutes=89))  # 06:29
    run(office, 55)
    assert len(mail.mails) == 1
    run(office, 10)
    assert mail.mails[1]["Subject"] == "Loa – 2 cụm loa mất liên lạc (Xã Thiệu Trung)"
    assert "- Thôn 0: từ 21:01 24/11/2026 đến 21:0" in text_of(mail)
    assert "- Thôn 2: từ 21:0" in text_of(mail)
    fault(office, "link", 2, present=False)
    run(office, 120)
    assert "Thôn 0" not in text_of(mail)  # its return was told in the morning
    assert len(mail.mails) == 3


def test_what_comes_and_goes_within_the_window_stays_on_the_page(office: Office, mail: MailServer) -> None:
    tell_lan(office)
    office.add_receivers(1)
    fault(office, "link")
    run(office, 30)
    fault(office, "link", present=False)
    run(office, 600, 20)
    assert mail.mails == []
    with office.database.session() as session:
        assert session.exec(select(FaultNotice)).all() == []


def test_a_loose_contact_does_not_send_hundreds_of_messages(office: Office, mail: MailServer) -> None:
    tell_lan(office)
    office.add_receivers(1)
    for _ in range(10):  # 50 minutes
        fault(office, "link")
        run(office, 150, 50)
        fault(office, "link", present=False)
        run(office, 150, 50)
    assert len(mail.mails) == MOST_AN_HOUR
    fault(office, "card")
    run(office, 150, 50)
    assert "Sự cố bộ phát âm" in text_of(mail)  # severe ones are not held up by the others


def test_a_fault_that_came_before_is_not_told_and_one_that_was_withdrawn_neither(
    office: Office, mail: MailServer
) -> None:
    office.add_receivers(2)
    fault(office, "card", 0)
    tell_lan(office)
    fault(office, "link", 1)
    run(office, 10)
    with office.database.writing() as session:
        faults.withdraw(session, "loa-1", "link", since=office.clock.now() - timedelta(minutes=1))
    run(office, 90)
    assert mail.mails == []
    fault(office, "card", 1)  # in the row that the withdrawn fault had
    run(office, 90)
    assert len(mail.mails) == 1


def test_kinds_severity_and_communes_are_chosen(office: Office, mail: MailServer) -> None:
    with office.database.writing() as session:
        add_commune(session, "hau-hien", "Xã Hậu Hiền")
    tell_lan(office, groups=["connection", "sound"], where="some", communes=[COMMUNE], severity="severe")
    office.add_receivers(2)
    with office.database.writing() as session:
        receiver(session, "loa-1").commune_id = "hau-hien"
    fault(office, "link", 0)  # not severe
    fault(office, "temperature", 0)  # another kind
    fault(office, "card", 1)  # in another commune
    run(office, 120)
    assert mail.mails == []
    fault(office, "card", 0)
    run(office, 120)
    assert "Thôn 0" in text_of(mail)
    assert "Thôn 1" not in text_of(mail)


def test_a_failed_delivery_is_tried_again_with_growing_pauses_and_shown(
    office: Office, mail: MailServer, hooks: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    tell_lan(office, channels=["email", "webhook"], webhook_url=f"http://{hooks.place}/loa")
    office.add_receivers(1)
    hooks.answers += [(503, b"", {})] * 3
    fault(office, "card", detail="ALSA")
    run(office, 75)
    assert len(mail.mails) == 1  # the other channel is not held up
    waiting = next(d for d in deliveries(office) if d.channel == "webhook")
    assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, 1)
    assert "HTTP 503" in office.browser.get(f"/operators/{lan(office)}/profile").text
    run(office, 600)
    assert len(hooks.requests) == 4
    settled = next(d for d in deliveries(office) if d.channel == "webhook")
    assert (settled.state, settled.attempts, settled.why) == (DeliveryState.DELIVERED, 4, None)
    assert len({request.headers["x-loa-delivery"] for request in hooks.requests}) == 1
    document = json.loads(hooks.requests[-1].body)
    assert (document["type"], document["began_count"], document["ended_count"]) == ("faults", 1, 0)
    assert document["began"][0]["receiver_id"] == "loa-0"
    assert document["began"][0]["severe"] is True
    described = json.loads(re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1])  # type: ignore[index]
    assert set(document) == set(described["required"]) == set(described["properties"])
    described_fault = described["$defs"]["fault"]
    assert set(document["began"][0]) == set(described_fault["required"]) == set(described_fault["properties"])


def test_what_is_not_delivered_within_a_day_is_given_up(office: Office, hooks: HttpServer) -> None:
    tell_lan(office, channels=["webhook"], webhook_url=f"http://{hooks.place}/loa")
    office.add_receivers(1)
    hooks.answers += [(503, b"", {})] * 9
    fault(office, "card")
    run(office, 80)
    assert (deliveries(office)[0].state, deliveries(office)[0].attempts) == (DeliveryState.WAITING, 1)
    office.clock.advance(timedelta(hours=25))
    run(office, 10)
    assert (deliveries(office)[0].state, deliveries(office)[0].attempts) == (DeliveryState.FAILED, 2)


def test_a_message_for_210_receivers_is_bounded_and_counts_them_all(
    office: Office, mail: MailServer, hooks: HttpServer
) -> None:
    tell_lan(office, channels=["email", "webhook"], webhook_url=f"http://{hooks.place}/loa")
    office.add_receivers(210)
    with office.database.writing() as session:
        for number in range(210):
            row = faults.Fault(receiver_id=f"loa-{number}", fault="link", detail="x" * 500, began_at=office.clock.now())
            session.add(row)
    run(office, 105, 35)
    assert mail.mails[0]["Subject"].startswith("Loa – 210 cụm loa mất liên lạc")
    assert "và 160 cụm loa khác" in text_of(mail)
    document = json.loads(hooks.requests[0].body)
    assert (document["began_count"], len(document["began"])) == (210, 200)
    assert len(hooks.requests[0].body) < 256_000


def test_english_is_written_for_who_chose_it(office: Office, mail: MailServer) -> None:
    tell_lan(office, language="en")
    office.add_receivers(2)
    fault(office, "link", 0)
    fault(office, "battery", 1, detail="11.2 V")
    run(office, 80)
    assert mail.mails[0]["Subject"] == "Loa – faults at 2 receivers (Xã Thiệu Trung)"
    assert "The battery is low (1 receiver)" in text_of(mail)
    assert "11.2 V" in text_of(mail)


def test_who_has_left_is_told_nothing(office: Office, mail: MailServer) -> None:
    tell_lan(office)
    office.add_receivers(1)
    fault(office, "card")
    run(office, 10)
    with office.database.writing() as session:
        session.exec(select(Operator)).one().retired_at = datetime(2026, 11, 24, tzinfo=UTC)
    run(office, 120)
    assert mail.mails == []


def test_a_village_head_is_told_of_faults_in_their_commune(office: Office, mail: MailServer) -> None:
    guest = Guest(office, Role.VIEWER)
    with office.database.session() as session:
        number = operator_named(session, "viewer").number
    form = {**ALL, "channels": ["email"], "form_token": guest.form_token}
    path = f"/operators/{number}"
    assert guest.post(f"{path}/contact", email="truong-thon@xa.example.vn") == 303
    assert guest.browser.post(f"{path}/notifications", data=form).status_code == 303
    office.add_receivers(1)
    fault(office, "card")
    run(office, 80)
    assert [m["To"] for m in mail.mails] == ["truong-thon@xa.example.vn"]


def test_a_relay_station_that_fails_and_returns_is_told(office: Office, mail: MailServer, hooks: HttpServer) -> None:
    tell_lan(office, channels=["email", "webhook"], webhook_url=f"http://{hooks.place}/tin")
    why = as_text(Refusal(N_("The station is silent.")))
    for present in (True, False):
        with office.database.writing() as session:
            faults.note_of_commune(
                session, COMMUNE, faults.RELAY, "VOV1", present=present, at=office.clock.now(), detail=why
            )
        run(office, 120)
    assert [m["Subject"] for m in mail.mails] == [
        "Loa – không nghe được 1 đài tiếp âm (Xã Thiệu Trung)",
        "Loa – hết sự cố 1 đài tiếp âm (Xã Thiệu Trung)",
    ]
    assert "Không nghe được đài tiếp âm (1 đài)\n- VOV1: Đài đang im lặng, từ 05:00 24/11/2026" in text_of(mail, 0)
    [item] = json.loads(hooks.requests[0].body)["began"]
    assert (item["subject"], item["receiver_id"], item["fault"]) == ("VOV1", "", "relay")


def test_an_emergency_that_one_person_sent_alone_is_told_with_the_reason_and_its_end(
    office: Office, mail: MailServer
) -> None:
    tell_lan(office, channels=["email"])
    office.add_receivers(1)
    make_book_ready(office.database)
    form = {"what": "storm", "level": "4", "where": "all", "request_key": "k1", "form_token": office.form_token}
    address = office.browser.post("/emergency", data=form).headers["location"]
    assert office.post(f"{address}/alone", password=PASSWORD, reason="Không gọi được ai cả") == 303
    run(office, 120)
    assert office.post(f"{address}/cancel") == 303
    run(office, 120)
    subjects = [m["Subject"] for m in mail.mails]
    assert subjects == [
        "Loa – Một người tự phát khẩn cấp, không có người thứ hai xác nhận (Xã Thiệu Trung)",
        "Loa – tin khẩn cấp do một người tự phát đã kết thúc (Xã Thiệu Trung)",
    ]
    assert "lan" in text_of(mail, 0)
    assert "Không gọi được ai cả" in text_of(mail, 0)
