"""The outbox: sealed reports, kept on disk until the controller says that it heard them."""

import logging
import secrets
from pathlib import Path
from typing import NamedTuple

import msgspec

from receiver.store.atomic_file import keep_whole
from wire.messages import CONTROLLER
from wire.reports import Report
from wire.sealing import SealingKey

log = logging.getLogger(__name__)

#: A report is worth something for this long; a receiver may be without a network for weeks.
HOLDS_US = 60 * 86_400_000_000
#: Beyond this the oldest go: a disk full of reports helps nobody.
MOST_KEPT = 5000
#: How long an answer may take before a report is sent again.
AGAIN_AFTER_US = 20_000_000


class Letter(NamedTuple):
    """A sealed report. order: grows with each."""

    report: str
    order: int
    payload: bytes


class Outbox:
    """Reports by id. One thread."""

    def __init__(self, folder: Path, key: SealingKey) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.new"):
            left.unlink()
        self._key = key
        self._letters: dict[str, Letter] = {}
        self._sent_at_us: dict[str, int] = {}
        for path in sorted(folder.glob("*.jws")):
            order, _, report = path.stem.partition("-")
            if order.isdigit() and report:
                self._letters[report] = Letter(report, int(order), path.read_bytes())
        self._next_order = max((letter.order for letter in self._letters.values()), default=0) + 1

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, report: Report) -> None:
        """Seal a report and keep it. It is on disk when this returns, unless the disk does not take it."""
        letter = Letter(report.report, self._next_order, self._key.seal(report))
        self._next_order += 1
        keep_whole(self._path(letter), letter.payload)
        self._letters[letter.report] = letter
        while len(self._letters) > MOST_KEPT:
            oldest = min(self._letters.values(), key=lambda kept: kept.order)
            log.error("the outbox is full; the oldest report is dropped")
            self.heard([oldest.report])

    def due(self, local_us: int, most: int = 50) -> list[Letter]:
        """What to send now, oldest first, and note that it is under way. local_us: monotonic clock."""
        waiting = [
            letter
            for letter in sorted(self._letters.values(), key=lambda kept: kept.order)
            if local_us - self._sent_at_us.get(letter.report, -AGAIN_AFTER_US) >= AGAIN_AFTER_US
        ][:most]
        for letter in waiting:
            self._sent_at_us[letter.report] = local_us
        return waiting

    def send_all_again(self) -> None:
        """The connection is new: nothing is under way."""
        self._sent_at_us.clear()

    def heard(self, reports: list[str]) -> None:
        """The controller has written these down."""
        for report in reports:
            letter = self._letters.pop(report, None)
            self._sent_at_us.pop(report, None)
            if letter is not None:
                self._path(letter).unlink(missing_ok=True)

    def _path(self, letter: Letter) -> Path:
        return self._folder / f"{letter.order:09}-{letter.report}.jws"


def new_report_id() -> str:
    """16 hex digits."""
    return secrets.token_hex(8)


def addressed(report: Report, now_us: int) -> Report:
    """The report with what every sealed message carries. now_us: controller time."""
    return msgspec.structs.replace(
        report, to=CONTROLLER, revision=now_us, issued_at_us=now_us, expires_at_us=now_us + HOLDS_US
    )
