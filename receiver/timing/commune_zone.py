"""The time zone in which a commune's allowed hours, night levels and fetch window are given."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.commands import Config


def zone_of(config: Config) -> ZoneInfo:
    """Falls back to Vietnam's offset, which needs no time zone database, when the zone is not on this machine."""
    try:
        return ZoneInfo(config.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("Etc/GMT-7")
