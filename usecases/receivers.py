"""Receivers: add, change, place on the map, move to a station, new credentials, retire, restore."""

from datetime import datetime
from typing import TypedDict

from sqlmodel import Session

from devices import enrolment, positions
from devices import receivers as receiver_table
from devices.enrolment import Issuer
from devices.positions import Position, position_of
from devices.receivers import Receiver
from devices.stations import StationKind
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_
from schedules.freezing import freeze_past
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.revisions import check_present
from usecases.services import Services
from usecases.stations import StationSettings, add_station_in
from wire.credentials import Credentials

#: The settings whose change the audit shows.
_AUDITED = (
    "name",
    "place",
    "station_id",
    "volume_percent",
    "volume_ceiling_percent",
    "path_delay_ms",
    "amplifier_lead_ms",
    "alert_phone",
    "latitude_deg",
    "longitude_deg",
)


class ReceiverSettings(TypedDict, total=False):
    """What of a receiver can be set; what is left out stays."""

    name: str
    place: str
    station_id: int
    zones: list[str]
    volume_percent: int
    volume_ceiling_percent: int
    path_delay_ms: float
    amplifier_lead_ms: int
    alert_phone: str


def receiver_of(session: Session, commune_id: str, receiver_id: str) -> Receiver:
    """A receiver of this commune. Raises NotFound."""
    return own(
        receiver_table.receiver(session, receiver_id), commune_id, N_("Receiver {id} does not exist."), id=receiver_id
    )


def add_receiver(
    services: Services,
    actor: Actor,
    issuer: Issuer,
    commune_id: str,
    *,
    receiver_id: str,
    name: str,
    station: int | StationKind,
    station_name: str = "",
    place: str = "",
    zones: list[str] | None = None,
    path_delay_ms: float = 0.0,
    position: Position | None = None,
) -> Credentials:
    """receiver_id: "" for one made from the name. station: its number, or the kind of a new one, named `station_name`.

    Gives the credentials, this once.
    """
    with services.database.writing() as session:
        now = services.clock.now()
        if isinstance(station, StationKind):
            station = add_station_in(
                session, actor, commune_id, StationSettings(station, station_name or name), now
            ).number
        receiver, credentials = add_receiver_in(
            session,
            actor,
            issuer,
            commune_id,
            receiver_id=receiver_id,
            name=name,
            station_id=station,
            now=now,
            place=place,
            zones=zones,
            path_delay_ms=path_delay_ms,
        )
        positions.place_receiver(session, receiver.id, position)
    services.configure([credentials.receiver])
    services.accounts_changed()
    return credentials


def add_receiver_in(
    session: Session,
    actor: Actor,
    issuer: Issuer,
    commune_id: str,
    *,
    receiver_id: str,
    name: str,
    station_id: int,
    now: datetime,
    place: str = "",
    zones: list[str] | None = None,
    path_delay_ms: float = 0.0,
) -> tuple[Receiver, Credentials]:
    actor.need(Action.RECEIVERS, commune_id)
    freeze_past(session, now)
    receiver, credentials = enrolment.enrol(
        session,
        issuer,
        receiver_id=receiver_id,
        commune_id=commune_id,
        station_id=station_id,
        name=name,
        now=now,
        place=place,
        zones=zones,
        path_delay_ms=path_delay_ms,
    )
    actor.note(session, now, commune_id, Deed.RECEIVER_ADDED, f"{receiver.name} ({receiver.id})", about=receiver)
    return receiver, credentials


