"""Relay stations: add, change, retire, restore; relay one now. A relay is stopped as every broadcast is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from broadcast import relay_sources
from broadcast.broadcasts import Broadcast
from broadcast.clips import clip
from broadcast.manifest_items import wire_items_of_relay
from broadcast.planning import check_reached, new_broadcast, plan_broadcast
from broadcast.programmes import Programme, ProgrammeItem
from broadcast.relay_sources import RelaySource
from devices.receivers import reached_by
from noise.noise_rules import check_allowed
from people.audit import Deed
from people.rights import Action
from runtime.clock_steps import check_clock
from runtime.refusal import N_, NotFound, Refusal
from schedules.noise_budget import check_budget
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.revisions import check_present
from usecases.services import Services
from wire.broadcasts import BroadcastClass, Targets

#: Between "now" and the first sample: for the station to be connected and its sound sent ahead.
RELAY_LEAD = timedelta(seconds=10)


@dataclass(frozen=True)
class RelaySourceSettings:
    """What people set of a relay station. silence_s: 0 when silence is no failure."""

    name: str
    addresses: Sequence[str]
    silence_db: int = relay_sources.USUAL_SILENCE_DB
    silence_s: int = relay_sources.USUAL_SILENCE_S


def relay_source_of(session: Session, commune_id: str, number: int) -> RelaySource:
    """A relay station of this commune. Raises NotFound."""
    source = relay_sources.relay_source(session, number)
    return own(source, commune_id, N_("This relay station no longer exists."))


def add_relay_source(services: Services, actor: Actor, commune_id: str, settings: RelaySourceSettings) -> RelaySource:
    with services.database.writing() as session:
        actor.need(Action.PROGRAMMES, commune_id)
        source = relay_sources.add_relay_source(session, commune_id, **vars(settings))
        actor.note(session, services.clock.now(), commune_id, Deed.RELAY_ADDED, _described(source), about=source)
        return source


def change_relay_source(
    services: Services, actor: Actor, commune_id: str, number: int, settings: RelaySourceSettings
) -> None:
    with services.database.writing() as session:
        actor.need(Action.PROGRAMMES, commune_id)
        source = relay_source_of(session, commune_id, number)
        actor.check_shown(session, source)
        check_present(session, source)
        before = _described(source)
        relay_sources.change_relay_source(session, number, **vars(settings))
        detail = f"{before} → {_described(source)}"
        actor.note(session, services.clock.now(), commune_id, Deed.RELAY_CHANGED, detail, about=source)
    services.plan(commune_id)  # broadcasts carry its name


def retire_relay_source(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """Raises Refusal while programmes relay it."""
    with services.database.writing() as session:
        actor.need(Action.PROGRAMMES, commune_id)
        source = relay_source_of(session, commune_id, number)
        if source.retired_at is not None:
            return
        actor.check_shown(session, source)
        if titles := programmes_with(session, number):
            raise Refusal(
                N_("“{name}” is still in {n} programmes: {titles}. Take it out of them first."),
                name=source.name,
                n=len(titles),
                titles=", ".join(f"“{title}”" for title in titles[:5]),
            )
        now = services.clock.now()
        relay_sources.retire_relay_source(session, source, now)
        actor.note(session, now, commune_id, Deed.RELAY_RETIRED, source.name, about=source)


def restore_relay_source(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    with services.database.writing() as session:
        actor.need(Action.PROGRAMMES, commune_id)
        source = relay_source_of(session, commune_id, number)
        if source.retired_at is None:
            return
        actor.check_shown(session, source)
        relay_sources.restore_relay_source(session, source)
        actor.note(session, services.clock.now(), commune_id, Deed.RELAY_RESTORED, source.name, about=source)


def programmes_with(session: Session, number: int) -> list[str]:
    """Titles of the programmes in use that relay this station."""
    query = select(Programme.title).join(ProgrammeItem).distinct()
    query = query.where(ProgrammeItem.relay_source_id == number, col(Programme.retired_at).is_(None))
    return list(session.exec(query.order_by(Programme.title)))


def put_relay_on_air(
    services: Services,
    actor: Actor,
    commune_id: str,
    *,
    number: int,
    targets: Targets,
    class_: BroadcastClass,
    length: timedelta,
    backup_clip_id: str = "",
) -> Broadcast:
    """A station, as soon as it can be sent, for this long. backup_clip_id: sounds while the station fails.

    Raises NotAllowed, Refusal, NotFound.
    """
    with services.database.writing() as session:
        now = services.clock.now()
        starts_at = now + RELAY_LEAD
        # 1. Right.
        actor.need(Action.ON_AIR, commune_id, class_)
        check_clock(session)
        # 2. Rules.
        source = relay_source_of(session, commune_id, number)
        check_present(session, source)
        if backup_clip_id and clip(session, backup_clip_id).commune_id != commune_id:
            raise NotFound(N_("This recording no longer exists."))
        check_reached(reached_by(session, commune_id, targets))
        items = wire_items_of_relay(session, source, length, backup_clip_id)
        check_allowed(session, commune_id, targets, class_, starts_at, starts_at + length)
        # 3. Write.
        broadcast = plan_broadcast(
            session,
            new_broadcast(
                commune_id=commune_id,
                title=source.name,
                class_=class_,
                targets=targets,
                starts_at=starts_at,
                length_us=length // timedelta(microseconds=1),
                items=items,
                now=now,
                by=actor.name,
            ),
            cause="put_on_air",
        )
        check_budget(session, broadcast)
        # 4. Audit.
        actor.note(session, now, commune_id, Deed.PUT_ON_AIR, broadcast.title)
    services.announce()  # 5. after the commit
    return broadcast


def _described(source: RelaySource) -> str:
    return f"{source.name}: {', '.join(source.address_list)}"
