"""Stations and the commune's outline on the map: add, change, move receivers between stations, remove."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from devices import outlines, stations
from devices import receivers as receiver_table
from devices.stations import Station, StationKind
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.services import Services


@dataclass(frozen=True)
class StationSettings:
    """What people set of a station."""

    kind: StationKind
    name: str
    maker: str = ""
    former_commune: str = ""


def station_of(session: Session, commune_id: str, number: int) -> Station:
    """A station of this commune. Raises NotFound."""
    return own(stations.station(session, number), commune_id, N_("This station no longer exists."))


def add_station(services: Services, actor: Actor, commune_id: str, settings: StationSettings) -> Station:
    with services.database.writing() as session:
        return add_station_in(session, actor, commune_id, settings, services.clock.now())


def add_station_in(
    session: Session, actor: Actor, commune_id: str, settings: StationSettings, now: datetime
) -> Station:
    actor.need(Action.RECEIVERS, commune_id)
    station = stations.add_station(session, commune_id, **asdict(settings))
    actor.note(session, now, commune_id, Deed.STATION_ADDED, _described(station), about=station)
    return station


def change_station(services: Services, actor: Actor, commune_id: str, number: int, settings: StationSettings) -> None:
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        station = station_of(session, commune_id, number)
        actor.check_shown(session, station)
        before = _described(station)
        stations.change_station(session, number, **asdict(settings))
        detail = f"{before} → {_described(station)}"
        actor.note(session, services.clock.now(), commune_id, Deed.STATION_CHANGED, detail, about=station)


def move_receivers(
    services: Services,
    actor: Actor,
    commune_id: str,
    receiver_ids: Sequence[str],
    *,
    to_station: int,
    from_station: int | None = None,
) -> None:
    """Receivers of this commune to another of its stations. from_station: where all of them must be, as shown."""
    if not receiver_ids:
        raise Refusal(N_("Choose the receivers to move to another station.")).at("receivers")
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        moved = [receiver_table.receiver(session, receiver_id) for receiver_id in receiver_ids]
        for receiver in moved:
            if receiver.commune_id != commune_id:
                raise NotFound(N_("Receiver {id} does not exist."), id=receiver.id)
            if from_station is not None and receiver.station_id != from_station:
                station = stations.station(session, receiver.station_id).name
                raise Refusal(
                    N_("“{receiver}” now belongs to “{station}”. Nothing was moved. Open the page again."),
                    receiver=receiver.name,
                    station=station,
                )
        before = sorted({stations.station(session, receiver.station_id).name for receiver in moved})
        receiver_table.move_receivers(session, list(receiver_ids), to_station)
        after = stations.station(session, to_station).name
        names = ", ".join(receiver.name for receiver in moved)
        detail = f"{names}: {', '.join(before)} → {after}"
        actor.note(session, services.clock.now(), commune_id, Deed.RECEIVER_CHANGED, detail)


def remove_station(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """Remove a station without receivers."""
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        station = station_of(session, commune_id, number)
        actor.check_shown(session, station)
        described = _described(station)
        receiver_table.remove_station(session, number)
        actor.note(session, services.clock.now(), commune_id, Deed.STATION_REMOVED, described)


def set_outline(services: Services, actor: Actor, commune_id: str, content: bytes | None) -> None:
    """content: a GeoJSON file, or None for no outline. Raises Refusal."""
    actor.need(Action.RECEIVERS, commune_id)
    # Before the transaction: reading takes its time.
    outline = None if content is None else outlines.read_foreign_outline(content, source=commune_id)
    with services.database.writing() as session:
        shown = outlines.outline_of(session, commune_id)
        actor.check_shown(session, shown)
        outlines.set_outline(session, commune_id, outline)
        detail = "–" if content is None else f"{len(content)} B"
        actor.note(session, services.clock.now(), commune_id, Deed.OUTLINE_SET, detail, about=shown)


def _described(station: Station) -> str:
    parts = (station.name, station.kind, station.maker, station.former_commune)
    return ", ".join(part for part in parts if part)
