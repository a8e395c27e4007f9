"""The week in a real browser: plan on free space, drag with a judgement, the keyboard, and the list of a phone."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from sqlmodel import SQLModel

from broadcast.programmes import Item, ItemKind, add_programme
from noise.noise_rules import set_rules
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, schedules
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.journeys.test_map import opened, served
from tests.web.office import Office
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass

#: Wednesday, 10:20 in Vietnam.
NOW = datetime(2026, 11, 25, 3, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Allowed from 05:00 to 21:00; a bulletin of half an hour and a jingle of two minutes."""
    folder = tmp_path_factory.mktemp("week")
    database = Database(f"sqlite:///{folder / 'test.db'}")
    SQLModel.metadata.create_all(database.engine)
    made = Office(database, ManualClock(NOW), folder)
    made.add_receivers(2)
    with database.writing() as session:
        hours = [AllowedHours(weekdays=list(range(7)), from_minute=300, until_minute=1260)]
        set_rules(session, COMMUNE, "", hours=hours)
        for clip_id, title, seconds in (("hieu", "Nhạc hiệu", 120), ("tin", "Bản tin", 1800)):
            add_clip(session, clip_id, seconds, now=NOW)
            add_programme(session, COMMUNE, title, [Item(ItemKind.CLIP, clip_id)], now=NOW)
    yield made
    database.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as player:
        opened_browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened_browser
        opened_browser.close()


@pytest.fixture(scope="module")
def page(office: Office, browser: Browser) -> Iterator[Page]:
    with served(office.app) as url, opened(browser, office, url) as signed_in:
        signed_in.goto(f"{url}/timetable")
        yield signed_in


def plan(office: Office, programme: int, rule: Rule) -> int:
    with office.database.writing() as session:
        return add_schedule(
            session,
            COMMUNE,
            programme_id=programme,
            rule=rule,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=office.clock.now(),
        ).number


def kept(office: Office) -> list[Schedule]:
    with office.database.session() as session:
        return schedules(session, COMMUNE)


def at(page: Page, day: str, hour: float) -> tuple[float, float]:
    """The point of a day and hour in the grid, in the window."""
    column = page.locator(f"section.day[data-day='{day}'] .hours")
    page.evaluate(
        "([day, hour]) => { const box = document.querySelector(`[data-day='${day}'] .hours`).getBoundingClientRect();"
        "const grid = document.querySelector('.timegrid').dataset;"
        "const y = box.top + (hour - grid.first) / grid.hours * box.height;"
        "if (y < 150 || y > 800) window.scrollBy(0, y - 400) }",
        [day, hour],
    )
    box = column.bounding_box()
    assert box is not None
    first, hours = (int(page.locator(".timegrid").get_attribute(f"data-{name}") or 0) for name in ("first", "hours"))
    return box["x"] + box["width"] / 2, box["y"] + (hour - first) / hours * box["height"]


def drag(page: Page, slot: Locator, day: str, hour: float) -> None:
    """Hold an airing over a day and hour; `page.mouse.up()` drops it."""
    slot.scroll_into_view_if_needed()
    x, y = at(page, day, hour)
    box = slot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.move(x, y + 5)


def slot(page: Page, day: str, clock: str) -> Locator:
    return page.locator(f"section.day[data-day='{day}'] .slot:not(.ghost)", has_text=clock)


def test_free_space_is_clicked_or_dragged_over_and_the_form_is_filled_in(office: Office, page: Page) -> None:
    page.mouse.click(*at(page, "2026-11-26", 7.3))
    expect(page.get_by_label("Giờ phát", exact=True)).to_have_value("07:15")
    expect(page.get_by_label("Từ ngày")).to_have_value("26/11/2026")
    expect(page.get_by_text("Thứ Năm", exact=True)).to_be_visible()
    page.goto(page.url.split("/new")[0])
    page.mouse.move(*at(page, "2026-11-26", 7))
    page.mouse.down()
    page.mouse.move(*at(page, "2026-11-26", 7.5), steps=4)
    expect(page.locator(".pick")).to_have_text(re.compile("–07:30"))
    page.mouse.up()
    expect(page.get_by_label("Chương trình", exact=True)).to_have_value("2")
    page.get_by_label("Giờ phát", exact=True).fill("07:00")
    page.get_by_role("button", name="Lưu vào lịch phát").click()
    expect(page.locator("[data-flash]", has_text="Bản tin")).to_be_visible()
    expect(slot(page, "2026-11-26", "07:00")).to_be_visible()
    assert [s.recurrence for s in kept(office)] == [
        Rule(repeat=Repeat.ONCE, times=[time(7)], from_day=date(2026, 11, 26))
    ]


