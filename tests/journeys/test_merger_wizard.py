"""Two communes become one in a real browser, in Vietnamese, over a running controller; and two again."""

import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from demo.child_processes import ChildProcess
from loa.installation import installation_secrets
from loa.schema import open_database
from people.operators import FIRST_OPERATOR, add_operator
from people.rights import Role
from runtime.clock import ControllerClock, ManualClock
from runtime.mosquitto import free_port
from runtime.settings import load_settings
from tests.mergers.county import CHINH, HIEN, County

DEADLINE_S = 60.0


@dataclass(frozen=True)
class Office:
    """A running controller of two communes, and its admin's one-time password."""

    url: str
    password: str


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    settings = load_settings(data_dir=tmp_path / "controller", http_port=free_port(), broker_port=free_port())
    database, now = open_database(settings), ControllerClock().now()
    installation_secrets(settings, database)  # before there are receivers: later a missing key is refused
    county = County(ManualClock(now), database)
    with database.writing() as session:
        county.operator(session, "tam", {CHINH: Role.CHAIR, HIEN: Role.TECHNICIAN})
        admin, password = add_operator(session, FIRST_OPERATOR, now)
        admin.admin = True
    database.close()
    arguments = ["serve", "--data", str(settings.data_dir), "--http-port", str(settings.http_port)]
    child = ChildProcess(
        "controller", [*arguments, "--broker-port", str(settings.broker_port)], tmp_path / "controller.log"
    )
    child.start()
    try:
        _wait_until_up(settings.base_url, child)
        yield Office(settings.base_url, password)
    finally:
        child.stop()


def _wait_until_up(url: str, child: ChildProcess) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        assert child.running, child.ending()
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310 - our own loopback
                if b'"broker":true' in answer.read():
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("\n".join(["no answer", *child.errors()]))


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        opened = browser.new_context(locale="vi-VN", viewport={"width": 360, "height": 800}).new_page()
        opened.set_default_timeout(15_000)
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield opened
        browser.close()
        assert complaints == []


def test_two_communes_become_one_and_two_again(office: Office, page: Page) -> None:
    # 1. Sign in, and find the way from any page.
    page.goto(office.url)
    page.get_by_label("Tên", exact=True).fill("admin")
    page.get_by_label("Mật khẩu", exact=True).fill(office.password)
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_label("Mật khẩu dùng một lần").fill(office.password)
    page.get_by_label("Mật khẩu mới", exact=True).fill("loa-phuong-2026")
    page.get_by_label("Nhập lại mật khẩu mới").fill("loa-phuong-2026")
    page.get_by_role("button", name="Lưu").click()
    page.locator(".account-menu summary").click()
    page.get_by_role("link", name="Sáp nhập, tách xã").click()
    # 2. Which become which.
    page.get_by_role("link", name="Sáp nhập xã").click()
    page.get_by_label("Xã Thiệu Chính").check()
    page.get_by_label("Xã Hậu Hiền").check()
    page.get_by_label("Tên xã mới").fill("Xã Thiệu Hóa")
    page.get_by_role("button", name="Diễn tập").click()
    # 3. What it would do: everything stands there, twice two receivers become four; the clashes are asked about.
    receivers = page.locator(".count-table tr", has_text="Cụm loa").locator("td")
    expect(receivers).to_have_text(["2", "2", "4"])
    expect(page.get_by_text("tam có vai trò khác nhau")).to_be_visible()
    page.get_by_text("Cụm loa tổng cộng 4").click()
    expect(page.get_by_text(f"{HIEN}-loa-2").first).to_be_visible()
    # 4. All zones of one name are the same place; look at what that does.
    page.get_by_role("button", name="Đây là cùng một nơi: nhập làm một").click()
    expect(page.locator(".count-table tr", has_text="Thôn, vùng").locator("td").last).to_have_text("4")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # 5. Do it; the handover tells the receivers' retained configs within seconds.
    page.get_by_label("Tôi đã xem kết quả").check()
    page.get_by_role("button", name="Sáp nhập ngay").click()
    expect(page.locator(".count-table tr", has_text="Cụm loa").locator("td")).to_have_text(["4"])
    expect(page.get_by_role("heading", name="Xã Thiệu Hóa")).to_be_visible()
    done = page.url
    _until(page, lambda: page.get_by_text("Đang báo cho các cụm loa").count() == 0)
    # 6. Take it back.
    page.goto(done)
    page.get_by_label("Tôi muốn các xã trở lại như trước").check()
    page.get_by_role("button", name="Hoàn tác việc sáp nhập này").click()
    expect(page.get_by_text("các xã trở lại như trước.")).to_be_visible()
    expect(page.locator(".count-table tr", has_text="Cụm loa").locator("td")).to_have_text(["2", "2"])
    page.get_by_role("link", name="Nhật ký thao tác").last.click()
    expect(page.get_by_text("Hoàn tác việc sáp nhập").first).to_be_visible()


def _until(page: Page, seen: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not seen():
        assert time.monotonic() < deadline_s, "it did not come"
        page.wait_for_timeout(300)
        page.reload()
