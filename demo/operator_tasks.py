"""What an operator does in the demo's checks, step by step, through the page and the JSON API."""

import time
import urllib.parse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from demo.browser import Browser
from demo.failure import DemoFailed
from demo.sites import SITES

#: A quarter of a minute until the broadcast starts, its length, and half a minute for the reports.
_REPORTS_TIMEOUT_S = 85.0


def sign_in(browser: Browser, operator: str, password: str) -> str:
    """Sign in with a one-time password and change it, as the page demands. Returns the new password."""
    browser.page("/sign-in")
    browser.send("/sign-in", name=operator, password=password)
    new_password = f"{password}-2"
    browser.send("/password", old=password, new=new_password, again=new_password)
    browser.page("/clips")
    return new_password


def online_count(browser: Browser) -> int:
    """Number of receivers that are online and whose clock is synchronised."""
    return sum(r["state"] == "online" and r["clock_error_us"] is not None for r in browser.api("/receivers"))


def upload(browser: Browser, file: Path) -> tuple[str, dict[str, Any]]:
    """Upload a file and wait until it is a clip. Returns the clip's id and its ingest job. Raises DemoFailed."""
    name = urllib.parse.quote(file.name)
    job_id = browser.api(f"/clips?name={name}&title=B%E1%BA%A3n+tin+th%E1%BB%AD", file=file)["job"]
    job: dict[str, Any] = {}

    def is_finished() -> bool:
        job.update(browser.api(f"/jobs/{job_id}"))
        return job["state"] in ("ready", "refused", "interrupted")

    wait_for("the clip", is_finished, 120)
    if job["state"] != "ready":
        raise DemoFailed(f"the upload was refused: {job['why']}")
    return str(job["clip"]), job


def schedule_once(browser: Browser, programme: int, starts_s: float) -> dict[str, Any]:
    """Schedule a programme once for the whole commune. starts_s: POSIX time. Returns the API's answer."""
    at = datetime.fromtimestamp(starts_s, ZoneInfo("Asia/Ho_Chi_Minh"))
    schedule = {
        "programme": programme,
        "repeat": "once",
        "times": [f"{at:%H:%M:%S}"],
        "from_day": f"{at:%Y-%m-%d}",
        "targets": {"all": True},
        "class": "normal",
    }
    planned: dict[str, Any] = browser.api("/schedules", schedule)
    if len(planned["broadcasts"]) != 1:
        raise DemoFailed(f"expected one broadcast, got {planned['broadcasts']}")
    return planned


def wait_for_reports(browser: Browser, broadcast: str, receivers: int = len(SITES)) -> dict[str, Any]:
    """Wait until so many receivers have reported how they played it. Returns the broadcast. Raises DemoFailed."""
    report: dict[str, Any] = {}

    def all_reported() -> bool:
        report.update(browser.api(f"/broadcasts/{broadcast}"))
        return bool(report["reported"] >= receivers)

    wait_for("the reports", all_reported, _REPORTS_TIMEOUT_S)
    return report


def wait_for(what: str, is_there: Callable[[], bool], seconds: float) -> None:
    """Poll until `is_there` holds. Raises DemoFailed after so many seconds."""
    deadline_s = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > deadline_s:
            raise DemoFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)
