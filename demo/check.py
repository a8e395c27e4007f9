"""The demo's check: the main job through HTTP, as a browser does it, judged by the recordings and the reports."""

import http.cookiejar
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from demo.demo import PLACES, Demo, DemoFailed, make_mp3
from demo.skew import Instants, Samples, Skew, instants_of, skew
from demo.skew import Recording as CardRecording

AHEAD_S = 15
#: From the end of the broadcast on, for the reports to come in.
REPORTS_WITHIN_S = 30
MOST_SKEW_P99_MS = 5.0


class Browser:
    """Keeps cookies and the form token, like a browser."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._token = ""
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({})
        )

    def page(self, path: str) -> str:
        """Load a page. Raises DemoFailed."""
        html = self._open(urllib.request.Request(self._base + path))  # noqa: S310 - our own loopback
        found = re.search(r'name="form[-_]token" (?:content|value)="([0-9a-f]+)"', html)
        self._token = found[1] if found else self._token
        return html

    def send(self, path: str, **fields: str) -> str:
        """Send a form and load where it leads."""
        data = urllib.parse.urlencode({**fields, "form_token": self._token}).encode()
        html = self._open(urllib.request.Request(self._base + path, data))  # noqa: S310
        found = re.search(r'name="form[-_]token" (?:content|value)="([0-9a-f]+)"', html)
        self._token = found[1] if found else self._token
        return html

    def api(self, path: str, body: object = None, file: Path | None = None) -> Any:
        """Ask the JSON API: GET, or POST a document or a file."""
        data = file.read_bytes() if file else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._base + "/api/v1" + path, data)  # noqa: S310
        request.add_header("Content-Type", "application/octet-stream" if file else "application/json")
        request.add_header("X-Form-Token", self._token)
        return json.loads(self._open(request))

    def _open(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise DemoFailed(
                f"{request.full_url}: {error.code} {error.read().decode(errors='replace')[:500]}"
            ) from error


def check(demo: Demo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Do the main job. Gives the figures, and what did not hold. keep: where recordings and upload stay."""
    browser = Browser(demo.url)
    sign_in(browser, demo)
    # 1. Three receivers that are online.
    wait_for("three receivers online", lambda: online(browser) == len(PLACES), 30)
    # 2. A real recording becomes a clip.
    uploaded = demo.folder / "uploaded.mp3"
    make_mp3(uploaded)
    began_s = time.monotonic()
    clip, _ = upload(browser, uploaded)
    clip_ready_s = time.monotonic() - began_s
    # 3. A programme, on the timetable a quarter of a minute ahead.
    programme = browser.api(
        "/programmes",
        {
            "title": "Kiểm tra",
            "items": [{"kind": "opening_chime"}, {"kind": "clip", "clip": clip}, {"kind": "closing_chime"}],
        },
    )["programme"]
    planned = schedule_once(browser, programme, AHEAD_S)
    broadcast = planned["broadcasts"][0]
    before = {r["receiver"]: r["sequence"] for r in browser.api("/receivers")}
    # 4. It sounds, and is reported.
    said = wait_for_reports(browser, broadcast)
    beats = {r["receiver"]: r["sequence"] for r in browser.api("/receivers")}
    measured = measure(demo, uploaded, keep)
    figures = {
        "receivers": len(said["receivers"]),
        "reports": said["reported"],
        "heard": said["heard"],
        "outcomes": {r["receiver"]: r["outcome"] for r in said["receivers"]},
        "clip_ready_s": round(clip_ready_s, 2),
        "skew_ms_p50": round(measured.p50_ms, 4),
        "skew_ms_p99": round(measured.p99_ms, 4),
        "skew_ms_max": round(measured.max_ms, 4),
        "windows": measured.windows,
        "heartbeats": sum((beats[name] or 0) + 1 for name in beats),
        "error_us_p99": {r["receiver"]: r["error_p99_us"] for r in said["receivers"]},
    }
    return figures, failings(figures, before, beats)


