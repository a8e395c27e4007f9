"""The main use case in a real browser, in Vietnamese: from an audio file to three loudspeakers and the play log."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import sign_in
from demo.sample_recording import make_mp3
from runtime.mosquitto import free_port

PASSWORD = "loa-phuong-2026"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo(http_port=free_port()) as running:
        yield running


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        opened = browser.new_context(locale="vi-VN", viewport={"width": 1280, "height": 900}).new_page()
        opened.set_default_timeout(15_000)
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield opened
        browser.close()
        assert complaints == []


def test_an_announcer_brings_a_recording_and_hears_it_on_three_receivers(
    demo: Demo, page: Page, tmp_path: Path
) -> None:
    # 1. Sign in with the one-time password, and choose one.
    page.goto(demo.url)
    page.get_by_label("Tên", exact=True).fill(demo.operator)
    page.get_by_label("Mật khẩu", exact=True).fill(demo.password)
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_label("Mật khẩu dùng một lần").fill(demo.password)
    page.get_by_label("Mật khẩu mới", exact=True).fill(PASSWORD)
    page.get_by_label("Nhập lại mật khẩu mới").fill(PASSWORD)
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("heading", name="Đang phát")).to_be_visible()
    demo.password = PASSWORD
    # 2. Upload by the file chooser; the progress, then the waveform.
    page.get_by_role("link", name="Thư viện âm thanh").click()
    recording = tmp_path / "Bản tin phường.mp3"
    make_mp3(recording, 60)
    page.locator("#file").set_input_files(recording)
    expect(page.locator("progress").first).to_be_visible()
    card = page.locator("[data-clip]", has_text="Bản tin phường")
    expect(card).to_be_visible(timeout=60_000)
    expect(card.get_by_role("img", name="Dạng sóng")).to_be_visible()
    # 3. A programme with its chimes and the recording.
    page.get_by_role("link", name="Chương trình").first.click()
    page.get_by_label("Chương trình mới").fill("Bản tin chiều")
    page.get_by_role("button", name="Tạo").click()
    page.get_by_label("Thêm bản ghi âm").select_option(label=re.compile("Bản tin phường").pattern + " (01:00)")
    page.get_by_role("button", name="Thêm").first.click()
    expect(page.locator("#items")).to_contain_text("Bản tin phường")
    expect(page.locator("#items li")).to_have_count(3)
    # 4. On the timetable, twelve seconds ahead; what it will do is said before it is kept.
    page.get_by_role("link", name="Lên lịch").click()
    at = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) + timedelta(seconds=12)
    page.get_by_label("Một lần", exact=True).check()
    page.get_by_label("Giờ phát", exact=True).fill(f"{at:%H:%M:%S}")
    page.get_by_label("Từ ngày").fill(f"{at:%Y-%m-%d}")
    expect(page.locator("#preview")).to_contain_text("Phát lúc")
    page.get_by_role("button", name="Lưu vào lịch phát").click()
    expect(page.get_by_role("heading", name="Các lịch phát")).to_be_visible()
    # 5. It goes on air, on three receivers.
    page.goto(demo.url)
    expect(page.locator(".onair")).to_contain_text("Bản tin chiều", timeout=30_000)
    expect(page.locator(".onair")).to_contain_text("3/3 cụm loa đang phát", timeout=30_000)
    # 6. Stop it; the log says where it was heard.
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator(".onair").get_by_role("button", name="Dừng").click()
    expect(page.locator(".onair")).to_have_count(0, timeout=15_000)
    page.get_by_role("link", name="Nhật ký phát").click()
    expect(page.locator("table")).to_contain_text("Bản tin chiều")
    for _ in range(20):
        page.reload()
        if page.get_by_text("3/3").count():
            break
        page.wait_for_timeout(500)
    expect(page.locator("table")).to_contain_text("3/3")
    page.get_by_role("link", name="Bản tin chiều").click()
    # 7. Each of the three received the stop and says so.
    expect(page.locator("table .state.late").filter(has_text="Đã dừng")).to_have_count(3)


def test_the_pages_fit_a_phone_and_a_keyboard_reaches_the_content(demo: Demo, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    if demo.password != PASSWORD:  # the test above ran in a demo of its own
        demo.password = sign_in(Browser(demo.url), demo.operator, demo.password)
    page.goto(demo.url + "/sign-in")
    page.get_by_label("Tên", exact=True).fill(demo.operator)
    page.get_by_label("Mật khẩu", exact=True).fill(demo.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Đang phát")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Đến nội dung")).to_be_focused()
    places = ("/", "/clips", "/programmes", "/timetable", "/timetable/new", "/receivers", "/play-log", "/put-on-air")
    for path in (*places, "/receivers/fm-hau-hien"):
        page.goto(demo.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_it_speaks_english_too(demo: Demo, page: Page) -> None:
    page.goto(demo.url + "/sign-in")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
