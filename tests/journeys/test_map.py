"""The map in a real browser without internet: markers, border, live states, and every way to enter a position."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from demo.sites import OUTLINE
from devices.outlines import read_outline, set_outline
from devices.positions import Position, place_receiver, position_of
from devices.receivers import receiver
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.settings import Settings
from tests.cast import COMMUNE
from tests.web.office import Office
from web.app import create_app
from wire.reports import Presence

#: Where the receivers stand at first; the last two nowhere.
PLACES = [Position(19.8720, 105.6800), Position(19.8720, 105.6830), Position(19.8650, 105.6700)]
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(5)
    with database.writing() as session:
        border = {"type": "Polygon", "coordinates": [[*OUTLINE, OUTLINE[0]]]}
        set_outline(session, COMMUNE, read_outline(json.dumps(border).encode()))
        for k, place in enumerate(PLACES):
            place_receiver(session, f"loa-{k}", place)
    return made


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The pages on a free port; gives the address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def opened(browser: Browser, office: Office, url: str, *, also: str = "", **options: object) -> Iterator[Page]:
    """A signed-in page; what it asks of others than us and `also`, and what it complains of, fails the test."""
    context = browser.new_context(locale="vi-VN", viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type]
    context.add_cookies([{"name": "loa_session", "value": office.browser.cookies["loa_session"], "url": url}])
    astray: list[str] = []

    def allow(route: Route) -> None:
        if route.request.url.startswith((url, also or url)):
            route.continue_()
        else:
            astray.append(route.request.url)
            route.abort()

    context.route("**", allow)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda message: astray.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: astray.append(str(error)))
    yield page
    context.close()
    assert astray == []


def marker(page: Page, name: str, word: str = "") -> object:
    return page.get_by_role("button", name=re.compile(f"^{name}: {word}"))


def stands(office: Office, ident: str) -> Position | None:
    with office.database.session() as session:
        return position_of(receiver(session, ident))


def test_without_internet_it_draws_the_border_the_markers_and_the_horns_heard_as_two(
    browser: Browser, office: Office
) -> None:
    with served(office.app) as url, opened(browser, office, url) as page:
        page.goto(f"{url}/map")
        expect(page.locator("#map .pin")).to_have_count(3)
        expect(marker(page, "Thôn 0", "Trực tuyến")).to_be_visible()
        drawn = page.locator("#map path.border")
        expect(drawn).to_have_count(1)
        assert (drawn.bounding_box() or {"width": 0})["width"] > 300
        expect(page.locator("#map .echo")).to_have_count(1)
        expect(page.locator("#map .echo-ms")).to_have_text("797 ms")
        page.get_by_label("Loa nghe thành hai tiếng").uncheck()
        expect(page.locator("#map .echo")).to_have_count(0)


def test_a_marker_follows_its_receiver_and_keeps_whoever_stands_on_it_by_keyboard(
    browser: Browser, office: Office
) -> None:
    with served(office.app) as url, opened(browser, office, url) as page:
        page.goto(f"{url}/map")
        expect(marker(page, "Thôn 1", "Trực tuyến")).to_be_visible()
        marker(page, "Thôn 1").focus()  # type: ignore[attr-defined]
        farewell = Presence(session=1, online=False, cause="connection_lost")
        office.presence.presence_received("loa-1", farewell, office.clock.now(), retained=False)
        expect(marker(page, "Thôn 1", "Mất kết nối")).to_be_focused()
        assert "#offline" in (page.locator("#map .pin.is-offline use").get_attribute("href") or "")
        page.keyboard.press("Enter")
        expect(page.locator("#panel h2")).to_have_text("Thôn 1")
        expect(page).to_have_url(f"{url}/map?receiver=loa-1")
        page.get_by_text("Tại chỗ").click()
        page.get_by_role("button", name="Phát tiếng nhận diện").click()
        expect(page.locator("#command-result")).to_contain_text("không kết nối")


def test_a_receiver_is_placed_by_a_click_moved_by_dragging_and_put_back(browser: Browser, office: Office) -> None:
    with served(office.app) as url, opened(browser, office, url) as page:
        page.goto(f"{url}/map")
        page.locator("#pick-loa-3").click()
        page.get_by_role("button", name="Chỉ trên bản đồ").click()
        box = page.locator("#map").bounding_box()
        assert box
        page.mouse.click(box["x"] + 300, box["y"] + 200)
        expect(page.locator("#panel")).to_contain_text("Đã lưu vị trí")
        expect(page.locator("#map .pin")).to_have_count(4)
        first = stands(office, "loa-3")
        assert first is not None
        assert 19.85 < first.latitude_deg < 19.9
        page.get_by_text("Vị trí trên bản đồ", exact=True).click()
        page.get_by_role("button", name="Chỉ trên bản đồ").click()
        at = marker(page, "Thôn 3").bounding_box()  # type: ignore[attr-defined]
        page.mouse.move(at["x"] + 22, at["y"] + 22)
        page.mouse.down()
        page.mouse.move(at["x"] + 122, at["y"] + 82, steps=4)
        with page.expect_response("**/receivers/loa-3/position"):
            page.mouse.up()
        moved = stands(office, "loa-3")
        assert moved is not None
        assert moved.latitude_deg < first.latitude_deg
        assert moved.longitude_deg > first.longitude_deg
        expect(page.locator("#latitude")).to_have_value(str(moved.latitude_deg))
        with page.expect_response("**/receivers/loa-3/position"):
            page.get_by_role("button", name="Hoàn tác").click()
        assert stands(office, "loa-3") == first


def test_a_receiver_is_dragged_from_the_list_onto_the_map(browser: Browser, office: Office) -> None:
    with served(office.app) as url, opened(browser, office, url) as page:
        page.goto(f"{url}/map")
        page.locator("[data-receiver=loa-4]").drag_to(page.locator("#map"), target_position={"x": 300, "y": 300})
        expect(page.locator("#map .pin")).to_have_count(4)
        assert stands(office, "loa-4") is not None


def test_a_technician_at_the_horn_takes_the_place_of_the_phone(browser: Browser, office: Office) -> None:
    phone = {
        "geolocation": {"latitude": 19.8689, "longitude": 105.6789, "accuracy": 7.4},
        "permissions": ["geolocation"],
    }
    with served(office.app) as url, opened(browser, office, url, **phone) as page:
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(f"{url}/map?receiver=loa-4")
        page.get_by_role("button", name="Chỗ tôi đang đứng").click()
        expect(page.locator("#placing")).to_contain_text("8 m")
        assert stands(office, "loa-4") is None
        page.get_by_role("button", name="Lưu").click()
        expect(page.locator("#panel")).to_contain_text("Đã lưu vị trí")
        assert stands(office, "loa-4") == Position(19.8689, 105.6789)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_phone_that_does_not_say_where_it_is_is_answered_in_a_sentence(browser: Browser, office: Office) -> None:
    with served(office.app) as url, opened(browser, office, url) as page:
        page.goto(f"{url}/map?receiver=loa-4")
        page.get_by_role("button", name="Chỗ tôi đang đứng").click()
        expect(page.locator("#placing")).to_contain_text("không cho biết vị trí")


def test_without_script_the_list_and_the_typed_place_do_the_same(browser: Browser, office: Office) -> None:
    with served(office.app) as url, opened(browser, office, url, java_script_enabled=False) as page:
        page.goto(f"{url}/map")
        expect(page.locator("#map")).to_be_hidden()
        page.locator("#pick-loa-4").click()
        page.fill("#latitude", "19,8701, 105.6701".replace(",8", ".8"))
        page.get_by_role("button", name="Lưu").click()
        expect(page).to_have_url(f"{url}/map?receiver=loa-4")
        assert stands(office, "loa-4") == Position(19.8701, 105.6701)


class Pictures(BaseHTTPRequestHandler):
    """A server of map pictures, elsewhere."""

    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("referer", "")))
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.end_headers()
        self.wfile.write(PICTURE)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: pytest shows what fails."""


