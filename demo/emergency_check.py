"""The check of emergencies: two people, a real one that is called back, one that is heard out, a drill, one by SMS.

What counts is what left the virtual cards.
"""

import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import Session, select

from alerts import texts
from alerts.alert_books import book_of
from alerts.alert_sounds import wanted_sounds
from alerts.emergency_alerts import EmergencyAlert
from alerts.hazards import Hazard
from alerts.templates import SPEECH_OFFSET_MS, AlertMessage, sounds_of
from broadcast.media import Media
from demo.browser import Browser
from demo.emergency_demo import EmergencyDemo
from demo.emergency_tasks import cancel, fill_order, first_sound_ms, prepare_and_confirm, silence_ms
from demo.operator_browsers import SignedInPage, operator_browsers
from demo.operator_tasks import online_count, wait_for
from demo.sites import COMMUNE, SITES
from demo.skew import CardRecording, Instants, Samples, instants_of, skew, times_played
from demo.sms_check import PHRASE_S, check_sms, sms_failures
from people.operators import add_operator, appoint
from people.rights import Role
from runtime.clock import ControllerClock
from runtime.database import Database

MOST_SOUND_MS, MOST_SKEW_MS, MOST_BANNER_S = 1000.0, 1.0, 2.5
#: Sounds are made and fetched: some sixty of 3 s.
_READY_S = 180.0


def check_emergency(demo: EmergencyDemo, keep: Path | None, *, by_sms: bool = True) -> tuple[dict[str, Any], list[str]]:
    """Returns the figures, and a line for each expectation that failed. keep: not used. by_sms: with that part."""
    database = Database(demo.settings.database)
    try:
        with database.writing() as session:
            deputy, once = add_operator(session, "pho-chu-tich", ControllerClock().now())
            appoint(session, deputy.number, COMMUNE, Role.CHAIR)
        people = [(demo.operator, demo.password), (deputy.name, once)]
        with operator_browsers(demo.url, people) as (chair, second):
            figures = _check(demo, database, chair, second)
            if by_sms:
                time.sleep(PHRASE_S)
                figures |= check_sms(demo, chair, second)
            return figures, failures(figures)
    finally:
        database.close()


def _check(demo: EmergencyDemo, database: Database, chair: SignedInPage, second: SignedInPage) -> dict[str, Any]:
    chair.open("/emergency")  # the sounds are made now
    _wait_for_sounds(demo, database, chair)
    # 1. Prepared by one, seen by the other on another page, confirmed, and called back while the siren sounds.
    banner_s, confirmed_s = prepare_and_confirm(chair, second, "storm", "4")
    time.sleep(3)
    cancelled_s = cancel(chair)
    time.sleep(PHRASE_S)
    # 2. Sent again and heard out: all words on all receivers, in step.
    _, spoken_s = prepare_and_confirm(chair, second, "flood", "2")
    with database.session() as session:
        row = session.exec(select(EmergencyAlert).where(EmergencyAlert.template == 22)).one()
        reference = _spoken(demo, session, AlertMessage(Hazard.FLOOD, 2), row.slot_sounds)
    time.sleep(6 + len(reference) / 48_000 + 2)
    chair.page.click("form[action$='/all-clear'] button")
    time.sleep(PHRASE_S)
    # 3. A drill.
    drill_s = time.monotonic()
    fill_order(chair, "/emergency/drill", "storm", "4")
    chair.page.click("form[action='/emergency/drill'] button.big")
    is_drill_shown = "DIỄN TẬP" in chair.page.inner_text("h1")
    time.sleep(8)
    chair.page.click("form[action$='/cancel'] button")
    time.sleep(1)
    with database.session() as session:
        drill_opening = _sound(demo, session, texts.DRILL_OPENING, "")
        siren = _sound(demo, session, texts.SIREN, "")
    figures = _figures(demo, reference, confirmed_s, cancelled_s, spoken_s)
    figures["banner_s"] = round(banner_s, 2)
    cards = [CardRecording(demo.recording(site.receiver_id)).between(drill_s, drill_s + 9) for site in SITES]
    figures["drill_apart"] = is_drill_shown and all(
        times_played(drill_opening, card) == 1 and times_played(siren, card) == 0 for card in cards
    )
    return figures


