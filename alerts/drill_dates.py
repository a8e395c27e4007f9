"""When drills by schedule are due: the nth weekday of each month, at a time of the commune's day."""

from datetime import date, datetime, timedelta

from alerts.alert_settings import AlertSettings
from devices.communes import Commune


def last_due(settings: AlertSettings, commune: Commune, now: datetime) -> datetime | None:
    """The newest due instant that is not after `now`; None without a schedule."""
    if not settings.drill_week:
        return None
    today = now.astimezone(commune.zone).date()
    for first in (today.replace(day=1), (today.replace(day=1) - timedelta(days=1)).replace(day=1)):
        due = _due_in(settings, commune, first)
        if due <= now:
            return due
    return None


def _due_in(settings: AlertSettings, commune: Commune, first: date) -> datetime:
    day = first + timedelta(days=(settings.drill_weekday - first.weekday()) % 7 + 7 * (settings.drill_week - 1))
    hour, minute = divmod(settings.drill_minute, 60)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=commune.zone)
