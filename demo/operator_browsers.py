"""Two operators in real browsers: who prepares an emergency, and who confirms it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from demo.microphone_page import CHROMIUM, TIMEOUT_MS


@dataclass(frozen=True)
class SignedInPage:
    page: Any
    url: str
    password: str

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)


@contextmanager
def operator_browsers(url: str, people: list[tuple[str, str]]) -> Iterator[list[SignedInPage]]:
    """people: sign-in name and one-time password of each, who gets a browser of their own on a phone's screen."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - what the tests need, not the product

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield [_signed_in(browser, url, name, password) for name, password in people]
        browser.close()


def _signed_in(browser: Any, url: str, name: str, once: str) -> SignedInPage:
    page = browser.new_context(locale="vi-VN", viewport={"width": 360, "height": 740}).new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{url}/sign-in")
    page.fill("#name", name)
    page.fill("#password", once)
    page.click("button.main")
    password = f"{once}-2"
    page.fill("input[name=old]", once)
    page.fill("input[name=new]", password)
    page.fill("input[name=again]", password)
    page.click("button.main")
    page.wait_for_url(lambda address: "/password" not in address)
    return SignedInPage(page, url, password)
