"""The parts of a receiver's config that `devices` does not know: allowed hours, night level, holidays, backup clip."""

from datetime import date

from sqlmodel import Session

from broadcast.backup_clip import backup_item
from devices.downlink import ConfigParts
from noise.noise_rules import days_off_ahead, hours_for, night_levels_for, rules_of


def config_parts(session: Session, commune_id: str, today: date) -> ConfigParts:
    """The `devices.downlink.ConfigPartsProvider` of the controller."""
    rules = rules_of(session, commune_id)
    return ConfigParts(
        allowed_hours=lambda zone_ids: hours_for(rules, zone_ids),
        night_levels=lambda zone_ids: night_levels_for(rules, zone_ids),
        days_off=days_off_ahead(today) if rules else [],
        backup=backup_item(session, commune_id),
    )
