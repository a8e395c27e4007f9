"""Zones: add."""

from datetime import datetime

from sqlmodel import Session

from devices import zones
from devices.zones import Zone
from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.services import Services


def add_zone(services: Services, actor: Actor, commune_id: str, zone_id: str, name: str) -> Zone:
    with services.database.writing() as session:
        return add_zone_in(session, actor, commune_id, zone_id, name, services.clock.now())


def add_zone_in(session: Session, actor: Actor, commune_id: str, zone_id: str, name: str, now: datetime) -> Zone:
    actor.need(Action.RECEIVERS, commune_id)
    zone = zones.add_zone(session, commune_id, zone_id, name)
    actor.note(session, now, commune_id, Deed.ZONE_ADDED, name, about=zone)
    return zone
