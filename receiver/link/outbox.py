"""The outbox: sealed reports, stored on disk until the controller acknowledges them."""

import logging
import secrets
from pathlib import Path
from typing import NamedTuple, TypedDict

import msgspec

from receiver.store.atomic_file import keep_whole
from wire.messages import CONTROLLER
from wire.reports import Report
from wire.sealing import PublicKey, Refused, SealingKey, open_sealed

log = logging.getLogger(__name__)

#: How long a report is valid; a receiver may be without a network for weeks.
HOLDS_US = 60 * 86_400_000_000
#: The oldest are dropped beyond this number: reports must not fill the disk.
MOST_KEPT = 5000
#: A report that is not acknowledged within this time is sent again.
AGAIN_AFTER_US = 20_000_000


class PendingReport(NamedTuple):
    """A sealed report. order: grows with each."""

    report: str
    order: int
    payload: bytes


class Outbox:
    """Pending reports by id. For one thread."""

    def __init__(self, folder: Path, key: SealingKey) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.new"):
            left.unlink()
        self._key = key
        self._pending: dict[str, PendingReport] = {}
        self._sent_at_us: dict[str, int] = {}
        for path in sorted(folder.glob("*.jws")):
            order, _, report = path.stem.partition("-")
            if order.isdigit() and report:
                self._pending[report] = PendingReport(report, int(order), path.read_bytes())
        self._next_order = max((pending.order for pending in self._pending.values()), default=0) + 1

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, report: Report) -> None:
        """Seal and store a report. It is on disk when this returns, unless the disk refuses it."""
        pending = PendingReport(report.report, self._next_order, self._key.seal(report))
        self._next_order += 1
        keep_whole(self._path(pending), pending.payload)
        self._pending[pending.report] = pending
        while len(self._pending) > MOST_KEPT:
            oldest = min(self._pending.values(), key=lambda message: message.order)
            log.error("outbox full (%d reports): oldest dropped", MOST_KEPT)
            self.acknowledge([oldest.report])

    def due(self, local_us: int, most: int = 50) -> list[PendingReport]:
        """The reports to send now, oldest first; they count as sent. local_us: monotonic clock."""
        waiting = [
            pending
            for pending in sorted(self._pending.values(), key=lambda message: message.order)
            if local_us - self._sent_at_us.get(pending.report, -AGAIN_AFTER_US) >= AGAIN_AFTER_US
        ][:most]
        for pending in waiting:
            self._sent_at_us[pending.report] = local_us
        return waiting

    def send_all_again(self) -> None:
        """After a new connection all pending reports are due."""
        self._sent_at_us.clear()

    def reseal(self, now_us: int) -> None:
        """Controller time has jumped to this: seal again what the controller would refuse as expired, or as of later.

        A receiver that was told a time years ago would otherwise send the same report for ever.
        """
        keys = {self._key.kid: PublicKey(self._key.public)}
        for pending in list(self._pending.values()):
            try:
                report: Report = open_sealed(pending.payload, Report, keys, to=CONTROLLER, now_us=None)
            except Refused:
                continue  # by an earlier key
            if report.issued_at_us <= now_us < report.expires_at_us:
                continue
            renewed = pending._replace(
                payload=self._key.seal(msgspec.structs.replace(report, **_sealed_fields(now_us)))
            )
            keep_whole(self._path(renewed), renewed.payload)
            self._pending[renewed.report] = renewed
            self._sent_at_us.pop(renewed.report, None)

    def acknowledge(self, reports: list[str]) -> None:
        """The controller has stored these."""
        for report in reports:
            pending = self._pending.pop(report, None)
            self._sent_at_us.pop(report, None)
            if pending is not None:
                self._path(pending).unlink(missing_ok=True)

    def _path(self, pending: PendingReport) -> Path:
        return self._folder / f"{pending.order:09}-{pending.report}.jws"


class _SealedFields(TypedDict):
    to: str
    revision: int
    issued_at_us: int
    expires_at_us: int


class ReportHeader(_SealedFields):
    """The fields that every report has. report: its id, random."""

    report: str
    receiver: str


def report_header(receiver: str, now_us: int) -> ReportHeader:
    """For the fields that are not its own. now_us: controller time."""
    return ReportHeader(**_sealed_fields(now_us), report=secrets.token_hex(8), receiver=receiver)


def _sealed_fields(now_us: int) -> _SealedFields:
    return _SealedFields(to=CONTROLLER, revision=now_us, issued_at_us=now_us, expires_at_us=now_us + HOLDS_US)
