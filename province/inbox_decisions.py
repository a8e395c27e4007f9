"""What the commune decides about a bulletin in its inbox: on air, into a programme, on the timetable, declined, order.

Each is one use case: right, rules, write, audit, commit, notification. A bulletin of emergency class needs the right to
emergencies for every decision.
"""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from people.audit import Deed
from people.rights import Action
from province import bulletins, priority_queue
from province.bulletins import ProvinceBulletin
from province.schedules_down import add_to_timetable
from usecases.actors import Actor
from usecases.services import Services
from wire.broadcasts import BroadcastClass

Notify = Callable[[], None]


def put_on_air(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """Now; a priority one before every other priority broadcast. Raises NotAllowed, Refusal, NotFound."""
    now = services.clock.now()
    with services.database.writing() as session:
        bulletin = _needed(session, actor, Action.ON_AIR, commune_id, number)
        if bulletin.broadcast_class is BroadcastClass.PRIORITY:
            priority_queue.put_on_air_first(session, bulletin, now, actor)
        else:
            bulletins.put_bulletin_on_air(session, bulletin, now, actor)
    services.announce()


def take_into_programme(
    services: Services, actor: Actor, commune_id: str, number: int, programme_id: int | None
) -> int:
    """At the end of a programme, or with None as a new one. Gives the programme's number."""
    now = services.clock.now()
    with services.database.writing() as session:
        title = _needed(session, actor, Action.PROGRAMMES, commune_id, number).title
        programme = bulletins.add_to_programme(session, actor, commune_id, number, programme_id, now)
        actor.note(session, now, commune_id, Deed.BULLETIN_TAKEN, title)
    services.plan(commune_id)
    return programme


def take_onto_timetable(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """At the times that the province proposes."""
    now = services.clock.now()
    with services.database.writing() as session:
        bulletin = _needed(session, actor, Action.TIMETABLE, commune_id, number)
        add_to_timetable(session, bulletin, now, actor)
        actor.note(session, now, commune_id, Deed.BULLETIN_TAKEN, bulletin.title)
    services.plan(commune_id)


def decline(services: Services, actor: Actor, commune_id: str, number: int, reason: str, notify: Notify) -> None:
    """notify: the link's worker, which tells the province the reason."""
    now = services.clock.now()
    with services.database.writing() as session:
        _needed(session, actor, Action.ON_AIR, commune_id, number)
        bulletin = bulletins.decline(session, commune_id, number, reason, by=actor.name, now=now)
        actor.note(session, now, commune_id, Deed.BULLETIN_DECLINED, f"{bulletin.title}: {bulletin.why}")
    notify()


def move_before(services: Services, actor: Actor, commune_id: str, number: int, before: int) -> None:
    """Let a priority bulletin play before another: the wanted order, whatever it was."""
    with services.database.writing() as session:
        bulletin = _needed(session, actor, Action.ON_AIR, commune_id, number)
        if priority_queue.move_before(session, commune_id, number, before):
            actor.note(session, services.clock.now(), commune_id, Deed.BULLETINS_ORDERED, bulletin.title)


def confirm_order(services: Services, actor: Actor, commune_id: str, shown: Sequence[int], notify: Notify) -> None:
    """shown: the bulletins in the order that the person saw. Raises Refusal when it is another by now."""
    actor.need(Action.ON_AIR, commune_id)
    with services.database.writing() as session:
        standing = priority_queue.confirm_order(session, commune_id, shown)
        titles = ", ".join(bulletin.title for bulletin in standing)
        actor.note(session, services.clock.now(), commune_id, Deed.BULLETINS_ORDERED, titles)
    notify()


def _needed(session: Session, actor: Actor, action: Action, commune_id: str, number: int) -> ProvinceBulletin:
    bulletin = bulletins.bulletin(session, commune_id, number)
    actor.need(action, commune_id, bulletin.broadcast_class)
    return bulletin
