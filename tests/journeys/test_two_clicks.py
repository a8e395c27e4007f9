"""Double clicks, a slow link, two tabs, eight tabs: in a real browser, over a real controller."""

import asyncio
import os
import re
import signal
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect, sync_playwright

from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import sign_in
from runtime.mosquitto import free_port

SLOW_S = 0.7


class SlowLink:
    """A TCP proxy on loopback that holds back what the controller answers."""

    def __init__(self, to_port: int) -> None:
        self.port, self._to_port = free_port(), to_port
        self._loop = asyncio.new_event_loop()
        self._writers: list[asyncio.StreamWriter] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "SlowLink":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _end(self) -> None:
        self._server.close()
        connections = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._writers += [writer, up_writer]
        await asyncio.gather(_copy(reader, up_writer, 0.0), _copy(up_reader, writer, SLOW_S), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    try:
        while block := await reader.read(65536):
            await asyncio.sleep(delay_s)
            writer.write(block)
            await writer.drain()
    finally:
        writer.close()


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo(http_port=free_port()) as running:
        running.password = sign_in(Browser(running.url), running.operator, running.password)
        yield running


@pytest.fixture(scope="module")
def link(demo: Demo) -> Iterator[str]:
    with SlowLink(demo.settings.http_port) as slow:
        yield f"http://127.0.0.1:{slow.port}"


@pytest.fixture(scope="module")
def context(demo: Demo) -> Iterator[BrowserContext]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        opened = browser.new_context(locale="vi-VN")
        opened.set_default_timeout(15_000)
        page = tab(opened, demo.url + "/sign-in")
        page.get_by_label("Tên", exact=True).fill(demo.operator)
        page.get_by_label("Mật khẩu", exact=True).fill(demo.password)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Đang phát")).to_be_visible()
        page.close()
        yield opened
        browser.close()


def tab(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(url)
    return page


def schedules(demo: Demo, context: BrowserContext) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = context.request.get(demo.url + "/api/v1/schedules").json()
    return listed


def programmes(demo: Demo, context: BrowserContext) -> int:
    return len(context.request.get(demo.url + "/api/v1/programmes").json())


def twice(page: Page, button: Locator) -> None:
    """Two clicks, 0.3 s apart, as of a person who sees nothing happen."""
    box = button.bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(*at)
    page.wait_for_timeout(300)
    page.mouse.click(*at)


def add_schedule(demo: Demo, context: BrowserContext, times: str) -> Page:
    page = tab(context, demo.url + "/timetable/new")
    page.get_by_label("Hằng ngày").check()
    page.get_by_label("Giờ phát", exact=True).fill(times)
    expect(page.locator("#preview")).to_contain_text("Phát lúc")
    return page


def test_a_double_click_on_save_makes_one_schedule(demo: Demo, context: BrowserContext) -> None:
    before = len(schedules(demo, context))
    page = add_schedule(demo, context, "03:10")
    page.get_by_role("button", name="Lưu vào lịch phát").dblclick()
    expect(page.get_by_role("heading", name="Các lịch phát")).to_be_visible()
    assert len(schedules(demo, context)) == before + 1
    page.close()


def test_two_clicks_on_a_slow_link_pause_once_and_make_one_programme(
    demo: Demo, link: str, context: BrowserContext
) -> None:
    page = tab(context, link + "/programmes")
    before = programmes(demo, context)
    page.get_by_label("Chương trình mới").fill("Bản tin chậm")
    twice(page, page.get_by_role("button", name="Tạo"))
    page.wait_for_url("**/programmes/*")
    assert programmes(demo, context) == before + 1
    page.close()  # the second click's late answer would lead away from the next page
    page = tab(context, link + "/timetable")
    page.locator(".pause summary").first.click()
    pause = page.locator(".pause[open]").get_by_role("button", name="Tạm dừng")
    pause.scroll_into_view_if_needed()
    twice(page, pause)
    page.wait_for_timeout(2500)
    assert [s["paused"] for s in schedules(demo, context)].count(True) == 1
    page.close()


def test_two_tabs_the_second_is_told_what_the_first_changed(demo: Demo, context: BrowserContext) -> None:
    number = schedules(demo, context)[-1]["schedule"]
    first, second = (tab(context, f"{demo.url}/timetable/{number}") for _ in range(2))
    for page, times in ((first, "03:20"), (second, "03:30")):
        page.get_by_label("Giờ phát", exact=True).fill(times)
        page.get_by_role("button", name="Lưu vào lịch phát").click()
        if page is first:
            expect(page.get_by_role("heading", name="Các lịch phát")).to_be_visible()
    expect(second.locator("#notices")).to_contain_text("03:20")
    expect(second.get_by_label("Giờ phát", exact=True)).to_have_value("03:30")
    assert schedules(demo, context)[-1]["times"] == ["03:20:00"]
    second.get_by_role("button", name="Vẫn lưu").click()
    expect(second.get_by_role("heading", name="Các lịch phát")).to_be_visible()
    assert schedules(demo, context)[-1]["times"] == ["03:30:00"]
    first.close()
    second.close()


def test_eight_tabs_of_on_air_and_the_page_still_answers(demo: Demo, context: BrowserContext) -> None:
    tabs = [tab(context, demo.url) for _ in range(8)]
    for page in tabs:
        expect(page.get_by_role("heading", name="Đang phát")).to_be_visible()
    # The update of a broadcast reaches every tab, and a button of the first still works.
    tabs[0].goto(demo.url + "/put-on-air")
    tabs[0].locator("#what").select_option(index=1)
    tabs[0].get_by_role("button", name="Phát ngay").click()
    for page in tabs[1:]:
        expect(page.locator(".onair, #on-air form").first).to_be_visible(timeout=20_000)
    tabs[1].locator("#on-air form button").first.click()
    for page in tabs:
        page.close()


def test_a_server_that_hangs_is_said_within_five_seconds_and_so_is_its_return(
    demo: Demo, context: BrowserContext
) -> None:
    page = tab(context, demo.url + "/timetable/new")
    expect(page.locator("#preview")).to_contain_text("Phát lúc")
    banner = page.locator("#connection")
    expect(banner).to_be_hidden()
    os.kill(demo.controller.pid, signal.SIGSTOP)
    try:
        expect(banner).to_contain_text("Mất liên lạc với máy chủ Loa từ", timeout=5_000)
        page.get_by_role("button", name="Lưu vào lịch phát").click()
        said = page.locator("form [data-refusal]")
        expect(said).to_contain_text("không trả lời", timeout=1_000)
        expect(said).to_be_focused()
        expect(page.get_by_role("button", name="Lưu vào lịch phát")).to_be_enabled()
    finally:
        os.kill(demo.controller.pid, signal.SIGCONT)
    expect(banner).to_be_hidden(timeout=10_000)
    page.get_by_role("button", name="Lưu vào lịch phát").click()
    expect(page.get_by_role("heading", name="Các lịch phát")).to_be_visible()
    page.close()


def test_a_refused_time_is_said_at_its_field_and_the_button_shows_at_once_that_it_works(
    context: BrowserContext, link: str
) -> None:
    page = tab(context, link + "/timetable/new")
    expect(page.locator("#preview")).to_contain_text("Phát lúc")
    page.evaluate(
        """() => {
          let at = 0;
          document.addEventListener("click", () => (at = performance.now()), true);
          new MutationObserver(() => (window.busyAfterMs ??= performance.now() - at)).observe(
            document.querySelector("form.plan"), { attributes: true, attributeFilter: ["aria-busy"] });
        }"""
    )
    page.get_by_label("Giờ phát", exact=True).fill("17h3x")
    page.get_by_role("button", name="Lưu vào lịch phát").click()
    times = page.locator("#times")
    expect(times).to_have_attribute("aria-invalid", "true")
    expect(times).to_be_focused()
    expect(times).to_be_in_viewport()
    expect(page.locator("#preview")).to_have_class(re.compile("stale"))
    assert page.evaluate("window.busyAfterMs") <= 100
    times.fill("17h30")
    expect(page.locator(".field-error")).to_have_count(0)
    times.press("Tab")
    expect(page.locator("#preview")).not_to_have_class(re.compile("stale"))
    page.close()


def test_a_late_preview_of_what_was_changed_since_does_not_refuse_the_form(demo: Demo, context: BrowserContext) -> None:
    page = tab(context, demo.url + "/timetable/new")
    expect(page.locator("#preview")).to_contain_text("Phát lúc")
    held: list[Route] = []
    page.route("**/timetable/preview", lambda route: held.append(route))
    times = page.locator("#times")
    with page.expect_request("**/timetable/preview"):
        times.fill("17h3x")
        times.blur()
    times.fill("17h30")
    with page.expect_response("**/timetable/preview"):
        held[0].continue_()
    expect(page.locator("#preview")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(".field-error")).to_have_count(0)
    page.close()
