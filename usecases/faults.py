"""Fault latches: acknowledge, reset. Of a receiver, or of the commune itself."""

from sqlmodel import Session

from devices import fault_latches
from devices.faults import FaultKey
from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.receivers import receiver_of
from usecases.services import Services


def acknowledge_fault(services: Services, actor: Actor, commune_id: str, key: FaultKey | int) -> None:
    """key: the number of one of its rows, for a fault of the commune itself."""
    with services.database.writing() as session:
        whole = _need_and_note(session, services, actor, commune_id, Deed.FAULT_ACKNOWLEDGED, key)
        fault_latches.acknowledge(session, whole, by=actor.name, now=services.clock.now())


def reset_fault(services: Services, actor: Actor, commune_id: str, key: FaultKey | int) -> None:
    with services.database.writing() as session:
        whole = _need_and_note(session, services, actor, commune_id, Deed.FAULT_RESET, key)
        fault_latches.reset(session, whole, by=actor.name, now=services.clock.now())


def _need_and_note(
    session: Session, services: Services, actor: Actor, commune_id: str, deed: Deed, key: FaultKey | int
) -> FaultKey:
    actor.need(Action.FAULTS, commune_id)
    if isinstance(key, int):
        key = fault_latches.key_of(session, commune_id, key)
        name = key.subject
    else:
        name = receiver_of(session, commune_id, key.receiver_id).name
    actor.note(session, services.clock.now(), commune_id, deed, f"{name}: {key.fault}")
    return key
