"""What the page of an emergency shows: receiver by receiver who sounds, who does not and why, what is tried next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.alert_settings import alert_settings
from alerts.emergency_alerts import AlertReceipt, AlertState, EmergencyAlert, SmsState, receipts_of
from alerts.sms_deliveries import SmsKey
from alerts.templates import SILENT_DRILL
from broadcast.play_reports import reports_of
from devices.presence_states import PresenceState
from devices.receivers import Receiver, reached_by
from runtime.refusal import N_
from web.deps import Deps
from web.labels.emergencies import ALERT_CAUSES, BEARERS, NEXT_STEPS, sms_sentence
from web.language import Translator


@dataclass(frozen=True)
class SoundingReceiver:
    """sign: of the page's states. took_ms: from sent to its first sample. ended_ms: from the end to its silence.

    sms: what became of SMS to it, "" for none.
    heard: whether its microphone found it; None without one, or before the report.
    """

    receiver: Receiver
    sms: str
    sign: str
    word: str
    bearer: str
    took_ms: float | None
    ended_ms: float | None
    next_step: str
    heard: bool | None = None


@dataclass(frozen=True)
class SmsOffer:
    """due: to how many it can be sent now. failed: of these, to how many it failed before.

    without_phone: how many would need one and have no number. sent: messages so far, ends too. price_vnd: of one, 0
    when it is not known.
    """

    is_set_up: bool
    due: int
    failed: int
    without_phone: int
    sent: int
    price_vnd: int


@dataclass(frozen=True)
class AlertView:
    alert: EmergencyAlert
    state: AlertState
    rows: list[SoundingReceiver]
    sms: SmsOffer

    @property
    def sounding(self) -> int:
        return sum(row.took_ms is not None for row in self.rows)

    @property
    def slowest_ms(self) -> float | None:
        return max((row.took_ms for row in self.rows if row.took_ms is not None), default=None)

    @property
    def silenced(self) -> int:
        return sum(row.ended_ms is not None for row in self.rows)


def alert_view(session: Session, deps: Deps, t: Translator, alert: EmergencyAlert) -> AlertView:
    now = deps.clock.now()
    state = alert.state(now)
    receipts = _receipts(session, deps, alert)
    rows = list(_rows(session, deps, t, alert, receipts, now)) if alert.issued_at is not None else []
    # Trouble first: it is what a person has to do something about.
    ordered = sorted(rows, key=lambda row: (row.took_ms is not None, row.receiver.name))
    need = deps.desk.sms.need(session, alert)
    offer = SmsOffer(
        deps.desk.sms.is_set_up,
        len(need.due),
        len(need.failed),
        len(need.without_phone),
        sum(receipt.sms_state == SmsState.SENT for receipt in receipts.values()),
        alert_settings(session, alert.commune_id).sms_price_vnd,
    )
    return AlertView(alert, state, ordered, offer)


def _receipts(session: Session, deps: Deps, alert: EmergencyAlert) -> dict[SmsKey, AlertReceipt]:
    """With what is known of SMS and not written down yet."""
    receipts = {SmsKey(r.alert_id, r.receiver_id, r.is_end): r for r in receipts_of(session, alert.id)}
    for key, sms in deps.desk.sms.states(alert.id).items():
        receipt = receipts.get(key) or AlertReceipt(**key._asdict())
        written = {"sms_state": sms.state.value, "sms_at": sms.at, "sms_tries": sms.tries, "sms_error": sms.error}
        receipts[key] = AlertReceipt(**receipt.model_dump() | written)
    return receipts


def _rows(
    session: Session,
    deps: Deps,
    t: Translator,
    alert: EmergencyAlert,
    receipts: dict[SmsKey, AlertReceipt],
    now: datetime,
) -> Iterator[SoundingReceiver]:
    starts, ends = dict[str, AlertReceipt](), dict[str, AlertReceipt]()
    sms = dict[str, list[str]]()
    for key, receipt in receipts.items():
        if receipt.sms_state:
            sms.setdefault(key.receiver_id, []).append(sms_sentence(t, receipt))
        if receipt.arrived_at is not None:
            (ends if key.is_end else starts)[key.receiver_id] = receipt
    reports, statuses = reports_of(session, alert.broadcast_id), deps.presence.snapshot(now)
    for receiver in reached_by(session, alert.commune_id, alert.audience, alert.issued_at):
        start, end, report = starts.get(receiver.id), ends.get(receiver.id), reports.get(receiver.id)
        took_ms = _ms(start.took_effect_at if start is not None else None, alert.issued_at)
        ended_ms = _ms(end.took_effect_at if end is not None else None, alert.ended_at)
        status = statuses.get(receiver.id)
        is_away = status is None or status.state in (PresenceState.OFFLINE, PresenceState.NEW)
        sign, word, step = _judged(alert, start, took_ms, ended_ms, now, is_away=is_away)
        yield SoundingReceiver(
            receiver,
            " · ".join(sms.get(receiver.id, [])),
            sign,
            t(word),
            t(BEARERS.get(start.bearer, start.bearer)) if start is not None else "",
            took_ms,
            ended_ms,
            t(NEXT_STEPS[step]) if step and alert.state(now) is AlertState.SENT else "",
            report.microphone_heard if report is not None else None,
        )


def _judged(
    alert: EmergencyAlert,
    start: AlertReceipt | None,
    took_ms: float | None,
    ended_ms: float | None,
    now: datetime,
    *,
    is_away: bool,
) -> tuple[str, str, str]:
    """Sign, message id, and what is tried next."""

    until = alert.sounds_until
    if took_ms is not None:
        if alert.ended_at is not None and ended_ms is None and now < alert.ended_at + timedelta(seconds=10):
            return "on_air", N_("still sounds"), ""
        over = alert.ended_at is not None or (until is not None and now >= until)
        return ("ready", N_("has sounded"), "") if over else ("on_air", N_("sounds"), "")
    if start is not None and alert.template == SILENT_DRILL:
        return "ready", ALERT_CAUSES["silent"], ""
    if start is not None:
        return "fault", ALERT_CAUSES.get(start.cause, start.cause or N_("it has received the message")), "cause"
    if is_away:
        return "offline", N_("no connection"), "offline"
    return "late", N_("no answer yet"), "waiting"


def _ms(at: datetime | None, since: datetime | None) -> float | None:
    return None if at is None or since is None else (at - since) / timedelta(milliseconds=1)
