"""What is kept of the exchanges: all of the newest; of older ones those that lie along the edges.

On a jittery network only the quickest ways say where the lines lie, a handful of thousands. All others are counted and
thrown away, so that an hour is looked at for the work of some minutes.
"""

from collections import deque
from collections.abc import Iterator

from receiver.timing.time_lines import WHOLE, Bounds

#: Thinned beyond this many.
_MOST = 1500
_END = 2 * _MOST
#: The older ones are cut into so many stretches of time; in each, so many of the quickest are kept each way: as many as
#: `time_lines` looks at to say how sharp an edge is.
_STRETCHES, _QUICKEST = 40, 6


class ExchangeHistory:
    """Exchanges in the order in which they were added, each with how many it stands for."""

    def __init__(self) -> None:
        self._rows: deque[Bounds] = deque()
        #: How many were added and not forgotten, also those that were thrown away.
        self.count = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Bounds]:
        return iter(self._rows)

    @property
    def oldest(self) -> Bounds:
        """Raises IndexError when there is none."""
        return self._rows[0]

    @property
    def newest(self) -> Bounds:
        """Raises IndexError when there is none."""
        return self._rows[-1]

    def add(self, bounds: Bounds) -> None:
        self._rows.append(bounds)
        self.count += bounds.stands_for
        if len(self._rows) > _END:  # a network that is neither quiet nor jittery for long
            self._forget_oldest()

    def replace_newest(self, bounds: Bounds) -> None:
        """A quicker one of the same burst."""
        self.count += bounds.stands_for - self._rows.pop().stands_for
        self._rows.append(bounds)

    def clear(self) -> None:
        self._rows.clear()
        self.count = 0

    def forget_before(self, local_us: float) -> None:
        while self._rows and self._rows[0].local_us < local_us:
            self._forget_oldest()

    def forget_half(self) -> None:
        """Forget the older half of all that were counted."""
        half = self.count / 2
        while self.count > half:
            self._forget_oldest()

    def newest_third(self) -> list[Bounds]:
        """The newest, standing for at least a third of all."""
        newest: list[Bounds] = []
        stood_for = 0
        for bounds in reversed(self._rows):
            if stood_for * 3 >= self.count:
                break
            newest.append(bounds)
            stood_for += bounds.stands_for
        return newest[::-1]

    def thin(self, drift_ppm: float) -> None:
        """When there are many: of the older ones leave those along the edges. drift_ppm: of the line through them."""
        if len(self._rows) <= _MOST:
            return
        rows = list(self._rows)
        older, newest = rows[:-WHOLE], rows[-WHOLE:]
        # Answers overtake one another: the order is only about that of time.
        first_us = min(b.local_us for b in older)
        span_us = max(b.local_us for b in older) - first_us + 1
        stretches: list[list[Bounds]] = [[] for _ in range(_STRETCHES)]
        for bounds in older:
            stretches[(bounds.local_us - first_us) * _STRETCHES // span_us].append(bounds)
        left = [exchange for stretch in stretches for exchange in _along_the_edges(stretch, drift_ppm * 1e-6)]
        self._rows = deque(left + newest)

    def _forget_oldest(self) -> None:
        self.count -= self._rows.popleft().stands_for


def _along_the_edges(stretch: list[Bounds], drift: float) -> list[Bounds]:
    """The quickest each way, in order; together they stand for all of the stretch."""
    if len(stretch) <= 2 * _QUICKEST:
        return stretch
    there = sorted(stretch, key=lambda b: b.there_us - b.local_us * drift)[:_QUICKEST]
    back = sorted(stretch, key=lambda b: b.local_us * drift - b.back_us)[:_QUICKEST]
    left = sorted(set(there) | set(back), key=lambda b: b.local_us)
    stood_for = sum(b.stands_for for b in stretch)
    # Alike for each, so that wherever the older half is cut off, half of what is counted goes.
    share, rest = divmod(stood_for, len(left))
    return [b._replace(stands_for=share + (k < rest)) for k, b in enumerate(left)]
