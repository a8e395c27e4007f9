"""Broadcasts: put on air, stop, withdraw.

`…_in` does it inside the caller's transaction: right, rules, write, audit. The function of the same name without `_in`
opens the transaction, commits it, and notifies the transmitter, which must not look before the commit.
"""

from datetime import datetime

from sqlmodel import Session

from alerts.templates import EndKind
from broadcast import broadcasts, planning, stopping
from broadcast.broadcasts import Broadcast
from broadcast.modes import IN_STEP, Spread
from broadcast.on_air import begun_by_hand, on_air_now
from broadcast.stop_confirmations import StopConfirmation, stop_confirmation
from devices.predecessors import belongs
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound
from schedules.noise_budget import check_budget
from usecases.actors import Actor
from usecases.emergencies import end_emergency
from usecases.services import Services
from wire.broadcasts import BroadcastClass, Targets


def broadcast_of(session: Session, commune_id: str, broadcast_id: str) -> Broadcast:
    """A broadcast of this commune, or of a predecessor while it was that. Raises NotFound."""
    broadcast = broadcasts.broadcast(session, broadcast_id)
    if not belongs(session, commune_id, broadcast.commune_id, broadcast.starts_at):
        raise NotFound(N_("This broadcast no longer exists."))
    return broadcast


def put_on_air(
    services: Services,
    actor: Actor,
    commune_id: str,
    *,
    targets: Targets,
    class_: BroadcastClass,
    programme_id: int | None = None,
    clip_id: str | None = None,
    spread: Spread = IN_STEP,
) -> Broadcast:
    """A programme or a clip, as soon as the receivers can have it. Raises NotAllowed, Refusal, NotFound."""
    with services.database.writing() as session:
        broadcast = put_on_air_in(
            session,
            actor,
            commune_id,
            targets=targets,
            class_=class_,
            now=services.clock.now(),
            programme_id=programme_id,
            clip_id=clip_id,
            spread=spread,
        )
    services.announce()  # 5. after the commit
    return broadcast


def put_on_air_in(
    session: Session,
    actor: Actor,
    commune_id: str,
    *,
    targets: Targets,
    class_: BroadcastClass,
    now: datetime,
    programme_id: int | None = None,
    clip_id: str | None = None,
    spread: Spread = IN_STEP,
    title: str = "",
    precedence: int = 0,
) -> Broadcast:
    """title: in place of the programme's or the clip's."""
    # 1. Right.
    actor.need(Action.ON_AIR, commune_id, class_)
    # 2. and 3. Rules, write: targets and allowed hours before the write; the noise budget counts the row itself.
    broadcast = planning.put_on_air(
        session,
        commune_id,
        targets=targets,
        class_=class_,
        now=now,
        by=actor.name,
        programme_id=programme_id,
        clip_id=clip_id,
        spread=spread,
    )
    broadcast.title, broadcast.precedence = title or broadcast.title, precedence
    session.add(broadcast)
    check_budget(session, broadcast)
    # 4. Audit.
    actor.note(session, now, commune_id, Deed.PUT_ON_AIR, broadcast.title)
    return broadcast


def stop(
    services: Services, actor: Actor, commune_id: str, broadcast_id: str, *, cause: str = "by_operator"
) -> StopConfirmation:
    """Silence it now, or before it began, withdraw it. Stopping what is over changes nothing.

    Returns which receivers have not confirmed it; `confirmation_of` returns it again later.
    Raises NotFound for a broadcast that is unknown or of another commune, NotAllowed.
    """
    end_if_alert(services, actor, commune_id, broadcast_id)
    with services.database.writing() as session:
        broadcast = stop_in(session, actor, commune_id, broadcast_id, services.clock.now(), cause=cause)
        confirmation = confirmation_of(session, services, broadcast)
    services.announce()  # 5. after the commit: the manifest with the stop in it
    return confirmation


def stop_everything(services: Services, actor: Actor, commune_id: str) -> list[Broadcast]:
    """Stop what is on air in a commune, and withdraw what a person has put on air and has not begun.

    Returns the emergencies that this actor may not stop: they go on. Raises NotAllowed.
    """
    with services.database.writing() as session:
        actor.need(Action.ON_AIR, commune_id)
        now = services.clock.now()
        going_on, titles, alerts = [], [], []
        for broadcast in [*on_air_now(session, commune_id, now), *begun_by_hand(session, commune_id, now)]:
            if not _may_stop(actor, commune_id, broadcast):
                going_on.append(broadcast)
                continue
            if broadcast.alert_id is None:
                stopping.stop(session, broadcast.id, now, by=actor.name)
            else:
                alerts.append(broadcast.id)
            titles.append(broadcast.title)
        actor.note(session, now, commune_id, Deed.STOPPED_EVERYTHING, ", ".join(titles))
    for broadcast_id in alerts:
        end_if_alert(services, actor, commune_id, broadcast_id)
    services.announce()
    return going_on


def end_if_alert(services: Services, actor: Actor, commune_id: str, broadcast_id: str) -> None:
    """An alert is not stopped by a manifest but by its prepared end. Raises NotAllowed, NotFound."""
    with services.database.session() as session:
        alert_id = broadcast_of(session, commune_id, broadcast_id).alert_id
    if alert_id is not None and services.desk is not None:
        end_emergency(services.desk, actor, commune_id, alert_id, EndKind.CANCEL)


def _may_stop(actor: Actor, commune_id: str, broadcast: Broadcast) -> bool:
    if broadcast.alert_id is not None:
        return actor.may(Action.CLEAR_EMERGENCY, commune_id)
    return broadcast.broadcast_class is not BroadcastClass.EMERGENCY or actor.may(Action.EMERGENCY, commune_id)


def confirmation_of(session: Session, services: Services, broadcast: Broadcast) -> StopConfirmation:
    """Which receivers have confirmed that it was stopped, by now."""
    now = services.clock.now()
    return stop_confirmation(session, broadcast, services.statuses(now), now)


def stop_in(
    session: Session, actor: Actor, commune_id: str, broadcast_id: str, now: datetime, *, cause: str = "by_operator"
) -> Broadcast:
    # 1. Which one, then the right: stopping an emergency needs the right to emergencies.
    broadcast = broadcast_of(session, commune_id, broadcast_id)
    if broadcast.alert_id is not None:
        return broadcast  # ended by `end_if_alert`, before
    actor.need(Action.ON_AIR, commune_id, broadcast.broadcast_class)
    revision = broadcast.revision
    # 2. and 3. Rules, write.
    broadcast = stopping.stop(session, broadcast_id, now, by=actor.name, cause=cause)
    # 4. Audit.
    if broadcast.revision != revision:
        actor.note(session, now, commune_id, Deed.STOPPED, broadcast.title)
    return broadcast


def withdraw_in(session: Session, actor: Actor, broadcast: Broadcast, now: datetime, *, cause: str) -> Broadcast:
    """Cancel it before its start; after it, this is to stop it."""
    actor.need(Action.ON_AIR, broadcast.commune_id, broadcast.broadcast_class)
    revision = broadcast.revision
    broadcast = stopping.withdraw(session, broadcast.id, now, by=actor.name, cause=cause)
    if broadcast.revision != revision:
        actor.note(session, now, broadcast.commune_id, Deed.STOPPED, broadcast.title)
    return broadcast
