"""Programmes: add, rename, change the items, retire, restore."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from broadcast import programmes
from broadcast.modes import Mode
from broadcast.programmes import Item, ItemKind, Programme, RunningItem
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules.freezing import freeze_past
from schedules.schedules import Schedule, schedules
from usecases.actors import Actor
from usecases.emergency_content import need_for_programme
from usecases.own_rows import own
from usecases.retirement import restore, retire
from usecases.revisions import check_present
from usecases.schedules import ScheduleSettings, change_schedule_in
from usecases.services import Services


def programme_of(session: Session, commune_id: str, number: int) -> Programme:
    """A programme of this commune. Raises NotFound."""
    return own(programmes.programme(session, number), commune_id, N_("This programme no longer exists."))


def add_programme(services: Services, actor: Actor, commune_id: str, title: str, items: Sequence[Item]) -> Programme:
    with services.database.writing() as session:
        return add_programme_in(session, actor, commune_id, title, items, services.clock.now())


def add_programme_in(
    session: Session, actor: Actor, commune_id: str, title: str, items: Sequence[Item], now: datetime
) -> Programme:
    actor.need(Action.PROGRAMMES, commune_id)
    programme = programmes.add_programme(session, commune_id, title, items, now=now, by=actor.name)
    actor.note(session, now, commune_id, Deed.PROGRAMME_ADDED, programme.title, about=programme)
    return programme


def rename_programme(services: Services, actor: Actor, commune_id: str, number: int, title: str) -> None:
    with services.database.writing() as session:
        _changed(session, actor, commune_id, number, services.clock.now())
        freeze_past(session, services.clock.now())
        programmes.rename(session, number, title)


def change_items(
    services: Services, actor: Actor, commune_id: str, number: int, change: Callable[[list[Item]], None]
) -> None:
    """change: edits the list of items, read in the transaction that writes it. Items keep their keys."""
    with services.database.writing() as session:
        change_items_in(session, actor, commune_id, number, change, services.clock.now())


def change_items_in(
    session: Session,
    actor: Actor,
    commune_id: str,
    number: int,
    change: Callable[[list[Item]], None],
    now: datetime,
) -> None:
    _changed(session, actor, commune_id, number, now)
    items = [_plain(item) for item in programmes.items_of(session, number)]
    had_relay = any(item.kind is ItemKind.RELAY for item in items)
    change(items)
    if not had_relay and any(item.kind is ItemKind.RELAY for item in items):
        _check_in_step(session, commune_id, number)
    programmes.replace_items(session, number, items)


def schedules_with(session: Session, commune_id: str, number: int) -> list[Schedule]:
    """The schedules that play a programme, paused ones too."""
    return [schedule for schedule in schedules(session, commune_id) if schedule.programme_id == number]


def retire_programme(
    services: Services, actor: Actor, commune_id: str, number: int, instead: Mapping[int, int] | None = None
) -> None:
    """Remove it from the list; what is planned with it still sounds.

    instead: the programme that a schedule plays from now on, by the schedule's number; the others keep this one.
    """
    with services.database.writing() as session:
        now = services.clock.now()
        programme = programme_of(session, commune_id, number)
        need_for_programme(session, actor, commune_id, number)
        retire(session, actor, programme, now, Deed.PROGRAMME_RETIRED)
        for schedule in schedules_with(session, commune_id, number):
            other = (instead or {}).get(schedule.number, number)
            if other != number:
                check_present(session, programme_of(session, commune_id, other))
                settings = ScheduleSettings(other, schedule.recurrence, schedule.audience, schedule.broadcast_class)
                change_schedule_in(session, actor, commune_id, schedule.number, settings, now)
    if instead:
        services.plan(commune_id)


def restore_programme(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    with services.database.writing() as session:
        programme = programme_of(session, commune_id, number)
        need_for_programme(session, actor, commune_id, number)
        restore(session, actor, programme, services.clock.now(), Deed.PROGRAMME_RESTORED)


def _check_in_step(session: Session, commune_id: str, number: int) -> None:
    """Raises Refusal for a programme that gets a relay and is played zone by zone, or aligned."""
    for schedule in schedules_with(session, commune_id, number):
        if schedule.time_spread.mode is not Mode.IN_STEP:
            raise Refusal(
                N_(
                    "A station is heard everywhere at the same time, and a schedule plays this programme "
                    "zone by zone or aligned by distance. Set that schedule to “in sync” first."
                )
            )


def _changed(session: Session, actor: Actor, commune_id: str, number: int, now: datetime) -> None:
    programme = programme_of(session, commune_id, number)
    need_for_programme(session, actor, commune_id, number)
    actor.check_shown(session, programme)
    check_present(session, programme)
    actor.note(session, now, commune_id, Deed.PROGRAMME_CHANGED, programme.title, about=programme)


def _plain(item: RunningItem) -> Item:
    recording = item.clip if item.kind is ItemKind.CLIP else item.backup
    relay = item.relay.number if item.relay else None
    return Item(item.kind, recording.id if recording else None, item.duration_us // 1000, item.key, relay)
