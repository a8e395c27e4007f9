"""Noise rules: set the allowed hours, the night level and the noise budget of a commune or a zone."""

from collections.abc import Sequence

from devices.communes import commune
from devices.receivers import receivers
from devices.zones import zone
from noise import noise_rules
from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.services import Services
from wire.allowed_hours import AllowedHours, NightLevel


def set_rules(
    services: Services,
    actor: Actor,
    commune_id: str,
    zone_id: str,
    *,
    hours: Sequence[AllowedHours],
    night: NightLevel | None,
    minutes_a_day: int | None,
    minutes_a_week: int | None,
    refuses: bool,
) -> None:
    """zone_id: "" for the commune. Receivers are told at once; what is planned outside is withdrawn by the plan."""
    with services.database.writing() as session:
        # 1. Right.
        actor.need(Action.ALLOWED_HOURS, commune_id)
        # 2. and 3. Rules (they are as they were shown), write.
        before = noise_rules.rules_of(session, commune_id).get(zone_id)
        about = before or noise_rules.NoiseRules(commune_id=commune_id, zone_id=zone_id)
        actor.check_shown(session, about)
        noise_rules.set_rules(
            session,
            commune_id,
            zone_id,
            hours=hours,
            night=night,
            minutes_a_day=minutes_a_day,
            minutes_a_week=minutes_a_week,
            refuses=refuses,
        )
        # 4. Audit.
        place = zone(session, zone_id).name if zone_id else commune(session, commune_id).name
        actor.note(session, services.clock.now(), commune_id, Deed.ALLOWED_HOURS_SET, place, about=about)
        concerned = [receiver.id for receiver in receivers(session, commune_id)]
    # 5. After the commit.
    services.configure(concerned)
    services.plan(commune_id)
