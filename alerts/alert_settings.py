"""How a commune handles emergencies: languages and voice, how soon a second person must confirm, drills by schedule."""

from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel

from alerts.texts import ENGLISH, VIETNAMESE
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal

LEAST_CONFIRM_S, MOST_CONFIRM_S = 30, 1800
VOICE = "espeak:vi"


class AlertSettings(SQLModel, table=True):
    """Of one commune. languages: separated by blanks, Vietnamese first.

    drill_week: of the month, 1 to 4, 0 for no drills by schedule. drill_weekday: 0 is Monday. drill_minute: of the day.
    drilled_at: the due instant of the last scheduled drill.
    book_revision, book_digest: of the alert book as it was last sent.
    """

    __tablename__ = "alert_settings"

    commune_id: str = Field(primary_key=True, foreign_key="commune.id")
    languages: str = VIETNAMESE
    voice: str = VOICE
    confirm_within_s: int = 180
    drill_week: int = 0
    drill_weekday: int = 0
    drill_minute: int = 540
    drill_is_silent: bool = True
    drilled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    book_revision: int = 0
    book_digest: str = ""

    @property
    def subject(self) -> str:
        return f"alert_settings {self.commune_id}"

    @property
    def settings_shown(self) -> list[object]:
        drill = [self.drill_week, self.drill_weekday, self.drill_minute, self.drill_is_silent]
        return [self.languages, self.voice, self.confirm_within_s, *drill]

    @property
    def spoken(self) -> list[str]:
        return self.languages.split()

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
    changed.drill_is_silent = drill_is_silent
    session.add(changed)
    session.flush()
    return changed
