"""Chimes: a commune puts a recording of its own in the place of a standard one, and takes it back."""

from sqlmodel import Session

from broadcast import chimes
from broadcast.clips import Clip, builtin_clip
from broadcast.media import Media
from broadcast.programmes import ItemKind
from people.audit import Deed
from runtime.refusal import N_, Refusal
from schedules.freezing import freeze_past
from usecases.actors import Actor
from usecases.clips import clip_of
from usecases.emergency_content import need_for_chime
from usecases.revisions import check_present
from usecases.services import Services

#: A chime stands in every programme: a longer one would be half of the broadcast.
LONGEST_CHIME_S = 60


def choose_chime(services: Services, actor: Actor, commune_id: str, kind: ItemKind, clip_id: str) -> Clip:
    """A recording of the library, which stays there too. Raises NotAllowed, NotFound, Refusal (too long)."""
    with services.database.writing() as session:
        need_for_chime(session, actor, commune_id, kind)
        clip = clip_of(session, commune_id, clip_id)
        check_present(session, clip)
        if clip.duration_us > LONGEST_CHIME_S * 1_000_000:
            raise Refusal(
                N_("A chime lasts at most {most} seconds. Choose a shorter recording."), most=LONGEST_CHIME_S
            ).at("clip")
        _set(session, services, actor, commune_id, kind, chimes.chime_from(session, clip, actor.name))
    services.plan(commune_id)
    return clip


def standard_chime(services: Services, actor: Actor, media: Media, commune_id: str, kind: ItemKind) -> None:
    """Loa's own chime again. One that is standard already stays."""
    with services.database.session() as session:
        need_for_chime(session, actor, commune_id, kind)
        if _chime(session, commune_id, kind).is_standard:
            return
    # Before the transaction: it may have to be encoded.
    made = chimes.standard_chime(services.database, media, commune_id, kind, services.clock.now())
    with services.database.writing() as session:
        need_for_chime(session, actor, commune_id, kind)
        _set(session, services, actor, commune_id, kind, made)
    services.plan(commune_id)


def _set(
    session: Session, services: Services, actor: Actor, commune_id: str, kind: ItemKind, chime: chimes.NewChime
) -> None:
    now, before = services.clock.now(), _chime(session, commune_id, kind)
    actor.check_shown(session, before)
    freeze_past(session, now)
    chimes.set_chime(session, commune_id, kind, chime, now)
    title = chime.clip.title if chime.clip.uploaded_by else "standard"
    actor.note(session, now, commune_id, Deed.CHIME_CHANGED, f"{kind.value}: {title}", about=before)


def _chime(session: Session, commune_id: str, kind: ItemKind) -> chimes.CommuneChime:
    return chimes.CommuneChime(kind, builtin_clip(session, commune_id, kind.value))
