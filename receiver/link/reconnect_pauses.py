"""Pauses before a receiver connects again, when its connections are closed soon after they were made.

The broker closes a connection when another device connects with the same credentials. Without a growing pause the two
would end each other's connection each second, and fetch every retained manifest each time.
"""

import random

#: A connection that held this long was not taken over; longer than the longest pause of the other device.
STEADY_S = 90.0
FIRST_S = 1.0
#: The receiver that is left alone is back within this time, and a quarter.
LONGEST_S = 45.0


class ReconnectPauses:
    """Counts connections that were closed early."""

    def __init__(self) -> None:
        self.closed_early = 0

    def pause_s(self, held_s: float, *, silent: bool) -> float:
        """held_s: how long the connection held. silent: nothing came any more, as when the network is lost."""
        self.closed_early = 0 if silent or held_s >= STEADY_S else self.closed_early + 1
        spread = random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        return spread * min(LONGEST_S, FIRST_S * 2.0 ** max(0, min(self.closed_early, 10) - 1))
