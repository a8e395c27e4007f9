"""Play log: what sounded, where, and where not?"""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from broadcast.broadcasts import Broadcast, broadcast, state
from broadcast.play_log import LogFilter, aired_for, fields_in, fields_of, play_log
from broadcast.play_proof import ProofSummary, proof_summaries
from broadcast.play_reports import HeardCount, ReceiverOutcome, heard_counts, receiver_outcomes
from broadcast.state_changes import state_changes
from devices.predecessors import belongs
from devices.receivers import receivers
from devices.zones import zones
from runtime.refusal import N_, NotFound
from schedules.explanations import preemptions_of
from web.labels.proof import evidence, tiers, unproved
from web.labels.states import BROADCAST_STATES, CLASSES, FIELDS, LOG_OUTCOMES, OUTCOMES, cause
from web.pages.on_air import where_words
from web.request_context import Frame, In, Reading, renderer_of
from wire.broadcasts import ClipItem

router = APIRouter(include_in_schema=False)
PER_PAGE = 50
#: Further back than any log goes; an address that asks for more has a slip in it.
LAST_PAGE = 100_000
#: Days nearer to the ends of the calendar cannot be turned into UTC.
YEARS = range(1900, 2200)


@dataclass(frozen=True)
class LogRow:
    """One broadcast. state: a word of BROADCAST_STATES. fields: of its clips, keys of FIELDS. aired: so far."""

    broadcast: Broadcast
    state: str
    where: str
    heard: HeardCount
    proof: ProofSummary
    fields: list[int]
    aired: timedelta


@dataclass(frozen=True)
class Asked:
    """What the page's address asks for, as it stands there: unknown words ask for nothing."""

    q: str = ""
    since: str = ""
    until: str = ""
    class_: str = ""
    field: str = ""
    place: str = ""
    outcome: str = ""

    def filter(self, zone: ZoneInfo) -> LogFilter:
        """As the log takes it. zone: in which its days are."""
        return LogFilter(
            since=_midnight(zone, self.since),
            until=_midnight(zone, self.until, 1),
            class_=self.class_ if self.class_ in CLASSES else "",
            field=next((number for number in FIELDS if str(number) == self.field), 0),
            place=self.place,
            outcome=self.outcome if self.outcome in LOG_OUTCOMES else "",
            search=self.q,
        )

    @property
    def query(self) -> str:
        """For links to other pages of the same."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


def log_view(session: Session, frame: Frame, asked: Asked, *, limit: int = PER_PAGE, offset: int = 0) -> list[LogRow]:
    """A part of the log, newest first. The number of queries does not grow with it, but with kinds of targets."""
    now = frame.deps.clock.now()
    found = play_log(session, frame.commune_id, now, asked.filter(frame.commune.zone), limit=limit, offset=offset)
    heard, known, fields = heard_counts(session, found), receivers(session, frame.commune_id), fields_of(session, found)
    proof = proof_summaries(session, [b.id for b in found])
    return [
        LogRow(
            b,
            state(b, now).value,
            where_words(b, known, frame.t),
            heard[b.id],
            proof[b.id],
            fields_in(b, fields),
            aired_for(b, now),
        )
        for b in found
    ]


@router.get("/play-log")
def page(frame: In, session: Reading, asked: Annotated[Asked, Depends()], page: int = 0) -> HTMLResponse:
    """The log."""
    page = min(max(0, page), LAST_PAGE)
    rows = log_view(session, frame, asked, limit=PER_PAGE + 1, offset=page * PER_PAGE)
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    return renderer_of(frame.request).page(
        frame,
        "play_log.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        page=page,
        asked=asked,
        classes=CLASSES,
        words=BROADCAST_STATES,
        fields=FIELDS,
        outcomes=LOG_OUTCOMES,
        month=f"{today:%Y-%m}",
        zones=zones(session, frame.commune_id),
        receivers=receivers(session, frame.commune_id),
        cause=lambda word: cause(frame.t, word),
        unproved=lambda proof: unproved(frame, proof, 3),
        tiers=lambda proof: tiers(frame, proof),
    )


@router.get("/play-log/{broadcast_id}")
def one(frame: In, session: Reading, broadcast_id: str) -> HTMLResponse:
    """One broadcast: where it sounded, where not, and why."""
    now = frame.deps.clock.now()
    found = broadcast(session, broadcast_id)
    if not belongs(session, frame.commune_id, found.commune_id, found.starts_at):
        raise NotFound(N_("This broadcast no longer exists."))
    said: list[ReceiverOutcome] = receiver_outcomes(session, found, now)
    proof = proof_summaries(session, [found.id])[found.id]
    return renderer_of(frame.request).page(
        frame,
        "play_log_entry.html",
        b=found,
        state=state(found, now).value,
        words=BROADCAST_STATES,
        heard=heard_counts(session, [found])[found.id],
        details=said,
        cuts=preemptions_of(session, found, [d.receiver.id for d in said]),
        proof=[*unproved(frame, proof, len(said)), *tiers(frame, proof)],
        evidence=lambda report: evidence(frame, report),
        outcomes=OUTCOMES,
        changes=state_changes(session, found.id),
        cause=lambda word: cause(frame.t, word),
        titles={n: item.title for n, item in enumerate(found.playlist) if isinstance(item, ClipItem) and item.title},
        where=where_words(found, receivers(session, frame.commune_id), frame.t),
    )


def _midnight(zone: ZoneInfo, day: str, later: int = 0) -> datetime | None:
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        return None
    return datetime.combine(asked + timedelta(days=later), time(), tzinfo=zone) if asked.year in YEARS else None
