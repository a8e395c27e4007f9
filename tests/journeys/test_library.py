"""The library in a real browser: a recording made with its microphone, put into a programme, moved, and listened to."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.mosquitto import free_port
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_programme_sound import add_tone

#: A name for which a browser gives no microphone without HTTPS, as it does for 127.0.0.1.
PLAIN_HTTP = "loa.example"


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[tuple[Office, str]]:
    """Pages on a port, with the ingest running, and a programme of two tones."""
    made = Office(database, clock, tmp_path)
    add_tone(made, "nhac-hieu", 440, 2)
    add_tone(made, "thoi-tiet", 880, 2)
    with database.writing() as session:
        items = [Item(ItemKind.CLIP, "nhac-hieu"), Item(ItemKind.CLIP, "thoi-tiet")]
        add_programme(session, COMMUNE, "Bản tin sáng", items, now=clock.now())
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(made.app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    made.deps.ingest.start()
    yield made, f"http://127.0.0.1:{port}"
    made.deps.ingest.close()
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(office: tuple[Office, str]) -> Iterator[Page]:
    arguments = (
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--host-resolver-rules=MAP {PLAIN_HTTP} 127.0.0.1",
    )
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        context = browser.new_context(locale="vi-VN", viewport={"width": 1280, "height": 900})
        token = office[0].browser.cookies["loa_session"]
        for url in (office[1], office[1].replace("127.0.0.1", PLAIN_HTTP)):
            context.add_cookies([{"name": "loa_session", "value": token, "url": url}])
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield opened
        browser.close()
        # Chromium says this of every page without HTTPS.
        assert [said for said in complaints if "Cross-Origin-Opener-Policy" not in said] == []


def titles(page: Page) -> list[str]:
    return [row.get_attribute("data-title") or "" for row in page.locator("#items li[data-key]").all()]


def test_a_recording_is_made_put_into_a_programme_moved_and_listened_to(office: tuple[Office, str], page: Page) -> None:
    url = office[1]
    # 1. Record, and save through the same upload as a file.
    page.goto(url + "/clips")
    page.get_by_role("button", name="Bắt đầu ghi").click()
    expect(page.locator("[data-time]")).to_have_text("0:02")
    page.wait_for_function("document.querySelector('[data-level]').value > 0.2")
    page.get_by_role("button", name="Dừng ghi").click()
    expect(page.get_by_label("Bản vừa ghi")).to_be_visible()
    page.get_by_label("Tên", exact=True).fill("Thông báo họp dân")
    page.get_by_role("button", name="Lưu vào thư viện").click()
    # It joins the list; nothing else of the list is loaded again.
    page.locator("#clip-list").evaluate("list => list.lastElementChild.setAttribute('data-same', '')")
    expect(page.locator("#clip-list > li").first).to_contain_text("Thông báo họp dân", timeout=20_000)
    assert page.locator("#clip-list > li[data-same]").count() == 1
    # 2. Add it to a programme.
    page.goto(url + "/programmes/1")
    option = page.locator("#what option", has_text="Thông báo họp dân")
    page.get_by_label("Thêm bản ghi âm").select_option(option.get_attribute("value"))
    page.get_by_role("button", name="Thêm", exact=True).first.click()
    expect(page.locator("#items li[data-key]")).to_have_count(3)
    # 3. Drag it to the top; then one down with the keyboard: the focus stays, and the place is announced.
    grip = page.get_by_role("button", name="Chuyển chỗ: Thông báo họp dân")
    box, top = grip.bounding_box(), page.locator("#items li[data-key]").first.bounding_box()
    assert box is not None
    assert top is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, top["y"] + 4, steps=5)
    page.mouse.up()
    expect(page.locator("#moved")).to_have_text("Thông báo họp dân: mục 1 trong 3")
    assert titles(page) == ["Thông báo họp dân", "nhac-hieu", "thoi-tiet"]
    expect(grip).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#moved")).to_have_text("Thông báo họp dân: mục 2 trong 3")
    assert titles(page) == ["nhac-hieu", "Thông báo họp dân", "thoi-tiet"]
    expect(grip).to_be_focused()
    # 4. Listen to the whole from the second item on.
    page.get_by_role("button", name="Nghe từ đây: Thông báo họp dân").click()
    sound = page.get_by_label("Nghe cả chương trình, đúng như loa sẽ phát")
    expect(page.locator("#items li.heard")).to_have_attribute("data-title", "Thông báo họp dân")
    assert 2 <= sound.evaluate("audio => audio.currentTime") < 4
    assert 5 < sound.evaluate("audio => audio.duration") < 8
    # 5. Where the browser gives no microphone, the page says why and what to do.
    page.goto(url.replace("127.0.0.1", PLAIN_HTTP) + "/clips")
    expect(page.locator("[data-record]")).to_contain_text("chỉ cho dùng micro trên trang HTTPS")
    expect(page.get_by_role("button", name="Bắt đầu ghi")).to_be_disabled()