def _wait_for_sounds(demo: EmergencyDemo, database: Database, chair: SignedInPage) -> None:
    """Until every receiver is online and has every sound on its shelf."""
    shelves = [demo.folder / "receivers" / site.receiver_id / "data" for site in SITES]

    def all_there() -> bool:
        with database.session() as session:
            if not all(sound.is_made for sound in wanted_sounds(session, COMMUNE)):
                return False
            hashes = {sound.renditions[0].sha256 for sound in book_of(session, COMMUNE).sounds}
        return all(hashes <= {path.stem for path in shelf.rglob("*") if len(path.stem) == 64} for shelf in shelves)

    wait_for("the sounds of the alert book on all receivers", all_there, _READY_S)
    browser = Browser(demo.url)
    browser.page("/sign-in")
    browser.send("/sign-in", name=demo.operator, password=chair.password)
    browser.page("/clips")
    wait_for("the receivers online", lambda: online_count(browser) == len(SITES), 30)


def _figures(
    demo: EmergencyDemo, reference: Samples, confirmed_s: float, cancelled_s: float, spoken_s: float
) -> dict[str, Any]:
    sounds_ms, cancels_ms, horns = dict[str, float](), list[float](), list[Instants]()
    for site in SITES:
        card, path_s = CardRecording(demo.recording(site.receiver_id)), site.path_delay_ms / 1000
        sounds_ms[site.receiver_id] = first_sound_ms(card, confirmed_s, cancelled_s, path_s)
        cancels_ms.append(silence_ms(card, cancelled_s, cancelled_s + PHRASE_S, path_s))
        # The speech is repeated: only its first turn, which ends a second and a half before the next.
        turn = card.between(spoken_s, spoken_s + SPEECH_OFFSET_MS / 1000 + len(reference) / 48_000 + 1)
        horns.append(instants_of(reference, turn) + path_s)
    voiced = _voiced(reference)
    apart = skew(horns)
    return {
        "confirm_to_sound_ms": sounds_ms,
        "speech_skew_ms_p99": round(apart.p99_ms, 4),
        "words_lost": sum(int((np.isnan(horn) & voiced).sum()) for horn in horns),
        "cancel_ms": round(max(cancels_ms), 1),
    }


def failures(figures: dict[str, Any]) -> list[str]:
    lines = []
    if not all(0 < ms <= MOST_SOUND_MS for ms in figures["confirm_to_sound_ms"].values()):
        lines.append(f"a receiver sounded later than {MOST_SOUND_MS:.0f} ms: {figures['confirm_to_sound_ms']}")
    if figures["speech_skew_ms_p99"] > MOST_SKEW_MS:
        lines.append(f"the words were {figures['speech_skew_ms_p99']} ms apart (p99)")
    if figures["words_lost"]:
        lines.append(f"{figures['words_lost']} pieces of words of 100 ms were lost")
    if not 0 < figures["cancel_ms"] <= MOST_SOUND_MS:
        lines.append(f"the siren sounded {figures['cancel_ms']} ms after the cancel")
    if figures["banner_s"] > MOST_BANNER_S:
        lines.append(f"the second person was asked after {figures['banner_s']} s")
    if not figures["drill_apart"]:
        lines.append("the drill could be taken for a real emergency")
    return lines + sms_failures(figures)


def _voiced(reference: Samples) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Windows that are loud from end to end; the edges of words match too little to be judged."""
    count = max(0, (len(reference) - 4_800) // 4_800 + 1)
    parts = reference[: count * 4_800].reshape(count, 10, 480)
    loud: np.ndarray[Any, np.dtype[np.bool_]] = np.sqrt((parts**2).mean(axis=2)).min(axis=1) > 0.02
    return loud


def _spoken(demo: EmergencyDemo, session: Session, message: AlertMessage, slots: tuple[int, ...]) -> Samples:
    """One turn of the speech, as it should leave every card."""
    numbers = sounds_of(message, is_drill=False, slots=slots)
    return np.concatenate([_sound(demo, session, number, texts.VIETNAMESE) for number in numbers])


def _sound(demo: EmergencyDemo, session: Session, number: int, language: str) -> Samples:
    sound = book_of(session, COMMUNE).sound(number, language)
    if sound is None:
        raise RuntimeError(f"the alert book has no sound {number}")
    media = Media(demo.settings.data_dir / "media")
    path = media.path_of(sound.renditions[0].sha256, "opus")
    decode = ["ffmpeg", "-loglevel", "error", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", "48000", "-"]
    samples: Samples = np.frombuffer(subprocess.run(decode, check=True, capture_output=True).stdout, np.float32)
    return samples[: sound.duration_us * 48 // 1000]
