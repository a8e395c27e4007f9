"""Programmes: an ordered list of items (chimes, clips, pauses) with its total duration."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, text
from sqlmodel import Field, Session, SQLModel, col, delete, select

from broadcast.clips import Clip, builtin_clip, clip, clips_by_id, renditions_of
from parsing.names import folded
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, at_field
from runtime.rows import NumberedRow, existing
from wire.broadcasts import ClipItem, Rendition

MOST_ITEMS = 100
LONGEST_GAP_MS = 60_000


class ItemKind(StrEnum):
    OPENING_CHIME = "opening_chime"
    CLIP = "clip"
    GAP = "gap"
    CLOSING_CHIME = "closing_chime"


CHIMES = (ItemKind.OPENING_CHIME, ItemKind.CLOSING_CHIME)


class Programme(NumberedRow, table=True):
    commune_id: str = Field(foreign_key="commune.id", index=True)
    title: str
    folded: str = ""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ProgrammeItem(SQLModel, table=True):
    """position: from 0. gap_ms: of a pause. clip_id: of a clip; chimes refer to the commune's own.

    item_key: names the item in its programme, and stays when items move: a page that is older names the same item.
    """

    programme_id: int = Field(foreign_key="programme.id", primary_key=True)
    position: int = Field(primary_key=True)
    kind: str
    clip_id: str | None = Field(default=None, foreign_key="clip.id", index=True)
    gap_ms: int = 0
    item_key: str = Field(default_factory=lambda: secrets.token_hex(4), sa_column_kwargs={"server_default": text("''")})


@dataclass(frozen=True)
class Item:
    """An item as an editor submits it. key: of one that is there already, "" for a new one."""

    kind: ItemKind
    clip_id: str | None = None
    gap_ms: int = 0
    key: str = ""


@dataclass(frozen=True)
class RunningItem:
    """An item with its running time. offset_us: from the start of the programme. clip: None for a pause."""

    position: int
    kind: ItemKind
    offset_us: int
    duration_us: int
    clip: Clip | None
    key: str = ""


def add_programme(
    session: Session, commune_id: str, title: str, items: Sequence[Item], *, now: datetime, by: str = ""
) -> Programme:
    """Raises Refusal (no title, invalid item), NotFound (no such clip)."""
    programme = Programme(
        commune_id=commune_id, title=_title(title), folded=folded(title), created_at=now, created_by=by
    )
    session.add(programme)
    session.flush()
    replace_items(session, programme.number, items)
    return programme


def rename(session: Session, programme_id: int, title: str) -> Programme:
    """Raises Refusal for an empty title, NotFound."""
    renamed = programme(session, programme_id)
    renamed.title, renamed.folded = _title(title), folded(title)
    session.add(renamed)
    return renamed


def replace_items(session: Session, programme_id: int, items: Sequence[Item]) -> None:
    """Set exactly these items, in this order. Raises Refusal, NotFound.

    The next plan replaces broadcasts that have not begun; one on air continues unchanged.
    """
    owner = programme(session, programme_id)
    if len(items) > MOST_ITEMS:
        raise Refusal(N_("A programme can have at most {most} items. Split it into two programmes."), most=MOST_ITEMS)
    for item in items:
        _check(session, owner.commune_id, item)
    session.exec(delete(ProgrammeItem).where(col(ProgrammeItem.programme_id) == programme_id))
    for position, item in enumerate(items):
        session.add(
            ProgrammeItem(
                programme_id=programme_id,
                position=position,
                kind=item.kind.value,
                clip_id=item.clip_id if item.kind is ItemKind.CLIP else None,
                gap_ms=item.gap_ms if item.kind is ItemKind.GAP else 0,
                **({"item_key": item.key} if item.key else {}),
            )
        )
    session.flush()


def programme(session: Session, programme_id: int) -> Programme:
    """Raises NotFound when no row has this id."""
    return existing(session, Programme, programme_id, N_("This programme no longer exists."))


def programmes(
    session: Session,
    commune_id: str,
    *,
    search: str = "",
    include_retired: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Programme]:
    """A commune's programmes, newest first. search: words, matched without diacritics."""
    query = select(Programme).where(Programme.commune_id == commune_id)
    for word in folded(search).split():
        query = query.where(col(Programme.folded).contains(word, autoescape=True))
    if not include_retired:
        query = query.where(col(Programme.retired_at).is_(None))
    newest = query.order_by(col(Programme.created_at).desc(), col(Programme.id).desc())
    return list(session.exec(newest.limit(limit).offset(offset)))


