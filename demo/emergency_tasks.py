"""What two operators do in the check of emergencies, and how the sounds of it are found in a card's recording."""

import time

import numpy as np

from demo.operator_browsers import SignedInPage
from demo.skew import CardRecording, Instants

_LOUD = 1e-3
#: Between the siren and the words of its end.
_PAUSE_S = 0.3
#: Keeps the instant at which a button was pressed down: the page that follows reads it.
_NOTE_PRESS = """addEventListener("pointerdown", () =>
  sessionStorage.setItem("pressed", performance.timeOrigin + performance.now()), true)"""


def press(person: SignedInPage, selector: str, then: str) -> float:
    """Press a button and wait for what follows. Gives the instant at which it was down (CLOCK_MONOTONIC s)."""
    person.page.evaluate(_NOTE_PRESS)
    person.page.click(selector)
    person.page.wait_for_selector(then)
    pressed_ms = float(person.page.evaluate('sessionStorage.getItem("pressed")'))
    return time.monotonic() - (time.time() - pressed_ms / 1000)


def prepare_and_confirm(chair: SignedInPage, second: SignedInPage, hazard: str, level: str) -> tuple[float, float]:
    """Seconds until the second person was asked, and the instant at which that person pressed the button."""
    second.open("/clips")
    fill_order(chair, "/emergency", hazard, level)
    prepared_s = time.monotonic()
    chair.page.click("form[action='/emergency'] button.big")
    second.page.wait_for_selector("#emergency-banner .alarm")
    banner_s = time.monotonic() - prepared_s
    second.page.click("#emergency-banner .alarm")
    second.page.fill("form[action$='/confirm'] input[name=password]", second.password)
    pressed_s = press(second, "form[action$='/confirm'] button", "form[action$='/cancel'] button")
    chair.page.wait_for_selector("form[action$='/cancel'] button")
    return banner_s, pressed_s


def cancel(person: SignedInPage) -> float:
    """Gives the instant at which the button was pressed."""
    return press(person, "form[action$='/cancel'] button", "#alert .state-line:not(:has(~ .ends))")


def fill_order(person: SignedInPage, path: str, hazard: str, level: str) -> None:
    person.open(path)
    person.page.check(f"input[name=what][value={hazard}]")
    person.page.check(f"input[name=level][value='{level}']")


def loud_instants(card: CardRecording, from_s: float, until_s: float) -> Instants:
    cut = card.between(from_s, until_s)
    loud = np.flatnonzero(np.abs(cut.samples) > _LOUD)
    return np.array([cut.instant_s(float(frame)) for frame in loud[:: max(1, len(loud) // 20_000)]])


def first_sound_ms(card: CardRecording, since_s: float, until_s: float, path_s: float) -> float:
    """At the horn, ms after `since_s`; -1 for none. path_s: from card to horn."""
    loud = loud_instants(card, since_s, until_s)
    return round((float(loud[0]) + path_s - since_s) * 1000, 1) if len(loud) else -1.0


def silence_ms(card: CardRecording, since_s: float, until_s: float, path_s: float) -> float:
    """When what sounded at `since_s` was silent at the horn: before the pause that comes before other words."""
    loud = loud_instants(card, since_s, until_s)
    pauses = np.flatnonzero(np.diff(loud) > _PAUSE_S)
    last_s = float(loud[pauses[0]]) if len(pauses) else np.inf
    return (last_s + path_s - since_s) * 1000
