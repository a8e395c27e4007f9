"""Zones: named sets of receivers. Which receivers are in each, and which schedules are heard there?"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices.receivers import receivers
from devices.zones import Zone, zones, zones_of_all
from noise.noise_rules import rules_of
from people.rights import Action
from schedules.schedules import Schedule
from usecases.schedules import title_of
from usecases.zones import add_zone, change_zone, restore_zone, retire_zone, schedules_by_zone, zone_of
from web.flash import saved
from web.removed_things import after_removal
from web.request_context import In, Reading, back_to, changes

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class ZoneRow:
    """schedules: number and title of those that are heard in it by its name. has_hours: allowed hours of its own."""

    zone: Zone
    receivers: list[str]
    schedules: list[tuple[int, str]]
    has_hours: bool


def zones_view(session: Session, commune_id: str) -> list[ZoneRow]:
    """By name. The number of queries grows with the schedules that name a zone only."""
    in_service = receivers(session, commune_id)
    memberships = zones_of_all(session, [receiver.id for receiver in in_service])
    users, rules = schedules_by_zone(session, commune_id), rules_of(session, commune_id)
    return [
        ZoneRow(
            zone,
            [receiver.name for receiver in in_service if zone.id in memberships[receiver.id]],
            _titles(session, users.get(zone.id, [])),
            zone.id in rules,
        )
        for zone in zones(session, commune_id)
    ]


@router.get("/zones")
def page(frame: In, session: Reading) -> HTMLResponse:
    return frame.page("zones.html", rows=zones_view(session, frame.commune_id))


@router.get("/zones/{zone_id}")
def one(frame: In, session: Reading, zone_id: str) -> HTMLResponse:
    """Its name and its receivers, to be changed."""
    zone = zone_of(session, frame.commune_id, zone_id)
    in_service = receivers(session, frame.commune_id)
    memberships = zones_of_all(session, [receiver.id for receiver in in_service])
    return frame.page(
        "zone.html",
        zone=zone,
        receivers=in_service,
        members={receiver_id for receiver_id, zone_ids in memberships.items() if zone_id in zone_ids},
        schedules=_titles(session, schedules_by_zone(session, frame.commune_id).get(zone_id, [])),
    )


@router.post("/zones", dependencies=[changes(Action.RECEIVERS)])
def add(frame: In, name: Annotated[str, Form()], zone_id: Annotated[str, Form()] = "") -> Response:
    added = add_zone(frame.deps.services, frame.actor, frame.commune_id, zone_id.strip(), name)
    return back_to(frame.request, f"/zones/{added.id}", saved(added.name, f"/zones/{added.id}"))


@router.post("/zones/{zone_id}", dependencies=[changes(Action.RECEIVERS)])
def change(
    frame: In,
    zone_id: str,
    name: Annotated[str, Form()],
    receivers: Annotated[list[str] | None, Form()] = None,
) -> Response:
    change_zone(frame.deps.services, frame.actor, frame.commune_id, zone_id, name, receivers or [])
    return back_to(frame.request, f"/zones#zone-{zone_id}", saved(name, f"/zones/{zone_id}"))


@router.post("/zones/{zone_id}/retire", dependencies=[changes(Action.RECEIVERS)])
def do_retire(frame: In, zone_id: str) -> Response:
    retire_zone(frame.deps.services, frame.actor, frame.commune_id, zone_id)
    return after_removal(frame, "zone", zone_id)


@router.post("/zones/{zone_id}/restore", dependencies=[changes(Action.RECEIVERS)])
def do_restore(frame: In, zone_id: str) -> Response:
    restore_zone(frame.deps.services, frame.actor, frame.commune_id, zone_id)
    return back_to(frame.request, f"/zones#zone-{zone_id}")


def _titles(session: Session, used: list[Schedule]) -> list[tuple[int, str]]:
    return [(schedule.number, title_of(session, schedule)) for schedule in used]
