"""Faults and self-tests as people read them."""

import re
from datetime import datetime

from devices.faults import LINK, Fault
from devices.self_tests import FAULT, SelfTestPart
from web.labels.states import FAULTS, SELF_TEST_FAILURES, SIMS
from web.request_context import Frame

#: Faults of which a number with its unit is known, as the receiver read it: "82.5 V".
_MEASURED = ("mains", "battery", "amplifier", "line", "temperature", "not_heard")


def test_words(frame: Frame, part: SelfTestPart) -> str:
    """How a test went: "passed 02:31", "failed: no answer came"."""
    t, w = frame.t, frame.wording
    if part.ok and part.answered_at is not None:
        return t("passed {at}", at=w.clock(part.answered_at))
    why = part.why or part.failed_step
    return t("failed: {why}", why=_why(frame, why)) if why else t("in progress")


def fault_words(frame: Frame, fault: Fault) -> str:
    """A fault as people read it; one that nobody knows is said as it is."""
    t = frame.t
    if fault.fault == FAULT:
        return t("Night test {result}", result=t("failed: {why}", why=_why(frame, fault.detail)))
    if fault.fault == LINK:
        return t("The connection was lost")
    if fault.fault in FAULTS:
        detail = _detail(frame, fault)
        return f"{t(FAULTS[fault.fault])} ({detail})" if detail else t(FAULTS[fault.fault])
    return fault.detail or fault.fault


def _detail(frame: Frame, fault: Fault) -> str:
    if fault.fault == "on_battery":
        return ""
    if fault.fault == "sim" and fault.detail in SIMS:
        return frame.t(SIMS[fault.detail])
    if fault.fault in _MEASURED and frame.t.language == "vi":
        return re.sub(r"(\d)\.(\d)", r"\1,\2", fault.detail)
    return fault.detail


def _why(frame: Frame, why: str) -> str:
    word, _, since = why.partition(" ")
    if word == "offline":
        try:
            at = frame.wording.when(datetime.fromisoformat(since), frame.deps.clock.now())
        except ValueError:
            return frame.t("connection lost")
        return frame.t("no connection since {at}", at=at)
    return frame.t(SELF_TEST_FAILURES[word]) if word in SELF_TEST_FAILURES else why
