"""The pages of the province: the link, the inbox, sending down; and the door through which the province comes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from demo.province_messages import example_bulletin, example_command
from demo.province_simulator import Simulator
from devices.communes import add_commune
from people.audit import AuditEntry
from people.rights import Role
from province import outbox
from province.bulletins import BulletinState, NewBulletin, ProvinceBulletin, add_bulletin
from province.codes import RefusalCode
from province.links import link_of
from province.messages import ScheduleCancelled
from province.priority_queue import waiting_priority
from province.profile import profile
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import form_of
from tests.web.test_rights_of_pages import Guest
from wire.broadcasts import BroadcastClass, Targets

ALL = Targets(all=True)


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "bulletin", 60, now=clock.now())
    return made


@pytest.fixture
def province() -> Iterator[Simulator]:
    made = Simulator(profile("chuan"), password="mat-khau-tinh").start()
    yield made
    made.stop()


def link(office: Office, url: str, **changed: str) -> int:
    form = {"profile": "chuan", "base_url": url, "own_code": "xa-01", "own_name": "Xã", "enabled": "yes"}
    return office.post("/province", **{**form, **changed})


def arrive(office: Office, class_: BroadcastClass, code: str, **more: Any) -> int:
    with office.database.writing() as session:
        new = NewBulletin(code=code, title=f"Tin {code}", class_=class_, targets=ALL, clip_id="bulletin", **more)
        return add_bulletin(session, COMMUNE, new, office.clock.now()).number


def state_of(office: Office, number: int) -> str:
    with office.database.session() as session:
        return session.get_one(ProvinceBulletin, number).state


def call(office: Office, token: str, kind: str, content: Any, commune: str = COMMUNE) -> tuple[int, dict[str, Any]]:
    answer = office.stranger.post(
        f"/api/province/{commune}",
        json={"Loai": kind, "NoiDung": content},
        headers={"Authorization": f"Bearer {token}"},
    )
    return answer.status_code, answer.json()


def token_of(office: Office) -> str:
    text = office.browser.post("/province/token", data={"form_token": office.form_token}).text
    return text.split("<pre")[2].partition(">")[2].partition("<")[0]


def test_without_a_link_the_page_teaches_the_first_step(office: Office) -> None:
    assert "Chưa kết nối" in office.browser.get("/province").text
    assert "Không có gì của tỉnh" in office.browser.get("/province/inbox").text


def test_the_link_is_set_and_the_password_is_neither_shown_nor_in_the_tables(
    office: Office, province: Simulator, tmp_path: Path
) -> None:
    assert link(office, province.url) == 303
    assert office.post("/province/account", user="xa", password="mat-khau-tinh") == 303
    assert (
        "Đăng nhập hệ thống tỉnh thành công"
        in office.browser.post("/province/try", data={"form_token": office.form_token}).text
    )
    page = office.browser.get("/province").text
    assert "mat-khau-tinh" not in page
    assert b"mat-khau-tinh" not in (tmp_path / "test.db").read_bytes()
    with office.database.session() as session:
        assert [e.action for e in session.exec(select(AuditEntry))] == ["link_set", "link_account_set"]


def test_a_wrong_password_is_said_when_trying(office: Office, province: Simulator) -> None:
    link(office, province.url)
    office.post("/province/account", user="xa", password="sai")
    said = office.browser.post("/province/try", data={"form_token": office.form_token})
    assert said.status_code == 422
    assert "không nhận tên hoặc mật khẩu" in said.text


@pytest.mark.parametrize("changed", [{"base_url": "http://tinh.vn"}, {"receiver_codes": "loa-9 = 7"}, {"profile": "x"}])
def test_a_link_that_cannot_work_is_refused_in_words(office: Office, changed: dict[str, str]) -> None:
    assert link(office, "https://tinh.example", **changed) in (404, 422)
    with office.database.session() as session:
        assert not link_of(session, COMMUNE).enabled


def test_what_waits_and_what_was_refused_stands_on_the_page(office: Office) -> None:
    link(office, "https://tinh.example")
    with office.database.writing() as session:
        for n in range(3):
            body = ScheduleCancelled(LichPhatID=f"{n}")
            outbox.put(session, COMMUNE, outbox.SCHEDULE_CANCELLED, f"k{n}", body, office.clock.now())
        first = outbox.waiting(session, [COMMUNE], 1)[0].number
        outbox.settle(session, [first], outbox.REFUSED, office.clock.now(), "thiếu LichPhatID")
    page = office.browser.get("/province").text
    assert "Còn 2 tin chờ gửi tỉnh" in page
    assert "thiếu LichPhatID" in page
    assert office.post("/province/letters/again") == 303
    assert "Còn 3 tin chờ gửi tỉnh" in office.browser.get("/province").text


def test_a_bulletin_in_the_inbox_is_put_on_air_or_declined(office: Office) -> None:
    one, two = arrive(office, BroadcastClass.NORMAL, "1"), arrive(office, BroadcastClass.NORMAL, "2")
    assert "Tin 1" in office.browser.get("/province/inbox").text
    assert office.post(f"/province/inbox/{one}/put-on-air") == 303
    assert office.post(f"/province/inbox/{one}/put-on-air") == 422
    assert office.post(f"/province/inbox/{two}/decline", reason="") == 422
    assert office.post(f"/province/inbox/{two}/decline", reason="Đã có tin của xã") == 303
    assert (state_of(office, one), state_of(office, two)) == (BulletinState.PUT_ON_AIR, BulletinState.DECLINED)
    page = office.browser.get("/province/inbox").text
    assert "Đã có tin của xã" in page
    with office.database.session() as session:
        assert [b.title for b in session.exec(select(Broadcast))] == ["Tin 1"]


def test_the_first_page_says_that_something_waits(office: Office) -> None:
    assert "/province/inbox" not in office.browser.get("/").text.partition("<main")[2]
    arrive(office, BroadcastClass.NORMAL, "1")
    assert "Có 1 bản tin của tỉnh chờ xử lý" in office.browser.get("/").text


def test_a_bulletin_becomes_a_programme(office: Office) -> None:
    number = arrive(office, BroadcastClass.NORMAL, "1")
    made = office.browser.post(f"/province/inbox/{number}/programme", data={"form_token": office.form_token})
    assert "Tin 1" in office.browser.get(made.headers["location"]).text


def test_the_order_of_priority_bulletins_is_shown_changed_and_confirmed(office: Office) -> None:
    one, two = arrive(office, BroadcastClass.PRIORITY, "1"), arrive(office, BroadcastClass.PRIORITY, "2")
    page = office.browser.get("/province/inbox").text
    assert page.index("1. Tin 1") < page.index("2. Tin 2")
    assert "Có 2 bản tin ưu tiên cùng chờ phát" in page
    up = form_of(office, "/province/inbox", f"/province/inbox/{two}/up")
    assert office.post(up.action, **up.fields) == 303
    assert "1. Tin 2" in office.browser.get("/province/inbox").text
    assert office.browser.post("/province/inbox/order", data=shown_order(office)).status_code == 303
    assert "cùng chờ phát" not in office.browser.get("/province/inbox").text
    office.deps.exchange.desk.look()
    assert (state_of(office, two), state_of(office, one)) == (BulletinState.PUT_ON_AIR, BulletinState.WAITING)


def shown_order(office: Office) -> dict[str, list[str]]:
    """The form that confirms the order: one hidden field for each bulletin."""
    page = office.browser.get("/province/inbox").text
    return {"form_token": [office.form_token], "shown": re.findall(r'name="shown" value="(\d+)"', page)}


def test_an_order_that_another_person_changed_is_not_confirmed_unseen(office: Office) -> None:
    for code in "123":
        arrive(office, BroadcastClass.PRIORITY, code)
    shown, up = shown_order(office), form_of(office, "/province/inbox", "/province/inbox/3/up")
    assert office.browser.post(up.action, data=up.fields).status_code == 303
    assert "Thứ tự đã thay đổi" in office.browser.post("/province/inbox/order", data=shown).text
    with office.database.session() as session:
        assert [(b.number, b.ordered) for b in waiting_priority(session, COMMUNE)] == [(1, 0), (3, 0), (2, 0)]
    assert office.browser.post("/province/inbox/order", data=shown_order(office)).status_code == 303


def test_two_people_who_move_one_bulletin_up_move_it_by_one_place(office: Office) -> None:
    for code in "123":
        arrive(office, BroadcastClass.PRIORITY, code)
    first, second = (form_of(office, "/province/inbox", "/province/inbox/3/up") for _ in range(2))
    for up in (first, second):
        assert office.browser.post(up.action, data=up.fields).status_code == 303
    with office.database.session() as session:
        assert [b.number for b in waiting_priority(session, COMMUNE)] == [1, 3, 2]


def test_the_number_of_queries_does_not_grow_with_the_bulletins(office: Office) -> None:
    def queries() -> int:
        before = len(asked)
        office.browser.get("/province/inbox")
        return len(asked) - before

    asked: list[str] = []
    event.listen(office.database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    arrive(office, BroadcastClass.PRIORITY, "0")
    few = queries()
    for n in range(1, 20):
        arrive(office, BroadcastClass.PRIORITY, f"{n}")
    assert queries() == few


def test_the_province_sends_to_all_its_communes_by_class(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "hau-hien", "Xã Hậu Hiền")
    office.browser.cookies.set("loa_commune", COMMUNE)
    page = office.browser.post(
        "/province/send", data={"clip": "bulletin", "class": "normal", "form_token": office.form_token}
    ).text
    assert page.count("Đã vào hộp thư của xã") == 2
    page = office.browser.post(
        "/province/send", data={"clip": "bulletin", "class": "emergency", "form_token": office.form_token}
    ).text
    assert page.count("Đang lên sóng") == 1
    assert "Không phát được" in page  # a commune without receivers holds up no other
    with office.database.session() as session:
        assert [(b.commune_id, b.class_) for b in session.exec(select(Broadcast))] == [(COMMUNE, "emergency")]
        kept = session.exec(select(ProvinceBulletin).where(ProvinceBulletin.commune_id == "hau-hien")).all()
        assert {b.state for b in kept} == {BulletinState.WAITING}


def test_it_is_sent_to_chosen_communes_alone(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "hau-hien", "Xã Hậu Hiền")
    office.browser.cookies.set("loa_commune", COMMUNE)
    office.post("/province/send", clip="bulletin", **{"class": "normal"}, where="some", communes="hau-hien")
    with office.database.session() as session:
        assert [b.commune_id for b in session.exec(select(ProvinceBulletin))] == ["hau-hien"]


@pytest.mark.parametrize("role", [Role.CHAIR, Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER])
def test_nobody_of_a_commune_sends_to_communes(office: Office, role: Role) -> None:
    guest = Guest(office, role)
    assert guest.post("/province/send", clip="bulletin") == 403
    assert guest.browser.get("/province/send").status_code == 403


def test_a_village_head_looks_at_the_inbox_and_changes_nothing(office: Office) -> None:
    number, guest = arrive(office, BroadcastClass.NORMAL, "1"), Guest(office, Role.VIEWER)
    assert "put-on-air" not in guest.browser.get("/province/inbox").text
    assert guest.post(f"/province/inbox/{number}/put-on-air") == 403


def test_the_province_calls_with_its_token_and_is_answered_as_it_writes(office: Office) -> None:
    link(office, "https://tinh.example")
    token = token_of(office)
    assert call(office, token, "LenhDieuKhien", example_command(0, 30))[0] == 200
    status, answer = call(
        office, token, "BanTin", {**example_bulletin("https://x.example/a", 3, "x"), "MucDoUuTien": 8}
    )
    assert (status, answer["TrangThaiGui"], answer["MaLoi"]) == (422, 1, RefusalCode.UNKNOWN_CODE)
    assert "Trường MucDoUuTien có mã không rõ" in answer["MoTa"]
    assert "MucDoUuTien" in office.browser.get("/province").text


@pytest.mark.parametrize("given", ["", "x", "ü"])
def test_who_comes_without_the_right_token_is_turned_away(office: Office, given: str) -> None:
    link(office, "https://tinh.example")
    token_of(office)
    answer = office.stranger.post(
        f"/api/province/{COMMUNE}", json={}, headers={"Authorization": f"Bearer {given}".encode()}
    )
    assert answer.status_code == 401


def test_an_old_token_a_link_that_is_off_and_another_commune_are_turned_away(office: Office) -> None:
    link(office, "https://tinh.example")
    old = token_of(office)
    new = token_of(office)
    assert call(office, old, "LenhDieuKhien", example_command(0, 30))[0] == 401
    assert call(office, new, "LenhDieuKhien", example_command(0, 30), commune="xa-khac")[0] == 401
    link(office, "https://tinh.example", enabled="")
    assert call(office, new, "LenhDieuKhien", example_command(0, 30))[0] == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"x" * 1_200_000])
def test_what_is_no_message_is_refused_at_the_door(office: Office, body: bytes) -> None:
    link(office, "https://tinh.example")
    headers = {"Authorization": f"Bearer {token_of(office)}"}
    assert office.stranger.post(f"/api/province/{COMMUNE}", content=body, headers=headers).status_code == 422