def change_receiver(
    services: Services,
    actor: Actor,
    commune_id: str,
    receiver_id: str,
    settings: ReceiverSettings,
    position: Position | None,
) -> None:
    """position: None takes it off the map."""
    with services.database.writing() as session:
        # 1. Right.
        actor.need(Action.RECEIVERS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        before = _audited(receiver)
        # 2. and 3. Rules (it is as it was shown, and in use), write.
        actor.check_shown(session, receiver)
        check_present(session, receiver)
        freeze_past(session, services.clock.now())
        receiver_table.change_receiver(session, receiver_id, **settings)
        positions.place_receiver(session, receiver_id, position)
        # 4. Audit.
        _note_change(session, actor, receiver, before, services.clock.now())
    # 5. The receiver is told after the commit.
    services.configure([receiver_id])


def change_receiver_in(
    session: Session,
    actor: Actor,
    commune_id: str,
    receiver_id: str,
    settings: ReceiverSettings,
    now: datetime,
) -> Receiver:
    """The caller configures the receiver after its commit."""
    actor.need(Action.RECEIVERS, commune_id)
    receiver = receiver_of(session, commune_id, receiver_id)
    before = _audited(receiver)
    freeze_past(session, now)
    receiver_table.change_receiver(session, receiver_id, **settings)
    _note_change(session, actor, receiver, before, now)
    return receiver


def place_receiver(
    services: Services, actor: Actor, commune_id: str, receiver_id: str, position: Position | None
) -> Position | None:
    """Place it on the map, move it, or with None take it off. Gives where it stood before."""
    with services.database.writing() as session:
        return place_receiver_in(session, actor, commune_id, receiver_id, position, services.clock.now())


def place_receiver_in(
    session: Session, actor: Actor, commune_id: str, receiver_id: str, position: Position | None, now: datetime
) -> Position | None:
    actor.need(Action.RECEIVERS, commune_id)
    receiver = receiver_of(session, commune_id, receiver_id)
    actor.check_shown(session, receiver)
    before = position_of(receiver)
    positions.place_receiver(session, receiver_id, position)
    old, new = (f"{at.latitude_deg}, {at.longitude_deg}" if at else "–" for at in (before, position_of(receiver)))
    detail = f"{receiver.name} ({receiver_id}): {old} → {new}"
    actor.note(session, now, commune_id, Deed.RECEIVER_CHANGED, detail, about=receiver)
    return before


def renew_credentials(
    services: Services, actor: Actor, issuer: Issuer, commune_id: str, receiver_id: str
) -> Credentials:
    """New credentials; the old ones are no longer valid."""
    with services.database.writing() as session:
        actor.need(Action.RECEIVERS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        actor.check_shown(session, receiver, repeats=Deed.CREDENTIALS_RENEWED)
        credentials = enrolment.renew_credentials(session, issuer, receiver_id)
        now, detail = services.clock.now(), f"{receiver.name} ({receiver_id})"
        actor.note(session, now, commune_id, Deed.CREDENTIALS_RENEWED, detail, about=receiver)
    services.accounts_changed()
    return credentials


def retire_receiver(services: Services, actor: Actor, commune_id: str, receiver_id: str) -> None:
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.RECEIVERS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        if receiver.retired_at is not None:
            return
        actor.check_shown(session, receiver)
        freeze_past(session, now)
        enrolment.retire_receiver(session, receiver_id, now)
        actor.note(session, now, commune_id, Deed.RECEIVER_RETIRED, f"{receiver.name} ({receiver_id})", about=receiver)
    services.accounts_changed()


def restore_receiver(services: Services, actor: Actor, commune_id: str, receiver_id: str) -> None:
    """Back into service, with the credentials that it had."""
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.RECEIVERS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        if receiver.retired_at is None:
            return
        actor.check_shown(session, receiver)
        freeze_past(session, now)
        enrolment.restore_receiver(session, receiver_id)
        actor.note(session, now, commune_id, Deed.RECEIVER_RESTORED, f"{receiver.name} ({receiver_id})", about=receiver)
    services.accounts_changed()
    services.configure([receiver_id])
    services.plan(commune_id)


def _audited(receiver: Receiver) -> dict[str, object]:
    return {name: getattr(receiver, name) for name in _AUDITED}


def _note_change(session: Session, actor: Actor, receiver: Receiver, before: dict[str, object], now: datetime) -> None:
    after = _audited(receiver)
    changed = [f"{key} {before[key]} → {after[key]}" for key in sorted(after) if before[key] != after[key]]
    detail = f"{receiver.name} ({receiver.id}): {'; '.join(changed) or '='}"
    actor.note(session, now, receiver.commune_id, Deed.RECEIVER_CHANGED, detail, about=receiver)