def test_an_airing_is_dragged_with_the_judgement_and_only_this_one_moves(office: Office, page: Page) -> None:
    daily = plan(office, 2, Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=date(2026, 11, 26)))
    page.reload()
    moved = slot(page, "2026-11-27", "17:00")
    strip = page.locator("#judgement")
    # Held over the night: refused. Over the other broadcast: a warning. Over free space: possible.
    drag(page, moved, "2026-11-27", 22)
    expect(strip).to_contain_text("Không được")
    expect(page.locator(".ghost")).to_have_class(re.compile("refused"))
    page.mouse.move(*at(page, "2026-11-26", 7.1), steps=4)
    expect(strip).to_contain_text("phát thay cho")
    page.mouse.move(*at(page, "2026-11-28", 18.1), steps=4)
    expect(strip).to_contain_text("Được.")
    page.mouse.up()
    choice = page.get_by_role("dialog")
    expect(choice).to_contain_text("thứ Bảy 28/11")
    expect(choice.get_by_role("button", name="Tất cả các lần")).to_be_disabled()
    expect(choice).to_contain_text("không đổi được ngày")
    choice.get_by_role("button", name="Chỉ lần này").click()
    expect(page.locator("[data-flash]", has_text="Bản tin")).to_be_visible()
    rules = {s.number: s.recurrence for s in kept(office)}
    assert rules[daily].except_days == [date(2026, 11, 27)]
    single = rules[max(rules)]
    assert (single.repeat, single.from_day, single.times[0].hour) == (Repeat.ONCE, date(2026, 11, 28), 18)
    expect(slot(page, "2026-11-29", "17:00")).to_be_visible()
    expect(slot(page, "2026-11-27", "17:00")).to_have_count(0)


def test_the_keyboard_moves_the_focused_airing_and_all_of_its_schedule(office: Office, page: Page) -> None:
    number = plan(office, 1, Rule(repeat=Repeat.WEEKLY, weekdays=[4, 6], times=[time(9)], from_day=date(2026, 11, 26)))
    page.reload()
    focused = slot(page, "2026-11-27", "09:00")
    focused.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("#judgement")).to_contain_text("09:20 thứ Sáu 27/11")
    page.keyboard.press("Escape")
    expect(page.locator(".ghost")).to_have_count(0)
    expect(focused).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    choice = page.get_by_role("dialog")
    expect(choice).to_contain_text("Phát lúc 08:55, thứ Bảy và Chủ nhật")
    choice.get_by_role("button", name="Tất cả các lần").press("Enter")
    expect(page.locator("[data-flash]", has_text="Nhạc hiệu")).to_be_visible()
    rule = next(s.recurrence for s in kept(office) if s.number == number)
    assert (rule.weekdays, rule.times) == ([5, 6], [time(8, 55)])


def test_before_it_is_put_on_air_the_question_says_what_where_and_how_many(page: Page) -> None:
    page.goto(f"{page.url.split('/timetable')[0]}/put-on-air")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_label("Nội dung").select_option(label="Nhạc hiệu")
    page.get_by_label("Khẩn cấp").check()
    page.get_by_role("button", name="Phát ngay").click()
    expect(page.locator("[data-question]")).to_contain_text("Khẩn cấp")
    page.wait_for_function("document.querySelector('[data-asks-preview]').dataset.sent === undefined")
    assert asked == ["KHẨN CẤP: phát ngay “Nhạc hiệu”?\n2 phút, tại: Toàn xã (2 cụm loa)."]
    page.go_back()


def test_a_phone_shows_a_list_and_an_empty_week_says_so(page: Page) -> None:
    url = page.url.split("/timetable")[0]
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{url}/timetable")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    first = page.locator(".slot:visible").first
    expect(first).to_contain_text("Toàn xã")
    assert (first.bounding_box() or {"width": 0})["width"] > 280, "a row of a list, not a block of a grid"
    expect(page.locator(".axis")).to_be_hidden()
    page.goto(f"{url}/timetable?week_of=2020-01-06")
    expect(page.get_by_text("Tuần này chưa có buổi phát nào.")).to_be_visible()
    expect(page.locator(".notice").get_by_role("link", name="Lập lịch phát")).to_be_visible()
