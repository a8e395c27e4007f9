"""Tells the controller of a fault when it comes and when it goes, once each."""

from receiver.outbox import Outbox, addressed, new_report_id
from receiver.shelf import Shelf
from receiver.speaker import Speaker
from wire.reports import FaultReport

#: The wire's limit for what is said of a fault.
_MOST_DETAIL = 300
#: A start takes some seconds until the first answers are there; that is no fault.
CLOCK_UNKNOWN_AFTER_US = 30_000_000


class FaultReports:
    """Remembers which faults are known; used by the agent's thread alone."""

    def __init__(self, receiver: str, outbox: Outbox) -> None:
        self._receiver, self._outbox = receiver, outbox
        self._known: frozenset[str] = frozenset()
        self._unknown_since_us: int | None = None

    def clock_unknown(self, local_us: int) -> None:
        """Controller time is not known at this instant of the local clock: told when it is, since a report needs it."""
        if self._unknown_since_us is None:
            self._unknown_since_us = local_us

    def tell(self, present: dict[str, str], now_us: int, local_us: int) -> None:
        """present: every fault that is there now, with what is known of it. now_us, local_us: both clocks' instant."""
        if self._unknown_since_us is not None:
            lasted_us, self._unknown_since_us = local_us - self._unknown_since_us, None
            if lasted_us >= CLOCK_UNKNOWN_AFTER_US:
                detail = f"for {lasted_us // 1_000_000} s"
                self._say("clock_unknown", True, detail, now_us - lasted_us, now_us)
                self._say("clock_unknown", False, detail, now_us, now_us)
        for fault in sorted(present.keys() ^ self._known):
            self._say(fault, fault in present, present.get(fault, ""), now_us, now_us)
        self._known = frozenset(present)

    def _say(self, fault: str, present: bool, detail: str, at_us: int, now_us: int) -> None:
        report = FaultReport(
            to="", revision=0, issued_at_us=0, expires_at_us=0, report=new_report_id(),
            receiver=self._receiver, fault=fault, present=present, at_us=at_us, detail=detail[:_MOST_DETAIL],
        )  # fmt: skip
        self._outbox.put(addressed(report, now_us))


def present_faults(speaker: Speaker, shelf: Shelf, lacking: str) -> dict[str, str]:
    """The faults that are there now, with what is known of them. lacking: what cannot be played, "" for nothing."""
    found: dict[str, str] = {}
    if not speaker.running:
        found["card"] = "the sound card does not take sound"
    if shelf.full:
        found["store_full"] = shelf.last_failure
    if lacking:
        found["media"] = lacking
    return found
