"""Reports a fault once when it appears and once when it is gone."""

import json
from pathlib import Path

from receiver.link.outbox import Outbox, report_header
from receiver.output.speaker import Speaker
from receiver.store.atomic_file import keep_whole
from receiver.store.shelf import Shelf
from wire.reports import FaultReport

#: The wire's limit for what is said of a fault.
_MOST_DETAIL = 300
#: A start takes some seconds until the first answers are there; that is no fault.
CLOCK_UNKNOWN_AFTER_US = 30_000_000
#: What was there before a start may need so long to be found again: until then it is not said to be gone.
FOUND_AGAIN_WITHIN_US = 120_000_000


class FaultReports:
    """Remembers which faults are known; used by the agent's thread alone."""

    def __init__(self, receiver: str, outbox: Outbox, file: Path, *, began_local_us: int = 0) -> None:
        """file: in it, what was reported is known over a restart. began_local_us: of this program."""
        self._receiver, self._outbox, self._kept = receiver, outbox, file
        self._known = self._before = _read(file)
        self._began_local_us = began_local_us
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
                self._say("clock_unknown", True, "", now_us - lasted_us, now_us)
                self._say("clock_unknown", False, "", now_us, now_us)
        if local_us - self._began_local_us >= FOUND_AGAIN_WITHIN_US:
            self._before = frozenset()
        self._before -= present.keys()
        lasting = present.keys() | self._before
        changed = sorted(lasting ^ self._known)
        for fault in changed:
            self._say(fault, fault in present, present.get(fault, ""), now_us, now_us)
        if changed:
            self._known = frozenset(lasting)
            keep_whole(self._kept, json.dumps(sorted(self._known)).encode())

    def _say(self, fault: str, present: bool, detail: str, at_us: int, now_us: int) -> None:
        report = FaultReport(
            **report_header(self._receiver, now_us),
            fault=fault,
            present=present,
            at_us=at_us,
            detail=detail[:_MOST_DETAIL],
        )
        self._outbox.put(report)


def _read(file: Path) -> frozenset[str]:
    try:
        return frozenset(str(fault) for fault in json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return frozenset()


def present_faults(speaker: Speaker, shelf: Shelf, lacking: str, chain: str) -> dict[str, str]:
    """The faults that are there now, with what is known of them.

    lacking: what cannot be played, chain: why it could not be switched; "" for nothing.
    """
    faults: dict[str, str] = {}
    if not speaker.running:
        faults["card"] = "the sound card does not take sound"
    if chain:
        faults["chain"] = chain
    if no_room := shelf.lacks_room:
        faults["store_full"] = no_room
    if unplayable := lacking or shelf.damaged:
        faults["media"] = unplayable
    return faults
