"""Play log: what sounded or should have, filtered; and what fields it was of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, folded
from broadcast.on_air import of_commune
from broadcast.play_reports import Audiences, HeardCount, heard_counts
from devices.receivers import Reach
from wire.broadcasts import ClipItem, Targets

#: Where filters look at each broadcast, so many of the newest are looked at: some five years of ten a day.
MOST_LOOKED_AT = 20_000
_AT_ONCE = 500


@dataclass(frozen=True)
class LogFilter:
    """What of the log is wanted. since, until: of the start, aware, until excluded. class_, field: "" and 0 for all.

    place: a zone's or a receiver's id, "" for all. outcome: "heard" (everywhere), "lacking" (not everywhere), "missed",
    "withdrawn", or "" for all. search: words of the title, without diacritics finds with them.
    """

    since: datetime | None = None
    until: datetime | None = None
    class_: str = ""
    field: int = 0
    place: str = ""
    outcome: str = ""
    search: str = ""

    @property
    def looks_closely(self) -> bool:
        """Whether it asks for what the table alone cannot answer."""
        return bool(self.field or self.place or self.search or self.outcome in ("heard", "lacking"))


def play_log(
    session: Session,
    commune_id: str,
    now: datetime,
    wanted: LogFilter | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> list[Broadcast]:
    """What began, or should have, newest first. The number of queries does not grow with its length."""
    wanted = wanted or LogFilter()
    query = select(Broadcast).where(of_commune(session, commune_id), col(Broadcast.starts_at) <= now)
    if wanted.since is not None:
        query = query.where(col(Broadcast.starts_at) >= wanted.since)
    if wanted.until is not None:
        query = query.where(col(Broadcast.starts_at) < wanted.until)
    if wanted.class_:
        query = query.where(Broadcast.class_ == wanted.class_)
    if wanted.outcome == "missed":
        query = query.where(col(Broadcast.missed).is_(True))
    elif wanted.outcome == "withdrawn":
        query = query.where(col(Broadcast.withdrawn_at).is_not(None))
    elif wanted.outcome:
        query = query.where(col(Broadcast.withdrawn_at).is_(None), col(Broadcast.missed).is_(False))
    query = query.order_by(col(Broadcast.starts_at).desc(), col(Broadcast.id))
    if not wanted.looks_closely:
        return list(session.exec(query.limit(limit).offset(offset)))
    matching = _matching(session, commune_id, list(session.exec(query.limit(MOST_LOOKED_AT))), wanted)
    return matching[offset : offset + limit]


def aired_for(broadcast: Broadcast, now: datetime) -> timedelta:
    """How long it has been on air at `now`; nothing for what was withdrawn before or missed."""
    if broadcast.withdrawn_at is not None or broadcast.missed:
        return timedelta(0)
    return max(timedelta(0), min(broadcast.sounds_until, now) - broadcast.starts_at)


def fields_of(session: Session, broadcasts: Sequence[Broadcast]) -> dict[str, int]:
    """The field of each clip that they name, by the clip's id; our own chimes are not in it."""
    ids = sorted({item.clip for b in broadcasts for item in b.playlist if isinstance(item, ClipItem)})
    found: dict[str, int] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = select(Clip.id, Clip.field).where(col(Clip.id).in_(ids[start : start + _AT_ONCE]), Clip.builtin == "")
        found |= dict(session.exec(query).all())
    return found


def fields_in(broadcast: Broadcast, fields: Mapping[str, int]) -> list[int]:
    """The fields of one, sorted. fields: of its clips."""
    return sorted({fields[i.clip] for i in broadcast.playlist if isinstance(i, ClipItem) and i.clip in fields})


def _matching(session: Session, commune_id: str, found: list[Broadcast], wanted: LogFilter) -> list[Broadcast]:
    words = folded(wanted.search).split()
    if words:
        found = [b for b in found if all(word in folded(b.title) for word in words)]
    if wanted.field:
        fields = fields_of(session, found)
        found = [b for b in found if wanted.field in fields_in(b, fields)]
    if wanted.place:
        place = Targets(zones=[wanted.place], receivers=[wanted.place])
        there, meant = Reach(session, commune_id)(place), Audiences(session)
        found = [b for b in found if (there | meant(b, place)) & meant(b)]
    if wanted.outcome in ("heard", "lacking"):
        heard: dict[str, HeardCount] = {}
        for start in range(0, len(found), _AT_ONCE):
            heard |= heard_counts(session, found[start : start + _AT_ONCE])
        everywhere = wanted.outcome == "heard"
        found = [b for b in found if (heard[b.id].heard >= heard[b.id].meant) is everywhere]
    return found
