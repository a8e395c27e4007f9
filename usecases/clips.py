"""Clips: upload, rename, retire, restore, choose as the backup."""

from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from broadcast import clips
from broadcast.backup_clip import backup_of
from broadcast.backup_clip import choose_backup as choose_backup_clip
from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, Field
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import dismiss_job
from broadcast.replacing import undo_replacing
from broadcast.upload import Upload
from devices.communes import commune
from devices.receivers import receivers
from people.audit import Deed, note
from people.rights import Action
from runtime.refusal import N_
from schedules.freezing import freeze_past
from usecases.actors import Actor
from usecases.emergency_content import need_for_clip
from usecases.own_rows import own
from usecases.retirement import restore, retire
from usecases.revisions import check_present
from usecases.services import Services


def clip_of(session: Session, commune_id: str, clip_id: str) -> Clip:
    """A clip of this commune. Raises NotFound."""
    return own(clips.clip(session, clip_id), commune_id, N_("This recording no longer exists."))


def open_upload(
    services: Services,
    actor: Actor,
    ingest: Ingest,
    commune_id: str,
    file_name: str,
    *,
    size_hint: int = 0,
    trim_silence: bool = True,
    replaces: str = "",
    language: str = "vi",
    field: int = int(Field.GENERAL),
    title: str = "",
    urgent: bool = False,
) -> Upload:
    """Begin to receive a recording. replaces: the clip whose place it takes, "" for none. urgent: for an emergency;
    processed at once.

    Raises NotAllowed, NotFound, Refusal (too large, no room).
    """
    actor.need(Action.CLIPS, commune_id)
    if urgent:
        actor.need(Action.EMERGENCY, commune_id)
    if replaces:
        with services.database.session() as session:
            need_for_clip(session, actor, clip_of(session, commune_id, replaces))
    upload = ingest.open_upload(
        commune_id,
        file_name,
        by=actor.name,
        size_hint=size_hint,
        trim_silence=trim_silence,
        title=title,
        language=language,
        field=field if field in list(Field) else int(Field.GENERAL),
        replaces=replaces or None,
        urgent=urgent,
    )
    with services.database.writing() as session:
        actor.note(session, services.clock.now(), commune_id, Deed.CLIP_UPLOADED, title or file_name)
    return upload


def keep_live_recording(services: Services, ingest: Ingest, broadcast: Broadcast, path: Path) -> None:
    """What was spoken in a live broadcast goes into the library, for the person who spoke. May be repeated."""
    with services.database.session() as session:
        zone = commune(session, broadcast.commune_id).zone
    title = f"{broadcast.title} {broadcast.starts_at.astimezone(zone):%d/%m/%Y %H:%M}"
    ingest.take_recording(path, broadcast.commune_id, by=broadcast.planned_by, title=title)
    with services.database.writing() as session:
        note(
            session,
            at=services.clock.now(),
            by=broadcast.planned_by,
            commune_id=broadcast.commune_id,
            action=Deed.LIVE_RECORDED,
            detail=title,
        )


def dismiss_upload(services: Services, actor: Actor, commune_id: str, job_id: str) -> None:
    """Say no longer what became of an upload of this person."""
    with services.database.writing() as session:
        actor.need(Action.CLIPS, commune_id)
        dismiss_job(session, job_id, commune_id, actor.name)


def change_clip(
    services: Services, actor: Actor, commune_id: str, clip_id: str, *, title: str, language: str, field: int
) -> None:
    with services.database.writing() as session:
        clip = clip_of(session, commune_id, clip_id)
        need_for_clip(session, actor, clip)
        actor.check_shown(session, clip)
        check_present(session, clip)
        freeze_past(session, services.clock.now())
        clips.change_clip(session, clip_id, title=title, language=language, field=field)
        actor.note(session, services.clock.now(), commune_id, Deed.CLIP_CHANGED, title, about=clip)


def retire_clip(services: Services, actor: Actor, commune_id: str, clip_id: str) -> None:
    """Remove it from the library; `restore_clip` brings it back."""
    with services.database.writing() as session:
        retire_clip_in(session, actor, commune_id, clip_id, services.clock.now())


def retire_clip_in(session: Session, actor: Actor, commune_id: str, clip_id: str, now: datetime) -> None:
    clip = clip_of(session, commune_id, clip_id)
    need_for_clip(session, actor, clip)
    retire(session, actor, clip, now, Deed.CLIP_RETIRED)


def restore_clip(services: Services, actor: Actor, commune_id: str, clip_id: str) -> None:
    """One that was replaced also gets its place in the programmes back."""
    with services.database.writing() as session:
        clip = clip_of(session, commune_id, clip_id)
        need_for_clip(session, actor, clip)
        is_retired = clip.retired_at is not None
        restore(session, actor, clip, services.clock.now(), Deed.CLIP_RESTORED)
        if is_retired:
            undo_replacing(session, clip)
    services.plan()


def choose_backup(services: Services, actor: Actor, commune_id: str, clip_id: str, *, chosen: bool) -> None:
    """The clip that receivers play when another cannot be played; they fetch it at once.

    chosen: the wanted state of this clip. False for one that is not the backup changes nothing.
    """
    with services.database.writing() as session:
        actor.need(Action.CLIPS, commune_id)
        clip = clip_of(session, commune_id, clip_id)
        if chosen == (backup_of(session, commune_id) == clip_id):
            return
        actor.check_shown(session, clip)
        choose_backup_clip(session, commune_id, clip_id if chosen else None)
        deed = Deed.BACKUP_CHOSEN if chosen else Deed.BACKUP_DROPPED
        actor.note(session, services.clock.now(), commune_id, deed, clip.title, about=clip)
        concerned = [receiver.id for receiver in receivers(session, commune_id)]
    services.configure(concerned)
