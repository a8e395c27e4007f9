"""Plan upkeep: reports what is over and forgets what has expired, while time is steady; sorts out a jump of time."""

from receiver.alerts.alert_inbox import AlertInbox
from receiver.inbox import MessageInbox
from receiver.link.connection import Connection
from receiver.link.outbox import Outbox
from receiver.link.play_reporter import PlayReporter
from receiver.live.live_gaps import LiveGaps
from receiver.playout.playback_failures import PlaybackFailures
from receiver.store.plan import Plan
from receiver.timing.time_jumps import TimeJumps


class PlanUpkeep:
    """One thread."""

    def __init__(
        self,
        plan: Plan,
        reporter: PlayReporter,
        failures: PlaybackFailures,
        live_gaps: LiveGaps,
        outbox: Outbox,
        inbox: MessageInbox,
        connection: Connection,
        alerts: AlertInbox,
    ) -> None:
        self._plan, self._reporter, self._failures, self._live_gaps = plan, reporter, failures, live_gaps
        self._outbox, self._inbox, self._connection, self._alerts = outbox, inbox, connection, alerts
        self._jumps = TimeJumps()

    def step(self, now_us: int, now_local_us: int, volume_percent: int, fault: str) -> bool:
        """Whether the plan may have changed. now_us: controller time. fault: of the card, "" for none."""
        jumped = self._jumps.step(now_us, now_local_us)
        if jumped:
            # Read again what the broker retains, and judge again what was refused by the time before.
            self._connection.read_retained_again()
            self._inbox.judge_again()
            self._reporter.time_jumped(now_us)
            self._outbox.reseal(now_us)
        if not self._jumps.steady(now_local_us):
            self._reporter.keep_now_and_then(now_local_us)
            return jumped  # what is over by a jump may be still to come
        self._reporter.step(now_us, now_local_us, volume_percent, fault)
        gone = []
        if self._jumps.long_steady(now_local_us):
            gone = self._plan.drop_expired(now_us) + self._alerts.drop_expired(now_us)
        if gone:
            self._reporter.forget(gone)
            self._failures.forget(gone)
            self._live_gaps.forget(gone)
        return bool(gone)
