"""Play log: what sounded, where, and where not?"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from broadcast.on_air import Broadcast, broadcast, changes, state
from broadcast.play_reports import Detail, Heard, details, heard_at, play_log
from devices.receivers import receivers
from runtime.refusal import N_, NotFound
from schedules.explanations import cut_by
from web.frame import Frame, In, Reading, renderer_of
from web.pages.on_air import where_words
from web.words import BROADCAST_STATES, CLASSES, OUTCOMES, cause
from wire.broadcasts import ClipItem

router = APIRouter(include_in_schema=False)
PER_PAGE = 50


@dataclass(frozen=True)
class LogRow:
    """One broadcast. state: a word of BROADCAST_STATES."""

    broadcast: Broadcast
    state: str
    where: str
    heard: Heard


def log_view(
    session: Session, frame: Frame, now: datetime, *, since: datetime | None, until: datetime | None, class_: str,
    search: str, page: int,
) -> list[LogRow]:  # fmt: skip
    """One page of the log, newest first. The number of queries does not grow with it, but with kinds of targets."""
    found = play_log(
        session, frame.commune_id, now, since=since, until=until, class_=class_ or None, search=search,
        limit=PER_PAGE + 1, offset=page * PER_PAGE,
    )  # fmt: skip
    heard, known = heard_at(session, found), receivers(session, frame.commune_id)
    return [LogRow(b, state(b, now).value, where_words(b, known, frame.t), heard[b.id]) for b in found]


@router.get("/play-log")
def page(
    frame: In, session: Reading, q: str = "", since: str = "", until: str = "", class_: str = "", page: int = 0
) -> HTMLResponse:
    """The log."""
    rows = log_view(
        session, frame, frame.deps.clock.now(), since=_midnight(frame, since), until=_midnight(frame, until, 1),
        class_=class_ if class_ in CLASSES else "", search=q, page=max(0, page),
    )  # fmt: skip
    return renderer_of(frame.request).page(
        frame, "play_log.html", rows=rows[:PER_PAGE], more=len(rows) > PER_PAGE, page=max(0, page), q=q, since=since,
        until=until, class_=class_, classes=CLASSES, words=BROADCAST_STATES, cause=lambda word: cause(frame.t, word),
    )  # fmt: skip


@router.get("/play-log/{broadcast_id}")
def one(frame: In, session: Reading, broadcast_id: str) -> HTMLResponse:
    """One broadcast: where it sounded, where not, and why."""
    now = frame.deps.clock.now()
    found = broadcast(session, broadcast_id)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("This broadcast is not there any more."))
    said: list[Detail] = details(session, found, now)
    return renderer_of(frame.request).page(
        frame, "play_log_one.html", b=found, state=state(found, now).value, words=BROADCAST_STATES,
        heard=heard_at(session, [found])[found.id], details=said, cuts=cut_by(session, found),
        outcomes=OUTCOMES, changes=changes(session, found.id),
        cause=lambda word: cause(frame.t, word),
        titles={n: item.title for n, item in enumerate(found.what) if isinstance(item, ClipItem) and item.title},
        where=where_words(found, receivers(session, frame.commune_id), frame.t),
    )  # fmt: skip


def _midnight(frame: Frame, day: str, later: int = 0) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), tzinfo=frame.commune.zone)
    except ValueError:
        return None
