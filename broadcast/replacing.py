"""A recording takes the place of another in every programme; undone by restoring the other.

Broadcasts that have started sound on with the old one. Those that are planned follow at the next plan.
"""

from datetime import datetime

import msgspec
from sqlmodel import Session, col, select

from broadcast.backup_clip import backup_of, choose_backup
from broadcast.clips import Clip, clip
from broadcast.programmes import ProgrammeItem
from people import audit
from people.audit import Deed


def replace_clip(session: Session, old_id: str, successor_id: str, now: datetime, by: str) -> int:
    """Retire a clip and put its successor into its programmes, also as the backup. Returns in how many programmes."""
    old, successor = clip(session, old_id), clip(session, successor_id)
    items = list(session.exec(select(ProgrammeItem).where(ProgrammeItem.clip_id == old_id)))
    for item in items:
        item.clip_id = successor_id
        session.add(item)
    old.replaced_by, old.retired_at = successor_id, old.retired_at or now
    old.replaced_in = msgspec.json.encode([(item.programme_id, item.item_key) for item in items]).decode()
    session.add(old)
    session.flush()
    if backup_of(session, old.commune_id) == old_id:
        choose_backup(session, old.commune_id, successor_id)
    programmes = len({item.programme_id for item in items})
    detail = f"{old.title} → {successor.title} ({programmes})"
    audit.note(session, at=now, by=by, commune_id=old.commune_id, action=Deed.CLIP_REPLACED, detail=detail)
    return programmes


def undo_replacing(session: Session, old: Clip) -> int:
    """Put a replaced clip back where its successor took its place and still is. Returns in how many programmes."""
    if old.replaced_by is None or old.replaced_in is None:
        return 0
    places = {(number, key) for number, key in msgspec.json.decode(old.replaced_in, type=list[tuple[int, str]])}
    query = select(ProgrammeItem).where(ProgrammeItem.clip_id == old.replaced_by)
    query = query.where(col(ProgrammeItem.programme_id).in_({number for number, _ in places}))
    returned = [item for item in session.exec(query) if (item.programme_id, item.item_key) in places]
    for item in returned:
        item.clip_id = old.id
        session.add(item)
    old.replaced_by = old.replaced_in = None
    session.add(old)
    session.flush()
    return len({item.programme_id for item in returned})
