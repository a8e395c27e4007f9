"""The check of an alert by SMS: the data link of one receiver is cut, and it sounds and is silenced all the same."""

import time
from typing import Any

from demo.browser import Browser
from demo.emergency_demo import SMS_SITE, EmergencyDemo
from demo.emergency_tasks import cancel, first_sound_ms, prepare_and_confirm, silence_ms
from demo.operator_browsers import SignedInPage
from demo.operator_tasks import online_count, wait_for
from demo.sites import SITES
from demo.skew import CardRecording

#: A modem is asked for messages every two seconds; in a real network the network's own time comes on top.
MOST_BY_SMS_MS = 5000.0
#: The words of an end.
PHRASE_S = 8.0
_BACK_S = 60_000


def check_sms(demo: EmergencyDemo, chair: SignedInPage, second: SignedInPage) -> dict[str, Any]:
    browser = Browser(demo.url)
    browser.page("/sign-in")
    browser.send("/sign-in", name=demo.operator, password=chair.password)
    browser.page("/clips")
    demo.data_link.cut()
    wait_for("one receiver offline", lambda: online_count(browser) == len(SITES) - 1, 60)
    _, confirmed_s = prepare_and_confirm(chair, second, "storm", "4")
    time.sleep(MOST_BY_SMS_MS / 1000 + 1)
    cancelled_s = cancel(chair)
    time.sleep(MOST_BY_SMS_MS / 1000 + PHRASE_S)
    # Back on the data network it reports how it got the alert, and the retained one does not sound a second time.
    restored_s = time.monotonic()
    demo.data_link.restore()
    row = f".receivers-now li:has(a[href='/receivers/{SMS_SITE.receiver_id}'])"
    chair.page.wait_for_selector(f"{row} >> text=/phát sau .* qua SMS/", timeout=_BACK_S)
    time.sleep(3)
    card, path_s = CardRecording(demo.recording(SMS_SITE.receiver_id)), SMS_SITE.path_delay_ms / 1000
    again_ms = first_sound_ms(card, restored_s, time.monotonic() - 0.5, path_s)
    return {
        "by_sms_ms": first_sound_ms(card, confirmed_s, cancelled_s, path_s),
        "cancel_by_sms_ms": round(silence_ms(card, cancelled_s, cancelled_s + PHRASE_S, path_s), 1),
        "sounds_once": again_ms < 0,
    }


def sms_failures(figures: dict[str, Any]) -> list[str]:
    lines = [
        f"{name}: {figures.get(name)} ms, at most {MOST_BY_SMS_MS:.0f} ms expected"
        for name in ("by_sms_ms", "cancel_by_sms_ms")
        if not 0 < figures.get(name, 0) <= MOST_BY_SMS_MS
    ]
    if not figures.get("sounds_once"):
        lines.append("the alert by SMS sounded again after its end, when the data link was back")
    return lines
