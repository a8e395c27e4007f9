"""How a commune handles emergencies: languages and voice, how soon a second person must confirm, drills by schedule."""

from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, false, text, true
from sqlmodel import Field, Session, SQLModel

from alerts.hazards import Hazard
from alerts.templates import AlertMessage, message_of
from alerts.texts import ENGLISH, VIETNAMESE
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal

LEAST_CONFIRM_S, MOST_CONFIRM_S = 30, 1800
#: A receiver reports within 3 s that an alert has arrived, also when it cannot sound yet.
LEAST_SMS_AFTER_S, MOST_SMS_AFTER_S = 4, 600
MOST_SMS_PRICE_VND = 100_000
VOICE = "espeak:vi"
STORM = AlertMessage(Hazard.STORM).template(is_drill=False)


class AlertSettings(SQLModel, table=True):
    """Of one commune. languages: separated by blanks, Vietnamese first.

    sms_after_s: after which a receiver that has not confirmed an alert is offered one by SMS.
    sms_is_automatic: it is sent then without being asked for. sms_price_vnd: of one SMS, 0 when it is not known.
    drill_week: of the month, 1 to 4, 0 for no drills by schedule. drill_weekday: 0 is Monday. drill_minute: of the day.
    drill_template: which message a drill by schedule plays. drilled_at: the due instant of the last scheduled drill.
    trigger_template: which message a key switch at a receiver starts, 0 for none.
    trigger_ends_on_release: opening the switch ends it, and until then it is repeated.
    book_revision, book_digest: of the alert book as it was last sent.
    """

    __tablename__ = "alert_settings"

    commune_id: str = Field(primary_key=True, foreign_key="commune.id")
    languages: str = VIETNAMESE
    voice: str = VOICE
    confirm_within_s: int = 180
    sms_after_s: int = Field(default=10, sa_column_kwargs={"server_default": text("10")})
    sms_is_automatic: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": false()})
    sms_price_vnd: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    drill_week: int = 0
    drill_weekday: int = 0
    drill_minute: int = 540
    drill_is_silent: bool = True
    drill_template: int = Field(default=STORM, sa_column_kwargs={"server_default": text(str(STORM))})
    drilled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    trigger_template: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    trigger_ends_on_release: bool = Field(default=True, sa_type=Boolean, sa_column_kwargs={"server_default": true()})
    book_revision: int = 0
    book_digest: str = ""

    @property
    def subject(self) -> str:
        return f"alert_settings {self.commune_id}"

    @property
    def settings_shown(self) -> list[object]:
        drill = [self.drill_week, self.drill_weekday, self.drill_minute, self.drill_is_silent, self.drill_template]
        trigger = [self.trigger_template, self.trigger_ends_on_release]
        sms = [self.sms_after_s, self.sms_is_automatic, self.sms_price_vnd]
        return [self.languages, self.voice, self.confirm_within_s, *drill, *sms, *trigger]

    @property
    def spoken(self) -> list[str]:
        return self.languages.split()

    @property
    def sms_after(self) -> timedelta:
        return timedelta(seconds=self.sms_after_s)

    @property
    def confirm_within(self) -> timedelta:
        return timedelta(seconds=self.confirm_within_s)


def alert_settings(session: Session, commune_id: str) -> AlertSettings:
    """Not kept yet when nobody changed any."""
    return session.get(AlertSettings, commune_id) or AlertSettings(commune_id=commune_id)


def set_alert_settings(
    session: Session,
    commune_id: str,
    *,
    english: bool,
    voice: str,
    confirm_within_s: int,
    drill_week: int,
    drill_weekday: int,
    drill_minute: int,
    drill_is_silent: bool,
    drill_template: int = STORM,
) -> AlertSettings:
    """Raises Refusal. voice: one that is installed."""
    if not LEAST_CONFIRM_S <= confirm_within_s <= MOST_CONFIRM_S:
        raise Refusal(N_("Type a number from {least} to {most}."), least=LEAST_CONFIRM_S, most=MOST_CONFIRM_S).at(
            "confirm_within_s"
        )
    if not (0 <= drill_week <= 4 and 0 <= drill_weekday <= 6 and 0 <= drill_minute < 24 * 60):
        raise Refusal(N_("Choose the week, the weekday and the time of the drills.")).at("drill_week")
    changed = alert_settings(session, commune_id)
    changed.languages = f"{VIETNAMESE} {ENGLISH}" if english else VIETNAMESE
    changed.voice, changed.confirm_within_s = voice, confirm_within_s
    changed.drill_week, changed.drill_weekday, changed.drill_minute = drill_week, drill_weekday, drill_minute
    changed.drill_is_silent, changed.drill_template = drill_is_silent, _prepared(drill_template, "drill_template")
    session.add(changed)
    session.flush()
    return changed


def set_trigger(session: Session, commune_id: str, *, template: int, ends_on_release: bool) -> AlertSettings:
    """template: 0: a key switch starts nothing. Raises Refusal."""
    changed = alert_settings(session, commune_id)
    changed.trigger_template = _prepared(template, "trigger_template") if template else 0
    changed.trigger_ends_on_release = ends_on_release
    session.add(changed)
    session.flush()
    return changed


def _prepared(template: int, field: str) -> int:
    """The same. Raises Refusal when it is not a prepared message's."""
    try:
        message = message_of(template)
    except ValueError:
        message = AlertMessage(None)
    if message.hazard is None:
        raise Refusal(N_("Choose one of the prepared messages.")).at(field)
    return message.template(is_drill=False)


def set_sms_settings(
    session: Session, commune_id: str, *, after_s: int, is_automatic: bool, price_vnd: int
) -> AlertSettings:
    """Raises Refusal."""
    if not LEAST_SMS_AFTER_S <= after_s <= MOST_SMS_AFTER_S:
        raise Refusal(N_("Type a number from {least} to {most}."), least=LEAST_SMS_AFTER_S, most=MOST_SMS_AFTER_S).at(
            "sms_after_s"
        )
    if not 0 <= price_vnd <= MOST_SMS_PRICE_VND:
        raise Refusal(N_("Type a number from {least} to {most}."), least=0, most=MOST_SMS_PRICE_VND).at("sms_price_vnd")
    changed = alert_settings(session, commune_id)
    changed.sms_after_s, changed.sms_is_automatic, changed.sms_price_vnd = after_s, is_automatic, price_vnd
    session.add(changed)
    session.flush()
    return changed
