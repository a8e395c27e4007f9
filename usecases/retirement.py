"""Clips and programmes: retire and restore. What is so already stays unchanged."""

from datetime import datetime

from sqlmodel import Session

from broadcast import retirement
from broadcast.clips import Clip
from broadcast.programmes import Programme
from people.audit import Deed
from usecases.actors import Actor


def retire(session: Session, actor: Actor, row: Clip | Programme, now: datetime, deed: Deed) -> None:
    if row.retired_at is None:
        actor.check_shown(session, row)
        retirement.retire(session, row, now)
        actor.note(session, now, row.commune_id, deed, row.title, about=row)


def restore(session: Session, actor: Actor, row: Clip | Programme, now: datetime, deed: Deed) -> None:
    if row.retired_at is not None:
        actor.check_shown(session, row)
        retirement.restore(session, row)
        actor.note(session, now, row.commune_id, deed, row.title, about=row)
