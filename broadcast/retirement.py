"""Clips and programmes that are taken out of their list: broadcasts planned with them still play."""

from datetime import datetime

from sqlmodel import Session

from broadcast.clips import Clip
from broadcast.programmes import Programme


def retire(session: Session, row: Clip | Programme, now: datetime) -> None:
    """One that is retired already keeps the time of it."""
    row.retired_at = row.retired_at or now
    session.add(row)


def restore(session: Session, row: Clip | Programme) -> None:
    row.retired_at = None
    session.add(row)
