"""From an empty folder to the first sound, then by keyboard alone, as a village head, and over a killed controller."""

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from demo.child_processes import ChildProcess
from demo.horn_instants import reference_of, samples_of
from demo.sample_recording import make_mp3
from demo.skew import CardRecording, instants_of
from tests.journeys.test_joining import Alone

PASSWORD = "loa-phuong-2026"
SECONDS = 5
#: Focus is visible when the focused element or the label round it has an outline.
SHOWS_FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return "nothing has the focus";
  if (element.matches("audio")) return ""; // its own buttons show it
  const shown = [element, element.closest("label"), element.nextElementSibling].some(
    (part) => part && getComputedStyle(part).outlineStyle !== "none" && part.getClientRects().length);
  if (!shown) return "no outline: " + element.outerHTML.slice(0, 120);
  const { top, bottom } = element.getBoundingClientRect();
  return bottom < 0 || top > innerHeight ? "out of view: " + element.outerHTML.slice(0, 120) : "";
}"""


@dataclass
class Station:
    """A commune's controller with one receiver that has played one recording, all of it set up in the pages."""

    url: str
    controller: ChildProcess
    browser: Browser
    admin: BrowserContext
    page: Page
    recording: Path
    card: Path


def tab(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def context_of(browser: Browser) -> BrowserContext:
    return browser.new_context(locale="vi-VN", viewport={"width": 1280, "height": 900})


def sign_in_first(page: Page, url: str, name: str, one_time: str) -> None:
    page.goto(url)
    page.get_by_label("Tên", exact=True).fill(name)
    page.get_by_label("Mật khẩu", exact=True).fill(one_time)
    page.keyboard.press("Enter")
    page.get_by_label("Mật khẩu dùng một lần").fill(one_time)
    page.get_by_label("Mật khẩu mới", exact=True).fill(PASSWORD)
    page.get_by_label("Nhập lại mật khẩu mới").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: not address.endswith("/password"))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """Everything a new user does from `loa serve` in an empty folder to the first broadcast, in the pages."""
    folder = tmp_path_factory.mktemp("first")
    alone = Alone(folder)
    receiver: ChildProcess | None = None
    alone.start()
    try:
        with sync_playwright() as player:
            browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            url = f"http://127.0.0.1:{alone.http_port}"
            context = context_of(browser)
            page = tab(context)
            # 1. Sign in with what `loa serve` printed; the first steps follow.
            printed = re.findall(r"one-time password: (\S+)", alone.child.log.read_text())
            assert len(printed) == 1
            sign_in_first(page, url, "admin", printed[0])
            page.get_by_label("Tên", exact=True).fill("Xã Thiệu Trung")
            page.get_by_role("button", name="Lưu").click()
            # 2. A receiver, started with the file that the page gave.
            page.get_by_role("link", name="Thêm cụm loa").click()
            page.get_by_label("Tên", exact=True).fill("Thôn 3")
            page.get_by_role("button", name="Thêm và tạo tệp kết nối").click()
            get_file = page.get_by_role("button", name="Tải tệp kết nối")
            with page.expect_download() as download:
                get_file.click()
            credentials = folder / download.value.suggested_filename
            download.value.save_as(credentials)
            credentials.chmod(0o600)
            expect(get_file).to_be_enabled()
            card = folder / "card"
            arguments = ["receiver", "run", "--credentials", str(credentials), "--data", str(folder / "r")]
            receiver = ChildProcess("thon-3", [*arguments, "--speaker", f"virtual:{card}"], folder / "thon-3.log")
            page.get_by_role("link", name="Xong").click()
            expect(page.locator("main")).to_contain_text("Cụm loa chưa kết nối lần nào")
            receiver.start()
            expect(page.locator("#receiver-now .state.online")).to_be_visible(timeout=30_000)
            # 3. A recording.
            page.goto(f"{url}/first-steps")
            page.get_by_role("main").get_by_role("link", name="Thư viện âm thanh").click()
            recording = folder / "Bản tin xã.mp3"
            make_mp3(recording, SECONDS)
            expect(page.get_by_text("Chưa có bản ghi âm nào")).to_be_visible()
            page.locator("#file").set_input_files(recording)
            expect(page.locator("[data-clip]", has_text="Bản tin xã")).to_be_visible(timeout=30_000)
            expect(page.get_by_text("Chưa có bản ghi âm nào")).to_be_hidden()
            # 4. On air: the only recording is chosen already.
            page.goto(f"{url}/first-steps")
            page.get_by_role("main").get_by_role("link", name="Phát ngay").click()
            page.get_by_role("button", name="Phát ngay").click()
            expect(page.locator(".onair")).to_contain_text("1/1 cụm loa đang phát", timeout=30_000)
            yield Station(url, alone.child, browser, context, page, recording, card)
            browser.close()
    finally:
        if receiver is not None:
            receiver.stop()
        alone.child.stop()


