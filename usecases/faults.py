"""Fault latches: acknowledge, reset."""

from sqlmodel import Session

from devices import fault_latches
from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.receivers import receiver_of
from usecases.services import Services


def acknowledge_fault(services: Services, actor: Actor, commune_id: str, receiver_id: str, fault: str) -> None:
    with services.database.writing() as session:
        _need_and_note(session, services, actor, commune_id, receiver_id, Deed.FAULT_ACKNOWLEDGED, fault)
        fault_latches.acknowledge(session, receiver_id, fault, by=actor.name, now=services.clock.now())


def reset_fault(services: Services, actor: Actor, commune_id: str, receiver_id: str, fault: str) -> None:
    with services.database.writing() as session:
        _need_and_note(session, services, actor, commune_id, receiver_id, Deed.FAULT_RESET, fault)
        fault_latches.reset(session, receiver_id, fault, by=actor.name, now=services.clock.now())


def _need_and_note(
    session: Session, services: Services, actor: Actor, commune_id: str, receiver_id: str, deed: Deed, fault: str
) -> None:
    actor.need(Action.FAULTS, commune_id)
    receiver = receiver_of(session, commune_id, receiver_id)
    actor.note(session, services.clock.now(), commune_id, deed, f"{receiver.name}: {fault}")
