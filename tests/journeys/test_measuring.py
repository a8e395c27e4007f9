"""Delay measurement in a real browser: its microphone gets a recording of two horns; the page proposes the delay."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from acoustics import delay_measurements
from devices.receivers import change_receiver
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.mosquitto import free_port
from tests.sounds.two_horns import Scene, written
from tests.web.office import Office
from web.pages import measure


@pytest.fixture
def office(
    database: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Office, str]]:
    """Pages on a port, without waits: the tone starts at once, and the last two rounds are not awaited."""
    monkeypatch.setattr(delay_measurements, "LEAD", timedelta(0))
    monkeypatch.setattr(measure, "LASTS", timedelta(seconds=10))
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        for name in ("loa-0", "loa-1"):
            change_receiver(session, name, amplifier_lead_ms=0)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(made.app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield made, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(office: tuple[Office, str], tmp_path: Path) -> Iterator[Page]:
    heard = written(Scene(offset_s=0.1184, echoes=((0.3, 3),), begins_s=0.3), tmp_path / "heard.wav")
    arguments = (
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
    )
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        context = browser.new_context(locale="vi-VN", viewport={"width": 360, "height": 740})
        token = office[0].browser.cookies["loa_session"]
        context.add_cookies([{"name": "loa_session", "value": token, "url": office[1]}])
        opened = context.new_page()
        opened.set_default_timeout(15_000)
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield opened
        browser.close()
        assert complaints == []


def test_a_phone_between_two_horns_finds_the_delay(office: tuple[Office, str], page: Page) -> None:
    url = office[1]
    page.goto(url + "/measure")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Đo bằng máy này").click()
    expect(page.get_by_role("status").last).to_contain_text("Đang ghi", timeout=10_000)
    expect(page.locator("#proposal h2")).to_contain_text("Thôn 1 trễ hơn 118,", timeout=40_000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Đặt như vậy").click()
    expect(page.locator("#proposal")).to_contain_text("độ trễ đường tiếng nay là 118,")
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator("#proposal")).to_contain_text("trở lại 0 ms")