def test_a_new_user_hears_the_first_recording_after_the_first_steps(station: Station) -> None:
    expect(station.page.locator(".onair")).to_have_count(0, timeout=20_000)
    station.page.goto(f"{station.url}/first-steps")
    expect(station.page.locator("main .state.ready")).to_have_count(4)
    expect(station.page.get_by_text("Loa đã hoạt động")).to_be_visible()
    instants = instants_of(samples_of(reference_of(station.recording)), CardRecording(station.card))
    assert np.count_nonzero(~np.isnan(instants)) > 7 * SECONDS, "of ten windows a second"


def reach(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press a key until the target has the focus; what has it on the way must show it."""
    for _ in range(90):
        page.keyboard.press(key)
        assert page.evaluate(SHOWS_FOCUS) == ""
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {target}")


def press(page: Page, target: Locator, key: str = "Tab") -> None:
    """Reach it and press Enter, which leads to another page."""
    reach(page, target, key)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_keyboard_alone_plans_a_broadcast_and_puts_one_on_air_and_stops_it(station: Station) -> None:
    page = tab(context_of(station.browser))
    keys = page.keyboard
    page.goto(station.url)
    for text in ("admin", PASSWORD):
        keys.type(text)
        keys.press("Tab")
    keys.press("Enter")  # on the button
    expect(page.get_by_role("heading", name="Đang phát")).to_be_visible()
    # A programme of the one recording.
    press(page, page.get_by_role("link", name="Chương trình"))
    reach(page, page.get_by_label("Chương trình mới"))
    keys.type("Bản tin chiều")
    with page.expect_navigation():
        keys.press("Enter")
    reach(page, page.get_by_label("Thêm bản ghi âm"))
    keys.type("Bản")
    reach(page, page.locator("form:has(#what) button"))
    keys.press("Enter")
    expect(page.locator("#items li")).to_have_count(3)
    assert page.evaluate(SHOWS_FOCUS) == ""
    # Planned for every day.
    press(page, page.get_by_role("link", name="Lên lịch"), "Shift+Tab")
    reach(page, page.locator("[name=repeat]:checked"))
    while not page.get_by_label("Hằng ngày").is_checked():
        keys.press("ArrowRight")
    reach(page, page.get_by_label("Giờ phát", exact=True))
    keys.press("Control+a")
    keys.type("17:00")
    press(page, page.get_by_role("button", name="Lưu vào lịch phát"))
    expect(page.get_by_role("heading", name="Các lịch phát")).to_be_visible()
    # On air now; the button that stops it keeps the focus while the page is live.
    press(page, page.get_by_role("link", name="Đang phát"))
    press(page, page.get_by_role("link", name="Phát ngay"))
    reach(page, page.get_by_label("Nội dung"))
    keys.press("ArrowDown")
    press(page, page.get_by_role("button", name="Phát ngay"))
    stop = page.locator(".onair").get_by_role("button", name="Dừng")
    expect(stop).to_be_visible(timeout=30_000)
    reach(page, stop)
    clock = page.locator(".onair .live .num")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    assert page.evaluate(SHOWS_FOCUS) == ""
    expect(stop).to_be_focused()
    keys.press("Enter")
    expect(page.locator(".onair")).to_have_count(0)
    page.context.close()


def test_a_village_head_sees_all_and_is_offered_only_what_he_may(station: Station) -> None:
    admin = tab(station.admin)
    admin.goto(f"{station.url}/operators/new")
    admin.get_by_label("Tên đăng nhập").fill("hoa")
    admin.get_by_label("Vai trò", exact=True).select_option("viewer")
    admin.locator("main button.main").click()
    one_time = admin.locator("#password").inner_text()
    page = tab(context_of(station.browser))
    sign_in_first(page, station.url, "hoa", one_time)
    broken: list[str] = []
    page.on("response", lambda answer: broken.append(answer.url) if answer.status >= 400 else None)
    links = "selector => [...document.querySelectorAll(selector)].map(link => link.getAttribute('href'))"
    addresses = set(page.evaluate(links, "header a[href^='/']"))
    beyond: set[str] = set()
    for address in sorted(addresses):
        page.goto(station.url + address)
        mine = "[action^='/language'], [action='/sign-out'], [action='/password'], [action^='/operators/']"
        offered = page.locator(f"form[method=post]:not({mine}) button:enabled")
        assert offered.all_inner_texts() == [], address
        beyond |= set(page.evaluate(links, "main a[href^='/']"))
    for path in sorted(beyond - addresses):
        assert page.request.get(station.url + path).status == 200, path
    assert broken == []
    # What he may: his own details, and what was played, on paper too.
    page.goto(station.url)
    page.get_by_role("link", name="Nhật ký phát").click()
    page.get_by_role("link", name="Bản tin xã").first.click()
    expect(page.locator("main")).to_contain_text("Thôn 3")
    page.locator(".account-menu summary").click()
    page.get_by_role("link", name="Thông tin của tôi").click()
    page.get_by_label("Họ và tên").fill("Lê Thị Hoa")
    page.locator("main button.main").first.click()
    expect(page.locator(".account-menu summary")).to_contain_text("Lê Thị Hoa")
    page.context.close()


def test_over_a_killed_controller_nothing_is_lost_and_nothing_is_said_that_was_not_done(station: Station) -> None:
    home, form = (tab(station.admin) for _ in range(2))
    home.goto(station.url)
    form.goto(f"{station.url}/zones")
    for page in (home, form):
        page.evaluate("window.stayed = true")
    form.get_by_label("Tên", exact=True).fill("Thôn Hậu Hiền")
    killed_at_s = time.monotonic()
    station.controller.kill()
    for page in (home, form):
        page.bring_to_front()
        expect(page.locator("#connection")).to_contain_text("Mất liên lạc với máy chủ Loa từ", timeout=5_000)
    assert time.monotonic() - killed_at_s < 8, "5 s for each tab, the second is looked at later"
    form.get_by_role("button", name="Thêm", exact=True).click()
    expect(form.locator("form [data-refusal]")).to_contain_text("không trả lời")
    expect(form.locator("#notices .good, [data-flash]")).to_have_count(0)
    station.controller.start(os.environ)
    for page in (form, home):
        page.bring_to_front()
        expect(page.locator("#connection")).to_be_hidden(timeout=30_000)
        assert page.evaluate("window.stayed"), "the page was not loaded again"
    # What was typed is there still, and is sent once.
    form.bring_to_front()
    expect(form.get_by_label("Tên", exact=True)).to_have_value("Thôn Hậu Hiền")
    form.get_by_role("button", name="Thêm", exact=True).click()
    expect(form.get_by_role("heading", name="Thôn Hậu Hiền")).to_be_visible()
    form.goto(f"{station.url}/zones")
    expect(form.get_by_role("heading", name="Thôn Hậu Hiền")).to_have_count(1)
    assert station.controller.log.read_text().count("one-time password") == 1
    # The live page follows what happens now.
    form.goto(f"{station.url}/put-on-air")
    form.get_by_label("Nội dung").select_option(index=1)
    form.get_by_role("button", name="Phát ngay").click()
    home.bring_to_front()
    expect(home.locator("#on-air")).to_contain_text("Bản tin", timeout=15_000)
    assert home.evaluate("window.stayed")
