"""Two devices with the same credentials: the broker connects only one at a time, so their connections alternate.

The sign is a program that connects again after another one (`boot`), or, with receivers that send no boot, session
numbers that fall repeatedly: a restored card or a lost counter makes them fall once.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: In this time the signs are counted; after it without a sign the credentials are taken for one device's again.
#: Longer than the longest pause between two connections of a receiver that is taken over (`receiver.link.connection`).
WINDOW = timedelta(minutes=20)
_FALLS = 2
_BOOTS_KEPT = 8


@dataclass
class ConnectionHistory:
    """Of one receiver, in memory."""

    _boots: deque[str] = field(default_factory=lambda: deque(maxlen=_BOOTS_KEPT))
    _fell_at: deque[datetime] = field(default_factory=lambda: deque(maxlen=_FALLS))
    _alternated_at: datetime | None = None

    def connected(self, boot: str, *, fell: bool, at: datetime) -> None:
        """boot: "" of a receiver that tells none. fell: the session number is not above the last one."""
        if not boot:
            if fell:
                self._fell_at.append(at)
            return
        if boot in self._boots and boot != self._boots[-1]:
            self._alternated_at = at
            self._boots.remove(boot)
        if not self._boots or boot != self._boots[-1]:
            self._boots.append(boot)

    def shared(self, now: datetime) -> bool:
        """Whether two devices used the credentials within the window."""
        fell = len(self._fell_at) == _FALLS and now - self._fell_at[0] < WINDOW
        return fell or (self._alternated_at is not None and now - self._alternated_at < WINDOW)
