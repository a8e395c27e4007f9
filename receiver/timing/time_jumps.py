"""Time jumps: notices when controller time, as this receiver knows it, was set, and since when it has been steady.

A jump may be wrong and be taken back: nothing is thrown away, or reported as missed, because of it
(docs/decisions/0042).
"""

#: What is kept or refused by time depends on minutes; a restarted estimate moves by milliseconds.
JUMP_US = 30_000_000
#: How long time has to run on after a jump before it is believed that anything has expired.
STEADY_US = 600_000_000


class TimeJumps:
    """One thread. Controller time less local clock is constant but for drift, so a change of it is a jump."""

    def __init__(self) -> None:
        self._offset_us: int | None = None
        self._jumped_local_us: int | None = None
        self._first_local_us: int | None = None

    def step(self, now_us: int, now_local_us: int) -> bool:
        """Whether time has jumped since the last call. now_us: controller time. The first call is no jump."""
        offset_us, before_us = now_us - now_local_us, self._offset_us
        self._offset_us = offset_us
        if self._first_local_us is None:
            self._first_local_us = now_local_us
        if before_us is None or abs(offset_us - before_us) < JUMP_US:
            return False
        self._jumped_local_us = now_local_us
        return True

    def steady(self, now_local_us: int) -> bool:
        """Whether time has not jumped lately."""
        return self._jumped_local_us is None or now_local_us - self._jumped_local_us >= STEADY_US

    def long_steady(self, now_local_us: int) -> bool:
        """Whether time has been known, and has not jumped, for long enough to throw anything away.

        The time known first after a start may be the wrong one.
        """
        first_local_us = self._first_local_us
        return first_local_us is not None and now_local_us - first_local_us >= STEADY_US and self.steady(now_local_us)
