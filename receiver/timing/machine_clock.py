"""The machine's own battery clock, and which start of the machine this is.

Looked at only after a start without network. The system's wall clock is not: a machine without a battery clock takes up
at its start where it was switched off (fake-hwclock, systemd-timesyncd), hours behind and perfectly plausible.
"""

import time
from collections.abc import Callable
from pathlib import Path

#: A second that does not end within this is no clock's.
_LONGEST_SECOND_S = 1.5
_LOOK_EVERY_S = 0.005


class MachineClock:
    """The first battery clock there is. Its zone and its error do not matter: only differences are used."""

    def __init__(
        self,
        folder: Path = Path("/sys/class/rtc"),
        boot: Path = Path("/proc/sys/kernel/random/boot_id"),
        *,
        rest: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._boot = folder, boot
        self._rest, self._monotonic = rest, monotonic

    @property
    def boot_id(self) -> str:
        """The same until the machine restarts."""
        return self._boot.read_text().strip()

    def seconds(self) -> int | None:
        """Whole seconds that it shows; None when there is none, or it cannot be read."""
        for clock in sorted(self._folder.glob("rtc*")):
            try:
                return int((clock / "since_epoch").read_text())
            except (OSError, ValueError):
                continue
        return None

    def next_second(self) -> int | None:
        """Waits until a second begins, and gives which: known to some ms. None as for `seconds`, or when it stands."""
        first, since_s = self.seconds(), self._monotonic()
        while first is not None and self._monotonic() - since_s < _LONGEST_SECOND_S:
            now = self.seconds()
            if now != first:
                return now
            self._rest(_LOOK_EVERY_S)
        return None
