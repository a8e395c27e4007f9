"""Alert reports: by which bearer an alert or its end came, and when it took effect at the horn."""

from typing import Protocol

from receiver.alerts.alert_inbox import AlertInbox
from receiver.alerts.held_alerts import HeldAlert
from receiver.link.outbox import Outbox, report_header
from receiver.playout.played import Played
from wire.alert_broadcasts import broadcast_of
from wire.reports import AlertReport

#: An alert that has not taken effect after this time is reported with the cause.
LATE_AFTER_US = 3_000_000
#: When the sound of a stopped alert has surely left the card.
_SILENT_AFTER_US = 600_000
#: What arrived so long before this program began is not reported again.
_OLD_US = 86_400_000_000


class PlayedSource(Protocol):
    """What was handed to the card (`receiver.playout.playout.Playout`)."""

    def played(self, broadcast: str) -> Played | None: ...

    def now_broadcast(self) -> str: ...


class AlertReporter:
    """For the main thread."""

    def __init__(self, receiver: str, inbox: AlertInbox, playout: PlayedSource, outbox: Outbox) -> None:
        self._receiver, self._inbox, self._playout, self._outbox = receiver, inbox, playout, outbox
        self._said_late: set[tuple[str, bool]] = set()

    def step(self, now_us: int) -> None:
        """Report what has taken effect, or should have. now_us: controller time."""
        for held in self._inbox.held():
            if held.reported or now_us - held.arrived_at_us > _OLD_US:
                continue
            key = held.alert.alert, held.alert.is_end
            took_effect_at_us = self._took_effect_at_us(held, now_us)
            if took_effect_at_us:
                self._report(held, now_us, took_effect_at_us, "")
                self._inbox.reported(held)
            elif held.overtaken:
                self._report(held, now_us, 0, "overtaken")
                self._inbox.reported(held)
            elif now_us - held.arrived_at_us >= LATE_AFTER_US and key not in self._said_late:
                self._said_late.add(key)
                self._report(held, now_us, 0, self._cause(held))

    def _took_effect_at_us(self, held: HeldAlert, now_us: int) -> int:
        played = self._playout.played(broadcast_of(held.alert.alert, is_end=False))
        if not held.alert.is_end:
            return played.first_frame_at_us if played is not None else 0
        if now_us - held.arrived_at_us < _SILENT_AFTER_US:
            return 0
        return max(held.arrived_at_us, played.last_frame_at_us if played is not None else 0)

    def _cause(self, held: HeldAlert) -> str:
        manifest = self._inbox.manifest(broadcast_of(held.alert.alert, is_end=held.alert.is_end))
        if manifest is None:
            return "unknown_template"
        sounding = self._playout.now_broadcast()
        return "superseded" if sounding not in ("", manifest.broadcast) else "not_sounding"

    def _report(self, held: HeldAlert, now_us: int, took_effect_at_us: int, cause: str) -> None:
        report = AlertReport(
            **report_header(self._receiver, now_us),
            alert=held.alert.alert,
            is_end=held.alert.is_end,
            is_drill=held.alert.is_drill,
            bearer=held.bearer,
            arrived_at_us=held.arrived_at_us,
            took_effect_at_us=took_effect_at_us,
            cause=cause,
        )
        self._outbox.put(report)
