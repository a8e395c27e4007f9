"""The backup recording of a commune: kept on every receiver's shelf, for what cannot be played."""

from sqlalchemy import update
from sqlmodel import Field, Session, SQLModel, col

from broadcast.clips import clip, renditions_of
from devices.receivers import Receiver
from runtime.refusal import N_, NotFound
from wire.broadcasts import ClipItem


class BackupClip(SQLModel, table=True):
    """Which clip is a commune's backup. No row: none, and receivers sound their own chime."""

    commune_id: str = Field(foreign_key="commune.id", primary_key=True)
    clip_id: str = Field(foreign_key="clip.id")


def choose_backup(session: Session, commune_id: str, clip_id: str | None) -> None:
    """Choose it, or none. Receivers learn it with `Downlink.configure_all`. Raises NotFound."""
    if clip_id is not None:
        found = clip(session, clip_id)
        if found.commune_id != commune_id or found.retired_at is not None:
            raise NotFound(N_("This recording is not there any more."))
    row = session.get(BackupClip, commune_id)
    if row is not None and clip_id is None:
        session.delete(row)
    elif clip_id is not None:
        row = row or BackupClip(commune_id=commune_id, clip_id=clip_id)
        row.clip_id = clip_id
        session.add(row)
    ours = col(Receiver.commune_id) == commune_id
    session.exec(update(Receiver).where(ours).values(config_revision=col(Receiver.config_revision) + 1))
    session.flush()


def backup_of(session: Session, commune_id: str) -> str | None:
    """The id of a commune's backup clip, None when none is chosen."""
    row = session.get(BackupClip, commune_id)
    return row.clip_id if row is not None else None


def backup_item(session: Session, commune_id: str) -> ClipItem | None:
    """As the config names it."""
    clip_id = backup_of(session, commune_id)
    renditions = renditions_of(session, [clip_id]).get(clip_id) if clip_id is not None else None
    if clip_id is None or not renditions:
        return None
    found = clip(session, clip_id)
    return ClipItem(offset_us=0, duration_us=found.duration_us, clip=clip_id, title=found.title, renditions=renditions)
