"""What a broadcast put on air now would interrupt, and what would play in its place."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from broadcast.audiences import Audiences
from broadcast.broadcasts import BY_HAND, Broadcast, order_key
from broadcast.on_air import between
from devices.receivers import Receiver
from runtime.clock import to_us
from wire.broadcasts import BroadcastClass, SoundSource
from wire.precedence import precedence_of


class Interruptions(NamedTuple):
    """Broadcasts that share receivers and time with it. interrupted: it plays first. preferred: they do."""

    interrupted: list[Broadcast]
    preferred: list[Broadcast]


def interruptions(
    session: Session,
    commune_id: str,
    reached: list[Receiver],
    class_: BroadcastClass,
    starts_at: datetime,
    ends_at: datetime,
    source: SoundSource,
) -> Interruptions:
    """By the rule by which receivers choose. reached: by the new one. Withdrawn and stopped ones are left out."""
    rank = precedence_of(class_, source, 0, to_us(starts_at), order_key(BY_HAND))
    ids, found = {receiver.id for receiver in reached}, Interruptions([], [])
    planned = [
        b
        for b in between(session, commune_id, starts_at, ends_at)
        if b.withdrawn_at is None and not b.missed and (b.stopped_at is None or b.stopped_at > starts_at)
    ]
    audiences = Audiences(session, planned)
    for other in planned:
        if not ids.isdisjoint(audiences(other)):
            (found.interrupted if rank > other.rank else found.preferred).append(other)
    return found
