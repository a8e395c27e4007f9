"""Tells the controller of a fault when it comes and when it goes, once each."""

from receiver.outbox import Outbox, addressed, new_report_id
from receiver.shelf import Shelf
from receiver.speaker import Speaker
from wire.reports import FaultReport

#: The wire's limit for what is said of a fault.
_MOST_DETAIL = 300


class FaultReports:
    """Remembers which faults are known; used by the agent's thread alone."""

    def __init__(self, receiver: str, outbox: Outbox) -> None:
        self._receiver, self._outbox = receiver, outbox
        self._known: frozenset[str] = frozenset()

    def tell(self, present: dict[str, str], now_us: int) -> None:
        """present: every fault that is there now, with what is known of it. now_us: controller time."""
        for fault in sorted(present.keys() ^ self._known):
            report = FaultReport(
                to="", revision=0, issued_at_us=0, expires_at_us=0, report=new_report_id(),
                receiver=self._receiver, fault=fault, present=fault in present, at_us=now_us,
                detail=present.get(fault, "")[:_MOST_DETAIL],
            )  # fmt: skip
            self._outbox.put(addressed(report, now_us))
        self._known = frozenset(present)


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
