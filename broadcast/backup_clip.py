"""The backup clip of a commune: stored on every receiver and played when nothing planned can be."""

from sqlalchemy import update
from sqlmodel import Field, Session, SQLModel, col

from broadcast.clips import clip, renditions_of
from devices.receivers import Receiver
from runtime.refusal import N_, NotFound
from wire.broadcasts import ClipItem


class BackupClip(SQLModel, table=True):
    """The backup clip of a commune. Without a row receivers play their own chime."""

    commune_id: str = Field(foreign_key="commune.id", primary_key=True)
    clip_id: str = Field(foreign_key="clip.id")


def choose_backup(session: Session, commune_id: str, clip_id: str | None) -> None:
    """Set the backup clip, or none. Send it with `Downlink.configure_all` after the commit. Raises NotFound."""
    if clip_id is not None:
        chosen = clip(session, clip_id)
        if chosen.commune_id != commune_id or chosen.retired_at is not None:
            raise NotFound(N_("This recording no longer exists."))
    row = session.get(BackupClip, commune_id)
    if row is not None and clip_id is None:
        session.delete(row)
    elif clip_id is not None:
        row = row or BackupClip(commune_id=commune_id, clip_id=clip_id)
        row.clip_id = clip_id
        session.add(row)
    of_commune = col(Receiver.commune_id) == commune_id
    session.exec(update(Receiver).where(of_commune).values(config_revision=col(Receiver.config_revision) + 1))
    session.flush()


def backup_of(session: Session, commune_id: str) -> str | None:
    """The id of the commune's backup clip, None when none is set."""
    row = session.get(BackupClip, commune_id)
    return row.clip_id if row is not None else None


def backup_item(session: Session, commune_id: str) -> ClipItem | None:
    """The backup clip as a config names it."""
    clip_id = backup_of(session, commune_id)
    renditions = renditions_of(session, [clip_id]).get(clip_id) if clip_id is not None else None
    if clip_id is None or not renditions:
        return None
    row = clip(session, clip_id)
    return ClipItem(offset_us=0, duration_us=row.duration_us, clip=clip_id, title=row.title, renditions=renditions)
