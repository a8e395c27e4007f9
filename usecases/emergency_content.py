"""What emergency schedules play: who changes such a programme or recording needs the right to emergencies too."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from broadcast.clips import Clip
from broadcast.programmes import ItemKind, Programme, ProgrammeItem
from people.rights import Action, NotAllowed
from runtime.refusal import N_
from schedules.schedules import Schedule
from usecases.actors import Actor
from wire.broadcasts import BroadcastClass


def need_for_programme(session: Session, actor: Actor, commune_id: str, programme_id: int) -> None:
    """The right to programmes and, when an emergency schedule plays it, to emergencies. Raises NotAllowed."""
    actor.need(Action.PROGRAMMES, commune_id)
    _need_if_played(session, actor, commune_id, {programme_id})


def need_for_clip(session: Session, actor: Actor, clip: Clip) -> None:
    """The right to clips and, when an emergency schedule plays it or its successor, to emergencies.

    Raises NotAllowed.
    """
    actor.need(Action.CLIPS, clip.commune_id)
    clip_ids = [clip.id] + ([clip.replaced_by] if clip.replaced_by else [])
    query = select(ProgrammeItem.programme_id).where(col(ProgrammeItem.clip_id).in_(clip_ids))
    _need_if_played(session, actor, clip.commune_id, set(session.exec(query)))


def need_for_chime(session: Session, actor: Actor, commune_id: str, kind: ItemKind) -> None:
    """The right to clips and, when an emergency schedule plays this chime, to emergencies. Raises NotAllowed."""
    actor.need(Action.CLIPS, commune_id)
    query = select(ProgrammeItem.programme_id).join(Programme)
    query = query.where(Programme.commune_id == commune_id, ProgrammeItem.kind == kind.value)
    _need_if_played(session, actor, commune_id, set(session.exec(query)))


def _need_if_played(session: Session, actor: Actor, commune_id: str, programme_ids: Collection[int]) -> None:
    """A paused schedule counts too: resumed, it must play what it played before."""
    if actor.may(Action.EMERGENCY, commune_id):
        return
    query = select(Schedule.id).where(
        col(Schedule.programme_id).in_(programme_ids),
        Schedule.class_ == BroadcastClass.EMERGENCY.value,
        col(Schedule.retired_at).is_(None),
    )
    if session.exec(query.limit(1)).first() is not None:
        raise NotAllowed(N_("An emergency schedule plays this. Only the chair or vice-chair can change it. Call one."))
