"""The order in which SMS are tried: real ones before drills, ends before alerts, then by the instant they are due."""

import heapq
from itertools import count

from alerts.emergency_alerts import SmsState
from alerts.sms_deliveries import SmsDelivery

#: While no more may be sent in this minute.
_LIMITED_S = 0.5
_Entry = tuple[tuple[bool, bool, int], int, SmsDelivery]


class SmsSchedule:
    """The caller keeps threads apart. A message that has changed since it was added is passed over."""

    def __init__(self) -> None:
        self._later: list[tuple[int, int, SmsDelivery]] = []
        self._new: list[_Entry] = []
        self._waiting: list[_Entry] = []
        self._count = count()

    def add(self, delivery: SmsDelivery) -> None:
        """It is to be tried at its `due_us`."""
        heapq.heappush(self._later, (delivery.due_us, next(self._count), delivery))

    def take(self, now_us: int, *, may_send: bool) -> SmsDelivery | None:
        """The next that is due, None for none. may_send: else only of those that were handed over and wait."""
        while self._later and self._later[0][0] <= now_us:
            due_us, number, delivery = heapq.heappop(self._later)
            if _is_due(delivery, due_us):
                due = self._waiting if delivery.is_waiting else self._new
                heapq.heappush(due, (delivery.order, number, delivery))
        for due in (self._waiting, self._new) if may_send else (self._waiting,):
            while due:
                order, _, delivery = heapq.heappop(due)
                if _is_due(delivery, order[-1]):
                    return delivery
        return None

    def pause_s(self, now_us: int) -> float | None:
        """When to look again after `take` gave none; None when nothing is queued."""
        if self._new:
            return _LIMITED_S
        return min(_LIMITED_S, max(0.0, (self._later[0][0] - now_us) / 1e6)) if self._later else None


def _is_due(delivery: SmsDelivery, due_us: int) -> bool:
    return delivery.state is SmsState.QUEUED and not delivery.in_progress and delivery.due_us == due_us
