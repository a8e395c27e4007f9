"""The clock of a station beside ours: how much faster its sound has to be played so that the reserve lasts. Pure.

A station's sound card is off by up to 100 ppm, as ours is: 9 s in a day. Sound comes in bursts and late, but no earlier
than it was made, so that only the largest reserve in a window counts.
"""

#: Longer than the bursts of HLS, which are up to 30 s.
_WINDOW_US = 90_000_000
#: An error is corrected over this time: 200 ppm are followed with the reserve 0.72 s away from where it began.
_SETTLE_S = 3600.0
#: What is still followed, and not heard: a twentieth of what a musician hears.
MOST_PPM = 300.0


class StationClock:
    """`note` at each piece that is sent."""

    def __init__(self) -> None:
        #: By how much faster than real time the station's sound is to be played.
        self.ppm = 0.0
        self._wanted_us: int | None = None
        self._window_ends_us: int | None = None
        self._most_us: int | None = None

    def forget(self) -> None:
        """The reserve has changed otherwise: a new connection, or a part that was left out."""
        self._wanted_us = self._window_ends_us = self._most_us = None

    def note(self, reserve_us: int, now_us: int) -> bool:
        """reserve_us: sound that came and was not played, from any zero. Whether `ppm` has changed."""
        self._most_us = reserve_us if self._most_us is None else max(self._most_us, reserve_us)
        if self._window_ends_us is None:
            self._window_ends_us = now_us + _WINDOW_US
        if now_us < self._window_ends_us:
            return False
        most_us, before = self._most_us, self.ppm
        if self._wanted_us is None:
            # What the rate is now has kept the reserve; it goes on from there.
            self._wanted_us = most_us - round(self.ppm * _SETTLE_S)
        self.ppm = min(MOST_PPM, max(-MOST_PPM, (most_us - self._wanted_us) / _SETTLE_S))
        self._window_ends_us, self._most_us = now_us + _WINDOW_US, None
        return self.ppm != before