def failings(figures: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What did not hold."""
    said = []
    if figures["receivers"] != len(PLACES) or figures["reports"] != len(PLACES):
        said.append(f"{figures['reports']} reports of {figures['receivers']} receivers, {len(PLACES)} were meant")
    if set(figures["outcomes"].values()) != {"played"}:
        said.append(f"not all of it sounded everywhere: {figures['outcomes']}")
    if figures["skew_ms_p99"] > MOST_SKEW_P99_MS:
        said.append(f"the receivers were {figures['skew_ms_p99']} ms apart (p99)")
    if any(after[name] is None or after[name] <= (before[name] or 0) for name in after):
        said.append("a receiver sent no heartbeat meanwhile")
    return said


def sign_in(browser: Browser, demo: Demo) -> str:
    """With the one-time password, which is changed at once. Gives the new one."""
    return sign_in_as(browser, demo.operator, demo.password)


def sign_in_as(browser: Browser, operator: str, password: str) -> str:
    """The same for anybody."""
    browser.page("/sign-in")
    browser.send("/sign-in", name=operator, password=password)
    chosen = f"{password}-2"
    browser.send("/password", old=password, new=chosen, again=chosen)
    browser.page("/clips")
    return chosen


def online(browser: Browser) -> int:
    """How many receivers are online and know the time."""
    return sum(r["state"] == "online" and r["clock_error_us"] is not None for r in browser.api("/receivers"))


def upload(browser: Browser, file: Path) -> tuple[str, dict[str, Any]]:
    """Upload and wait until it is a clip. Gives its id and the job."""
    name = urllib.parse.quote(file.name)
    job_id = browser.api(f"/clips?name={name}&title=B%E1%BA%A3n+tin+th%E1%BB%AD", file=file)["job"]
    job: dict[str, Any] = {}

    def done() -> bool:
        job.update(browser.api(f"/jobs/{job_id}"))
        return job["state"] in ("ready", "refused", "interrupted")

    wait_for("the clip", done, 120)
    if job["state"] != "ready":
        raise DemoFailed(f"the upload was refused: {job['why']}")
    return str(job["clip"]), job


def schedule_once(browser: Browser, programme: int, ahead_s: int) -> dict[str, Any]:
    """Put a programme on the timetable, so many seconds ahead, for the whole commune."""
    at = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) + timedelta(seconds=ahead_s)
    asked = {
        "programme": programme,
        "repeat": "once",
        "times": [f"{at:%H:%M:%S}"],
        "from_day": f"{at:%Y-%m-%d}",
        "targets": {"all": True},
        "class": "normal",
    }
    planned: dict[str, Any] = browser.api("/schedules", asked)
    if len(planned["broadcasts"]) != 1:
        raise DemoFailed(f"one broadcast was meant, not {planned['broadcasts']}")
    return planned


def wait_for_reports(browser: Browser, broadcast: str, receivers: int = len(PLACES)) -> dict[str, Any]:
    """Until so many receivers have reported. Gives the broadcast."""
    said: dict[str, Any] = {}

    def reported() -> bool:
        said.update(browser.api(f"/broadcasts/{broadcast}"))
        return bool(said["reported"] >= receivers)

    wait_for("the reports", reported, AHEAD_S + 40 + REPORTS_WITHIN_S)
    return said


def wait_for(what: str, there: Callable[[], bool], seconds: float) -> None:
    """Look until it is there. Raises DemoFailed after so many seconds."""
    deadline_s = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline_s:
            raise DemoFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def measure(demo: Demo, uploaded: Path, keep: Path | None) -> Skew:
    """How far apart the upload sounded at the horns: from the recordings, path delays taken out."""
    return skew(at_horns(demo, uploaded, keep))


def at_horns(demo: Demo, uploaded: Path, keep: Path | None) -> list[Instants]:
    """When each piece of the upload left each horn, in the order of the demo's places."""
    wav = uploaded.with_suffix(".wav")
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-y", "-i", str(uploaded), "-ac", "1", "-ar", "48000", str(wav)], check=True
    )
    reference: Samples = (np.frombuffer(wav.read_bytes()[44:], "<i2") / 32768).astype(np.float32)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(wav, keep / wav.name)
        for place in demo.places:
            (keep / place.receiver).mkdir(exist_ok=True)
            for name in ("audio.raw", "segments.csv"):
                shutil.copy(demo.recording(place.receiver) / name, keep / place.receiver / name)
    return [
        instants_of(reference, CardRecording(demo.recording(place.receiver))) + place.path_delay_ms / 1000
        for place in demo.places
    ]
