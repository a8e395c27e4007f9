"""A bulletin of the province's own people, who work in Loa, to some or all of its communes; the rules of class hold."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from broadcast.clips import clip, copy_to
from devices.communes import Commune
from people.audit import Deed
from people.rights import Action
from province.bulletins import NewBulletin, add_bulletin, put_bulletin_on_air
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from usecases.services import Services
from wire.broadcasts import BroadcastClass, Targets


@dataclass(frozen=True)
class CommuneDelivery:
    """What became of it in one commune. refusal: why it does not sound there by itself; it waits in its inbox."""

    commune: Commune
    refusal: Refusal | None


def send(
    session: Session,
    actor: Actor,
    clip_id: str,
    communes: Sequence[Commune],
    class_: BroadcastClass,
    now: datetime,
) -> list[CommuneDelivery]:
    """Normal to the inboxes, priority to its turn, emergency on air at once. Raises Refusal, NotFound.

    A commune where an emergency cannot sound holds up no other.
    """
    if not communes:
        raise Refusal(N_("Choose at least one commune."))
    for commune in communes:
        actor.need(Action.SEND_DOWN, commune.id, class_)
    sound, code = clip(session, clip_id), f"loa-{secrets.token_hex(6)}"
    return [_send_one(session, actor, sound.id, sound.title, commune, class_, code, now) for commune in communes]


def send_bulletin(
    services: Services,
    actor: Actor,
    clip_id: str,
    communes: Sequence[Commune],
    class_: BroadcastClass,
    notify: Callable[[], None],
) -> list[CommuneDelivery]:
    """`send` in a transaction of its own. notify: called after the commit."""
    with services.database.writing() as session:
        sent = send(session, actor, clip_id, communes, class_, services.clock.now())
    services.announce()
    notify()
    return sent


def _send_one(
    session: Session,
    actor: Actor,
    clip_id: str,
    title: str,
    to: Commune,
    class_: BroadcastClass,
    code: str,
    now: datetime,
) -> CommuneDelivery:
    copy = copy_to(session, clip_id, to.id, now, actor.name)
    new = NewBulletin(
        code=code,
        title=title,
        class_=class_,
        targets=Targets(all=True),
        field=copy.field,
        sender=actor.name,
        clip_id=copy.id,
    )
    row = add_bulletin(session, to.id, new, now)
    actor.note(session, now, to.id, Deed.BULLETIN_SENT, title)
    if class_ is BroadcastClass.EMERGENCY:
        try:
            with session.begin_nested():
                put_bulletin_on_air(session, row, now, actor)
        except Refusal as refusal:
            session.refresh(row)
            return CommuneDelivery(to, refusal)
    return CommuneDelivery(to, None)
