"""Zones: add, rename and choose the members, retire, restore."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from devices import receivers as receiver_table
from devices import zones
from devices.zones import Zone, zones_of
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules.freezing import freeze_past
from schedules.schedules import Schedule, schedules
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.revisions import check_present
from usecases.schedules import title_of
from usecases.services import Services


def zone_of(session: Session, commune_id: str, zone_id: str) -> Zone:
    """A zone of this commune, in use or not. Raises NotFound."""
    return own(zones.zone(session, zone_id), commune_id, N_("Zone {id} does not exist."), id=zone_id[:80])


def schedules_by_zone(session: Session, commune_id: str) -> dict[str, list[Schedule]]:
    """The schedules that are heard in each zone by its name, not as a part of the whole commune."""
    by_zone: dict[str, list[Schedule]] = {}
    for schedule in schedules(session, commune_id):
        for zone_id in schedule.audience.zones:
            by_zone.setdefault(zone_id, []).append(schedule)
    return by_zone


def add_zone(services: Services, actor: Actor, commune_id: str, zone_id: str, name: str) -> Zone:
    """zone_id: "" for one made from the name."""
    with services.database.writing() as session:
        return add_zone_in(session, actor, commune_id, zone_id, name, services.clock.now())


def add_zone_in(session: Session, actor: Actor, commune_id: str, zone_id: str, name: str, now: datetime) -> Zone:
    actor.need(Action.RECEIVERS, commune_id)
    zone = zones.add_zone(session, commune_id, zone_id, name)
    actor.note(session, now, commune_id, Deed.ZONE_ADDED, zone.name, about=zone)
    return zone


def change_zone(
    services: Services, actor: Actor, commune_id: str, zone_id: str, name: str, receiver_ids: Collection[str]
) -> None:
    """receiver_ids: all that are in it from now on."""
    with services.database.writing() as session:
        now = services.clock.now()
        # 1. Right.
        actor.need(Action.RECEIVERS, commune_id)
        zone = zone_of(session, commune_id, zone_id)
        # 2. and 3. Rules (it is as it was shown, and in use), write.
        actor.check_shown(session, zone)
        check_present(session, zone)
        freeze_past(session, now)
        before = zone.name
        zones.rename_zone(session, zone_id, name)
        moved = _set_members(session, commune_id, zone_id, set(receiver_ids))
        # 4. Audit.
        detail = zone.name if before == zone.name else f"{before} → {zone.name}"
        detail += f": {len(zones.member_ids(session, zone_id))}" if moved else ""
        actor.note(session, now, commune_id, Deed.ZONE_CHANGED, detail, about=zone)
    # 5. After the commit.
    services.configure(moved)
    services.plan(commune_id)


def retire_zone(services: Services, actor: Actor, commune_id: str, zone_id: str) -> None:
    """Raises Refusal while schedules are heard in it: they would fall silent."""
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.RECEIVERS, commune_id)
        zone = zone_of(session, commune_id, zone_id)
        if zone.retired_at is not None:
            return
        actor.check_shown(session, zone)
        if users := schedules_by_zone(session, commune_id).get(zone_id):
            names = ", ".join(f"“{title_of(session, schedule)}”" for schedule in users[:5])
            raise Refusal(
                N_("Zone “{name}” is still in {n} schedules: {names}. Choose another place for them first."),
                name=zone.name,
                n=len(users),
                names=names,
            )
        freeze_past(session, now)
        zones.retire_zone(session, zone_id, now)
        concerned = _renumber(session, zone_id)
        actor.note(session, now, commune_id, Deed.ZONE_RETIRED, zone.name, about=zone)
    services.configure(concerned)
    services.plan(commune_id)


def restore_zone(services: Services, actor: Actor, commune_id: str, zone_id: str) -> None:
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.RECEIVERS, commune_id)
        zone = zone_of(session, commune_id, zone_id)
        if zone.retired_at is None:
            return
        actor.check_shown(session, zone)
        freeze_past(session, now)
        zones.restore_zone(session, zone_id)
        concerned = _renumber(session, zone_id)
        actor.note(session, now, commune_id, Deed.ZONE_RESTORED, zone.name, about=zone)
    services.configure(concerned)
    services.plan(commune_id)


def _set_members(session: Session, commune_id: str, zone_id: str, wanted: set[str]) -> list[str]:
    """Gives the ids of the receivers that came or went."""
    in_service = {receiver.id for receiver in receiver_table.receivers(session, commune_id)}
    if unknown := sorted(wanted - in_service):
        raise Refusal(N_("Receiver {id} does not exist."), id=unknown[0][:80])
    now_in = set(zones.member_ids(session, zone_id)) & in_service
    moved = sorted(wanted ^ now_in)
    for receiver_id in moved:
        others = set(zones_of(session, receiver_id)) - {zone_id}
        chosen = others | ({zone_id} if receiver_id in wanted else set())
        receiver_table.change_receiver(session, receiver_id, zones=sorted(chosen))
    return moved


def _renumber(session: Session, zone_id: str) -> list[str]:
    """Let the configs of its receivers count as new, since they name the zones. Gives the receivers' ids."""
    members = [receiver.id for receiver in receiver_table.members(session, zone_id)]
    for receiver_id in members:
        receiver_table.change_receiver(session, receiver_id)
    return members