def items_of(session: Session, programme_id: int) -> list[RunningItem]:
    return items_of_all(session, [programme_id])[programme_id]


def items_of_all(session: Session, programme_ids: Sequence[int]) -> dict[int, list[RunningItem]]:
    """By programme id. The number of queries does not grow with the programmes."""
    query = select(ProgrammeItem, Programme.commune_id).join(Programme)
    query = query.where(col(ProgrammeItem.programme_id).in_(programme_ids))
    rows = session.exec(query.order_by(col(ProgrammeItem.programme_id), col(ProgrammeItem.position))).all()
    communes = {commune_id for _, commune_id in rows}
    clips = clips_by_id(session, [row.clip_id for row, _ in rows if row.clip_id])
    chimes = _chimes(session, communes) if any(ItemKind(row.kind) in CHIMES for row, _ in rows) else {}
    items_by_programme: dict[int, list[RunningItem]] = {programme_id: [] for programme_id in programme_ids}
    for row, commune_id in rows:
        kind, running = ItemKind(row.kind), items_by_programme[row.programme_id]
        clip_of_item = chimes.get((commune_id, row.kind)) if kind in CHIMES else clips.get(row.clip_id or "")
        offset_us = running[-1].offset_us + running[-1].duration_us if running else 0
        duration_us = row.gap_ms * 1000 if kind is ItemKind.GAP else clip_of_item.duration_us if clip_of_item else 0
        running.append(RunningItem(row.position, kind, offset_us, duration_us, clip_of_item, row.item_key))
    return items_by_programme


def duration_us(items: Sequence[RunningItem]) -> int:
    return items[-1].offset_us + items[-1].duration_us if items else 0


def manifest_items(session: Session, items: Sequence[RunningItem]) -> list[ClipItem]:
    """The items in wire form. Raises Refusal when nothing is audible or a clip lacks its renditions."""
    return wire_items(items, renditions_of(session, [item.clip.id for item in items if item.clip]))


def wire_items(items: Sequence[RunningItem], renditions: Mapping[str, list[Rendition]]) -> list[ClipItem]:
    """As `manifest_items`. renditions: by clip id, at least those of these items."""
    audible = [item for item in items if item.clip is not None]
    if not audible:
        raise Refusal(N_("This programme has nothing to play. Add a recording first."))
    listed = []
    for item in audible:
        if item.clip is None or item.clip.id not in renditions:
            raise Refusal(N_("A recording in this programme is no longer available. Choose another one."))
        listed.append(
            ClipItem(
                offset_us=item.offset_us,
                duration_us=item.duration_us,
                clip=item.clip.id,
                title=item.clip.title,
                renditions=renditions[item.clip.id],
            )
        )
    return listed


def clip_items(session: Session, clip_id: str) -> list[ClipItem]:
    """A single clip as the only item of a broadcast."""
    single = clip(session, clip_id)
    return manifest_items(session, [RunningItem(0, ItemKind.CLIP, 0, single.duration_us, single)])


def used_in(session: Session, clip_ids: Sequence[str]) -> dict[str, list[Programme]]:
    """The programmes that contain each clip. One query."""
    query = select(ProgrammeItem.clip_id, Programme).join(Programme).distinct()
    query = query.where(col(ProgrammeItem.clip_id).in_(clip_ids), col(Programme.retired_at).is_(None))
    programmes_by_clip: dict[str, list[Programme]] = {}
    for clip_id, used in session.exec(query.order_by(Programme.title)):
        if clip_id is not None:
            programmes_by_clip.setdefault(clip_id, []).append(used)
    return programmes_by_clip


def _check(session: Session, commune_id: str, item: Item) -> None:
    if item.kind is ItemKind.CLIP:
        if item.clip_id is None or clip(session, item.clip_id).commune_id != commune_id:
            raise NotFound(N_("This recording no longer exists."))
    elif item.kind is ItemKind.GAP:
        if not 0 < item.gap_ms <= LONGEST_GAP_MS:
            raise Refusal(N_("A pause lasts up to {most} seconds."), most=LONGEST_GAP_MS // 1000).at("gap_s")
    else:
        builtin_clip(session, commune_id, item.kind.value)


def _chimes(session: Session, communes: set[str]) -> dict[tuple[str, str], Clip]:
    query = select(Clip).where(col(Clip.commune_id).in_(communes), Clip.builtin != "")
    return {(c.commune_id, c.builtin): c for c in session.exec(query)}


def _title(title: str) -> str:
    with at_field("title"):
        parsed = parse_title(title)
    if not parsed:
        raise Refusal(N_("A programme needs a title, for example: Morning bulletin.")).at("title")
    return parsed
