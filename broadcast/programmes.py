"""Programmes: an ordered run of items — chimes, clips, gaps — with its whole duration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, delete, select

from broadcast.clips import Clip, builtin_clip, clip, clips_by_id, folded, renditions_of
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal
from wire.broadcasts import ClipItem

MOST_ITEMS = 100
LONGEST_GAP_MS = 60_000


class ItemKind(StrEnum):
    """What an item of a programme is."""

    OPENING_CHIME = "opening_chime"
    CLIP = "clip"
    GAP = "gap"
    CLOSING_CHIME = "closing_chime"


CHIMES = (ItemKind.OPENING_CHIME, ItemKind.CLOSING_CHIME)


class Programme(SQLModel, table=True):
    """An ordered run of items under a title."""

    id: int | None = Field(default=None, primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    title: str
    folded: str = ""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def number(self) -> int:
        """Its id, once it is kept."""
        if self.id is None:
            raise RuntimeError("the programme is not kept yet")
        return self.id


class ProgrammeItem(SQLModel, table=True):
    """One item. position: from 0. gap_ms: of a gap. clip_id: of a clip; chimes name the commune's own."""

    programme_id: int = Field(foreign_key="programme.id", primary_key=True)
    position: int = Field(primary_key=True)
    kind: str
    clip_id: str | None = Field(default=None, foreign_key="clip.id", index=True)
    gap_ms: int = 0


@dataclass(frozen=True)
class Item:
    """An item as one puts it in: a clip by its id, a gap by its length, a chime by its kind."""

    kind: ItemKind
    clip_id: str | None = None
    gap_ms: int = 0


@dataclass(frozen=True)
class RunningItem:
    """An item at its place. offset_us: from the programme's start. clip: None for a gap."""

    position: int
    kind: ItemKind
    offset_us: int
    duration_us: int
    clip: Clip | None


def add_programme(
    session: Session, commune_id: str, title: str, items: Sequence[Item], *, now: datetime, by: str = ""
) -> Programme:
    """Add one. Raises Refusal (no title, a bad item), NotFound (a clip that is not there)."""
    programme = Programme(
        commune_id=commune_id, title=_title(title), folded=folded(title), created_at=now, created_by=by
    )
    session.add(programme)
    session.flush()
    replace_items(session, programme.number, items)
    return programme


def rename(session: Session, programme_id: int, title: str) -> Programme:
    """Give it another title. Raises Refusal, NotFound."""
    found = programme(session, programme_id)
    found.title, found.folded = _title(title), folded(title)
    session.add(found)
    return found


def replace_items(session: Session, programme_id: int, items: Sequence[Item]) -> None:
    """Put exactly these items in it, in this order.

    What the timetable planned with it and has not begun is planned anew by the next plan; what sounds, sounds on.

    Raises Refusal, NotFound.
    """
    found = programme(session, programme_id)
    if len(items) > MOST_ITEMS:
        raise Refusal(N_("A programme has at most {most} items. Make two of it."), most=MOST_ITEMS)
    for item in items:
        _check(session, found.commune_id, item)
    session.exec(delete(ProgrammeItem).where(col(ProgrammeItem.programme_id) == programme_id))
    for position, item in enumerate(items):
        session.add(
            ProgrammeItem(
                programme_id=programme_id,
                position=position,
                kind=item.kind.value,
                clip_id=item.clip_id if item.kind is ItemKind.CLIP else None,
                gap_ms=item.gap_ms if item.kind is ItemKind.GAP else 0,
            )
        )
    session.flush()


def retire(session: Session, programme_id: int, now: datetime) -> Programme:
    """Take it out of the list; what is planned with it still sounds."""
    found = programme(session, programme_id)
    found.retired_at = found.retired_at or now
    session.add(found)
    return found


def restore(session: Session, programme_id: int) -> Programme:
    """Bring it back."""
    found = programme(session, programme_id)
    found.retired_at = None
    session.add(found)
    return found


def programme(session: Session, programme_id: int) -> Programme:
    """One. Raises NotFound."""
    found = session.get(Programme, programme_id)
    if found is None:
        raise NotFound(N_("This programme no longer exists."))
    return found


def programmes(session: Session, commune_id: str, *, include_retired: bool = False) -> list[Programme]:
    """A commune's, newest first."""
    query = select(Programme).where(Programme.commune_id == commune_id)
    if not include_retired:
        query = query.where(col(Programme.retired_at).is_(None))
    return list(session.exec(query.order_by(col(Programme.created_at).desc(), col(Programme.id).desc())))


