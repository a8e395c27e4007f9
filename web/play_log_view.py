"""A filtered part of the play log, as the page and the files show it."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.audiences import Audience, Audiences
from broadcast.broadcasts import Broadcast, state
from broadcast.play_log import LogFilter, aired_for, fields_in, fields_of, play_log
from broadcast.play_proof import ProofSummary, proof_summaries
from broadcast.play_reports import HeardCount, heard_counts
from parsing.days import parse_day
from runtime.refusal import Refusal
from web.labels.broadcasts import CLASSES, FIELDS, LOG_OUTCOMES
from web.on_air_view import where_words
from web.request_context import Frame

PER_PAGE = 50
#: Days nearer to the ends of the calendar cannot be turned into UTC.
YEARS = range(1900, 2200)


@dataclass(frozen=True)
class LogRow:
    """One broadcast. state: a word of BROADCAST_STATES. fields: of its clips, keys of FIELDS. aired: so far."""

    broadcast: Broadcast
    state: str
    where: str
    audience: Audience
    heard: HeardCount
    proof: ProofSummary
    fields: list[int]
    aired: timedelta


@dataclass(frozen=True)
class LogQuery:
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

    def wrong_days(self) -> list[Refusal]:
        """What the days that ask for nothing are refused with."""
        return [refusal for text in (self.since, self.until) if isinstance(refusal := _day(text), Refusal)]

    @property
    def query(self) -> str:
        """For links to other pages of the same."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


def log_view(
    session: Session, frame: Frame, query: LogQuery, *, limit: int = PER_PAGE, offset: int = 0
) -> list[LogRow]:
    """A part of the log, newest first. The number of queries does not grow with it, but with kinds of targets."""
    now = frame.deps.clock.now()
    log = play_log(session, frame.commune_id, now, query.filter(frame.commune.zone), limit=limit, offset=offset)
    heard, audiences, fields = heard_counts(session, log), Audiences(session, log), fields_of(session, log)
    proof = proof_summaries(session, log)
    return [
        LogRow(
            b,
            state(b, now).value,
            where_words(b, audiences.of(b), frame.t),
            audiences.of(b),
            heard[b.id],
            proof[b.id],
            fields_in(b, fields),
            aired_for(b, now),
        )
        for b in log
    ]


def _day(text: str) -> date | Refusal | None:
    """A typed day; None for an empty field."""
    try:
        return parse_day(text) if text.strip() else None
    except Refusal as refusal:
        return refusal


def _midnight(zone: ZoneInfo, text: str, later: int = 0) -> datetime | None:
    day = _day(text)
    return datetime.combine(day + timedelta(days=later), time(), tzinfo=zone) if isinstance(day, date) else None
