"""The volume of many receivers at once: each is set as far as its maximum allows, and the result is told for each."""

from collections.abc import Collection
from dataclasses import dataclass

from devices import receivers as receiver_table
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules.freezing import freeze_past
from usecases.actors import Actor
from usecases.receivers import receiver_of
from usecases.revisions import check_present
from usecases.services import Services


@dataclass(frozen=True)
class VolumeSet:
    """What became of one receiver. after: below what was asked where its maximum is lower."""

    receiver_id: str
    name: str
    before: int
    after: int


def set_volumes(
    services: Services, actor: Actor, commune_id: str, receiver_ids: Collection[str], volume_percent: int
) -> list[VolumeSet]:
    """All or none. Raises NotAllowed, NotFound, Refusal (none chosen, no percentage, one out of service)."""
    if not receiver_ids:
        raise Refusal(N_("Choose the receivers whose volume you want to set."))
    results = []
    with services.database.writing() as session:
        now = services.clock.now()
        actor.need(Action.RECEIVERS, commune_id)
        freeze_past(session, now)
        for receiver_id in dict.fromkeys(receiver_ids):
            receiver = receiver_of(session, commune_id, receiver_id)
            check_present(session, receiver)
            before = receiver.volume_percent
            receiver_table.change_receiver(session, receiver_id, volume_percent=volume_percent)
            results.append(VolumeSet(receiver.id, receiver.name, before, receiver.volume_percent))
            detail = f"{receiver.name} ({receiver.id}): volume_percent {before} → {receiver.volume_percent}"
            actor.note(session, now, commune_id, Deed.RECEIVER_CHANGED, detail, about=receiver)
    services.configure([result.receiver_id for result in results])
    return results