def test_pictures_come_from_the_one_server_that_is_set(browser: Browser, office: Office) -> None:
    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
    tiles = f"http://127.0.0.1:{elsewhere.server_port}"
    settings = Settings(
        data_dir=office.deps.settings.data_dir,
        map_tiles_url=tiles + "/{z}/{x}/{y}.png",
        map_tiles_attribution="© <b>OpenStreetMap</b>",
    )
    with (
        served(create_app(replace(office.deps, settings=settings))) as url,
        opened(browser, office, url, also=tiles) as page,
    ):
        page.goto(f"{url}/map")
        expect(page.locator("#map .leaflet-tile-loaded").first).to_be_attached()
        expect(page.locator("#map .leaflet-control-attribution")).to_have_text("© <b>OpenStreetMap</b>")
        for name in ("Phóng to", "Phóng to", "Thu nhỏ"):
            page.get_by_role("button", name=name).click()
            page.wait_for_timeout(300)
        expect(page.locator("#map .leaflet-tile-loaded").first).to_be_attached()
    elsewhere.shutdown()
    elsewhere.server_close()
    assert all(re.fullmatch(r"/\d+/\d+/\d+\.png", path) for path, _ in Pictures.asked)
    assert {referer for _, referer in Pictures.asked} == {url + "/"}