def items_of(session: Session, programme_id: int) -> list[RunningItem]:
    """Its items with their running times."""
    return items_of_all(session, [programme_id])[programme_id]


def items_of_all(session: Session, programme_ids: Sequence[int]) -> dict[int, list[RunningItem]]:
    """Those of several programmes; the number of queries does not grow with them."""
    query = select(ProgrammeItem, Programme.commune_id).join(Programme)
    query = query.where(col(ProgrammeItem.programme_id).in_(programme_ids))
    rows = session.exec(query.order_by(col(ProgrammeItem.programme_id), col(ProgrammeItem.position))).all()
    communes = {commune_id for _, commune_id in rows}
    known = clips_by_id(session, [row.clip_id for row, _ in rows if row.clip_id])
    chimes = _chimes(session, communes) if any(ItemKind(row.kind) in CHIMES for row, _ in rows) else {}
    found: dict[int, list[RunningItem]] = {programme_id: [] for programme_id in programme_ids}
    for row, commune_id in rows:
        kind, running = ItemKind(row.kind), found[row.programme_id]
        sound = chimes.get((commune_id, row.kind)) if kind in CHIMES else known.get(row.clip_id or "")
        offset_us = running[-1].offset_us + running[-1].duration_us if running else 0
        duration_us = row.gap_ms * 1000 if kind is ItemKind.GAP else sound.duration_us if sound else 0
        running.append(RunningItem(row.position, kind, offset_us, duration_us, sound))
    return found


def duration_us(items: Sequence[RunningItem]) -> int:
    """How long a programme sounds, gaps included."""
    return items[-1].offset_us + items[-1].duration_us if items else 0


def manifest_items(session: Session, items: Sequence[RunningItem]) -> list[ClipItem]:
    """As the wire names them. Raises Refusal when there is nothing to hear, or a clip lacks its renditions."""
    sounding = [item for item in items if item.clip is not None]
    if not sounding:
        raise Refusal(N_("There is nothing to hear in this programme. Put a recording in it first."))
    renditions = renditions_of(session, [item.clip.id for item in sounding if item.clip])
    made = []
    for item in sounding:
        if item.clip is None or item.clip.id not in renditions:
            raise Refusal(N_("A recording of this programme is not kept here any more. Choose another one."))
        made.append(
            ClipItem(
                offset_us=item.offset_us,
                duration_us=item.duration_us,
                clip=item.clip.id,
                title=item.clip.title,
                renditions=renditions[item.clip.id],
            )
        )
    return made


def clip_items(session: Session, clip_id: str) -> list[ClipItem]:
    """A single clip as a broadcast's only item."""
    sound = clip(session, clip_id)
    return manifest_items(session, [RunningItem(0, ItemKind.CLIP, 0, sound.duration_us, sound)])


def used_in(session: Session, clip_ids: Sequence[str]) -> dict[str, list[Programme]]:
    """The programmes in which clips stand. One query."""
    query = select(ProgrammeItem.clip_id, Programme).join(Programme).distinct()
    query = query.where(col(ProgrammeItem.clip_id).in_(clip_ids), col(Programme.retired_at).is_(None))
    found: dict[str, list[Programme]] = {}
    for clip_id, used in session.exec(query.order_by(Programme.title)):
        if clip_id is not None:
            found.setdefault(clip_id, []).append(used)
    return found


def _check(session: Session, commune_id: str, item: Item) -> None:
    if item.kind is ItemKind.CLIP:
        if item.clip_id is None or clip(session, item.clip_id).commune_id != commune_id:
            raise NotFound(N_("This recording is not there any more."))
    elif item.kind is ItemKind.GAP:
        if not 0 < item.gap_ms <= LONGEST_GAP_MS:
            raise Refusal(N_("A pause lasts up to {most} seconds."), most=LONGEST_GAP_MS // 1000)
    else:
        builtin_clip(session, commune_id, item.kind.value)


def _chimes(session: Session, communes: set[str]) -> dict[tuple[str, str], Clip]:
    query = select(Clip).where(col(Clip.commune_id).in_(communes), Clip.builtin != "")
    return {(c.commune_id, c.builtin): c for c in session.exec(query)}


def _title(title: str) -> str:
    if not title.strip():
        raise Refusal(N_("A programme needs a title, for example: Morning bulletin."))
    return title.strip()[:200]
