"""The check of speaking live: a browser's microphone, found again in the recordings of the virtual cards."""

import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from demo.browser import Browser
from demo.demo import Demo
from demo.failure import DemoFailed
from demo.microphone_page import Spoken, microphone_page
from demo.operator_tasks import online_count, sign_in, wait_for
from demo.sites import SITES
from demo.skew import HOP, WINDOW, CardRecording, Instants, instants_of, skew
from demo.speech import speak

SPEAK_S = 15.0
#: Longer than that, so that no part of it is spoken twice.
SPOKEN_TEXT = (
    "Kính thưa bà con. Sáng mai, từ bảy giờ, trạm y tế xã tiêm phòng cho trẻ dưới sáu tuổi tại nhà văn hóa thôn Một. "
    "Bà con nhớ mang theo sổ tiêm và thẻ bảo hiểm. Chiều thứ năm, điện lực cắt điện để sửa đường dây ở thôn Ba và thôn "
    "Năm, từ một giờ đến bốn giờ. Hợp tác xã nông nghiệp báo lịch lấy nước đổ ải, bắt đầu từ ngày mười lăm, cánh đồng "
    "trên lấy trước, cánh đồng dưới lấy sau. Đề nghị các hộ dọn rác trước cổng, phát quang bờ rào."
)
#: For receivers on a local network.
LEAD_MS, SILENCE_S, LONGEST_MIN = 200, 90, 60
#: On all receivers, with the longest path delay, for which all others wait.
MOST_MOUTH_TO_EAR_MS = 500.0
MOST_SKEW_P99_MS = 5.0
#: A receiver has heard the voice when so much of it is found in its recording.
LEAST_HEARD = 0.75
#: Softer windows are pauses between words.
_VOICE = 1e-3
#: A voice resembles itself a period later: a window alone at its place was mislocated, a real change lasts.
_ALIKE_S = 0.002
_TITLE = "Nói trực tiếp"


def check_speak(
    demo: Demo,
    keep: Path | None,
    speak_s: float = SPEAK_S,
    *,
    lead_ms: int = LEAD_MS,
    least_heard: float = LEAST_HEARD,
    with_chime: bool = True,
) -> tuple[dict[str, Any], list[str]]:
    """Speak for some seconds; returns the figures, and a line for each expectation that failed.

    keep: a folder for what the microphone gave, its capture times, and what the page said of the delay.
    """
    browser = Browser(demo.url)
    password = sign_in(browser, demo.operator, demo.password)
    wait_for("the receivers online", lambda: online_count(browser) == len(SITES), 30)
    rules = {"live_lead_ms": lead_ms, "live_silence_s": SILENCE_S, "live_longest_min": LONGEST_MIN}
    browser.send("/settings/live", **{name: str(value) for name, value in rules.items()})
    voice = demo.folder / "voice.wav"
    speak(SPOKEN_TEXT, voice)
    with microphone_page(demo.url, demo.operator, password, voice) as page:
        page.begin(with_chime=with_chime)
        began_s = time.monotonic()
        wait_for("the sign", lambda: page.is_lit, 10)
        time.sleep(max(0.0, began_s + speak_s - time.monotonic()))
        notes = page.notes
        page.end()
        ended_s = time.monotonic()
        spoken = page.spoken()
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / "page.txt").write_text(notes)
        limits = np.array([began_s, ended_s])
        np.savez(
            keep / "spoken.npz", samples=spoken.samples, starts=spoken.starts, times_s=spoken.times_s, limits=limits
        )
    recorded = _recorded(browser, speak_s)
    return _figures(demo, spoken, began_s, ended_s, recorded, least_heard)


def _recorded(browser: Browser, speak_s: float) -> bool:
    """Whether the recording becomes a clip of about that length."""
    clips: list[Any] = []

    def is_there() -> bool:
        clips[:] = [clip for clip in browser.api("/clips") if clip["title"].startswith(_TITLE)]
        return bool(clips)

    wait_for("the recording in the library", is_there, 60)
    return float(clips[0]["length_ms"]) > 0.8 * speak_s * 1000


def _figures(
    demo: Demo, spoken: Spoken, began_s: float, ended_s: float, recorded: bool, least_heard: float
) -> tuple[dict[str, Any], list[str]]:
    horns: list[Instants] = []
    delays_ms, heard = [], 0
    spoken = spoken.between(began_s + 0.5, ended_s - 1.0)
    for site in demo.sites:
        card = CardRecording(demo.recording(site.receiver_id)).between(began_s - 1, ended_s + 2)
        instants = instants_of(spoken.samples, card) + site.path_delay_ms / 1000
        mouth = spoken.instants(HOP, len(instants))
        instants = lasting(instants, mouth)
        horns.append(instants)
        found = ~np.isnan(instants)
        heard += found.sum() >= least_heard * _voiced(spoken, len(instants)) > 0
        delays_ms.append((instants - mouth)[found] * 1000)
    delays = np.concatenate(delays_ms)
    if not any((~np.isnan(first) & ~np.isnan(second)).any() for first, second in combinations(horns, 2)):
        raise DemoFailed("the voice was not found in the recordings of two receivers")
    apart = skew(horns)
    p50, p99 = (float(np.percentile(delays, percent)) for percent in (50, 99)) if len(delays) else (-1.0, -1.0)
    figures = {
        "mouth_to_ear_ms_p50": round(p50, 1),
        "mouth_to_ear_ms_p99": round(p99, 1),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "heard": int(heard),
        "recorded_clip": recorded,
    }
    failed = []
    if heard != len(SITES):
        failed.append(f"the voice was found on {heard} of {len(SITES)} receivers")
    if not 0 < p99 <= MOST_MOUTH_TO_EAR_MS:
        failed.append(f"from mouth to ear it took {p99:.0f} ms (p99), {MOST_MOUTH_TO_EAR_MS:.0f} ms at most are wanted")
    if apart.p99_ms > MOST_SKEW_P99_MS:
        failed.append(f"the receivers were {apart.p99_ms:.3f} ms apart (p99)")
    if not recorded:
        failed.append("the recording in the library lacks a part of what was spoken")
    return figures, failed


def _voiced(spoken: Spoken, count: int) -> int:
    """How many windows hold a voice."""
    windows = (spoken.samples[k * HOP : k * HOP + WINDOW] for k in range(count))
    return sum(float(np.sqrt(np.mean(window**2))) > _VOICE for window in windows)


def lasting(instants: Instants, mouth: Instants) -> Instants:
    """Without windows of which neither neighbour has the same delay."""
    delays = instants - mouth
    alike = np.abs(np.diff(delays)) < _ALIKE_S
    lasting: Instants = np.where(np.append(alike, False) | np.insert(alike, 0, False), instants, np.nan)
    return lasting
