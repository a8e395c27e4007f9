"""Labels of faults and self-tests, and the sentence for each."""

import re
from datetime import datetime

from devices.faults import LINK, RELAY, SENT_ALONE, Fault
from devices.self_tests import FAULT, SelfTestPart
from runtime.refusal import N_, from_text
from web.formatting import Wording
from web.language import Translator
from web.request_context import Frame

FAULTS = {
    "card": N_("Sound card fault"),
    "chain": N_("The amplifier or transmitter could not be switched"),
    "store_full": N_("Receiver storage full"),
    "alert_sounds": N_("Emergency sounds are missing"),
    "media": N_("Audio is missing or damaged"),
    "mains": N_("Mains voltage out of range"),
    "on_battery": N_("Running on battery"),
    "battery": N_("The battery is low"),
    "amplifier": N_("The amplifier draws no current during playback"),
    "line": N_("Fault on the loudspeaker line"),
    "temperature": N_("Temperature too high"),
    "not_heard": N_("The microphone does not hear the programme"),
    "sensor": N_("A meter, modem or microphone does not respond"),
    "sim": N_("The SIM card is missing or locked"),
    "clock_unknown": N_("The receiver did not know the time"),
    RELAY: N_("The relay station cannot be heard"),
    SENT_ALONE: N_("An emergency was sent by one person alone"),
    "shared_credentials": N_("Two devices use these credentials. Switch one off, or create new credentials"),
}
SIMS = {
    "ready": N_("SIM card ready"),
    "locked": N_("the SIM card asks for a PIN"),
    "absent": N_("no SIM card"),
    "": N_("SIM card unknown"),
}
LATCHES = {
    "new": N_("not acknowledged"),
    "acknowledged": N_("acknowledged"),
    "gone": N_("ended, not reset"),
}
SELF_TEST_FAILURES = {
    "fetch": N_("the audio could not be downloaded"),
    "verify": N_("the audio was damaged in transfer"),
    "decode": N_("the audio could not be decoded"),
    "length": N_("the audio has the wrong length"),
    "level": N_("the audio has the wrong level"),
    "speaker": N_("the sound card does not work"),
    "no_answer": N_("no answer"),
    "never_heard": N_("never connected"),
}
#: Faults of which a number with its unit is known, as the receiver read it: "82.5 V".
_MEASURED = ("mains", "battery", "amplifier", "line", "temperature", "not_heard")


def test_words(frame: Frame, part: SelfTestPart) -> str:
    """How a test went: "passed 02:31", "failed: no answer came"."""
    t, w = frame.t, frame.wording
    if part.ok and part.answered_at is not None:
        return t("passed {at}", at=w.clock(part.answered_at))
    why = part.why or part.failed_step
    return t("failed: {why}", why=_why(t, w, frame.deps.clock.now(), why)) if why else t("in progress")


def fault_words(frame: Frame, fault: Fault) -> str:
    """A fault as people read it; one that nobody knows is said as it is."""
    return fault_sentence(frame.t, frame.wording, frame.deps.clock.now(), fault.fault, fault.detail)


def fault_sentence(t: Translator, wording: Wording, now: datetime, fault: str, detail: str) -> str:
    """The same for a fault by its name. now: for times within the sentence."""
    if fault == FAULT:
        return t("Night test {result}", result=t("failed: {why}", why=_why(t, wording, now, detail)))
    if fault == LINK:
        return t("The connection was lost")
    if fault in FAULTS:
        said = _detail(t, fault, detail)
        return f"{t(FAULTS[fault])} ({said})" if said else t(FAULTS[fault])
    return detail or fault


def _detail(t: Translator, fault: str, detail: str) -> str:
    if fault == "on_battery":
        return ""
    if fault == RELAY:
        why = from_text(detail)
        return t.refusal(why).removesuffix(".") if why is not None else ""
    if fault == "sim" and detail in SIMS:
        return t(SIMS[detail])
    if fault in _MEASURED and t.language == "vi":
        return re.sub(r"(\d)\.(\d)", r"\1,\2", detail)
    return detail


def _why(t: Translator, wording: Wording, now: datetime, why: str) -> str:
    word, _, since = why.partition(" ")
    if word == "offline":
        try:
            at = wording.when(datetime.fromisoformat(since), now)
        except ValueError:
            return t("connection lost")
        return t("no connection since {at}", at=at)
    return t(SELF_TEST_FAILURES[word]) if word in SELF_TEST_FAILURES else why
