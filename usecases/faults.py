"""Fault latches: acknowledge, reset."""

from devices import fault_latches
from people.audit import Deed
from people.rights import Action
from usecases.actors import Actor
from usecases.receivers import receiver_of
from usecases.services import Services


def acknowledge_fault(services: Services, actor: Actor, commune_id: str, receiver_id: str, fault: str) -> None:
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.FAULTS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        fault_latches.acknowledge(session, receiver_id, fault, by=actor.name, now=now)
        actor.note(session, now, commune_id, Deed.FAULT_ACKNOWLEDGED, f"{receiver.name}: {fault}")


def reset_fault(services: Services, actor: Actor, commune_id: str, receiver_id: str, fault: str) -> None:
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.FAULTS, commune_id)
        receiver = receiver_of(session, commune_id, receiver_id)
        fault_latches.reset(session, receiver_id, fault, by=actor.name, now=now)
        actor.note(session, now, commune_id, Deed.FAULT_RESET, f"{receiver.name}: {fault}")
