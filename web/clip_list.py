"""The audio library as its page lists it: pages of clips, and the uploads on their way."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlmodel import Session

from broadcast.clips import Clip, clips, clips_by_id, count_clips, renditions_of
from broadcast.ingest_jobs import IngestJob, JobState, finished_jobs, unfinished
from broadcast.programmes import Programme, used_in
from parsing.numbers import row_number
from web.waveforms import listen_url, thinned

PER_PAGE = 25
#: Of many uploads on their way, so many are shown; the others are counted.
MOST_UPLOADS_SHOWN = 10
#: Choices of a form: the newest clips, or those that a search names.
MOST_CHOICES = 50


@dataclass(frozen=True)
class ClipRow:
    """One clip in the list. peaks: 0–255. listen: where its sound is."""

    clip: Clip
    peaks: list[int]
    listen: str
    used: list[Programme]


@dataclass(frozen=True)
class ClipQuery:
    """What the page's address asks for, as it stands there."""

    q: str = ""
    field: str = ""
    language: str = ""

    @property
    def query(self) -> str:
        """For links to other pages of the same."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


@dataclass(frozen=True)
class ClipsPage:
    """One page of the list. first: the number of its first row, from 1. total: of all pages."""

    rows: list[ClipRow]
    page: int
    first: int
    total: int

    @property
    def more(self) -> bool:
        return self.first - 1 + len(self.rows) < self.total


@dataclass(frozen=True)
class UploadsView:
    """The uploads on their way, and what to say of those that ended.

    seen: ids of the uploads that had become clips. arrived: clips that the page does not list yet.
    """

    running: list[IngestJob]
    waiting: int
    notices: list[IngestJob]
    seen: list[str]
    arrived: list[ClipRow]


def clip_rows(session: Session, recordings: Sequence[Clip]) -> list[ClipRow]:
    """The number of queries does not grow with the clips."""
    ids = [c.id for c in recordings]
    sounds, used = renditions_of(session, ids), used_in(session, ids)
    return [ClipRow(c, thinned(c.peaks), listen_url(sounds.get(c.id, [])), used.get(c.id, [])) for c in recordings]


def clips_view(session: Session, commune_id: str, asked: ClipQuery, page: int = 0) -> ClipsPage:
    """page: from 0; one beyond the end is the last."""
    chosen = {"search": asked.q, "field": row_number(asked.field), "language": asked.language or None}
    total = count_clips(session, commune_id, **chosen)  # type: ignore[arg-type]
    page = min(page, max(0, total - 1) // PER_PAGE)
    recordings = clips(session, commune_id, **chosen, limit=PER_PAGE, offset=page * PER_PAGE)  # type: ignore[arg-type]
    return ClipsPage(clip_rows(session, recordings), page, page * PER_PAGE + 1, total)


def uploads_view(
    session: Session, commune_id: str, now: datetime, by: str, seen: Collection[str] | None = None
) -> UploadsView:
    """by: who asks; what became of an upload is said to who began it.

    seen: of the page as it is; None: the page is new and lists all clips.
    """
    running, finished = unfinished(session, commune_id), finished_jobs(session, commune_id, now)
    ready = [job for job in finished if job.state == JobState.READY]
    new = [] if seen is None else [job for job in ready if job.id not in seen and not job.same_as_before]
    known = clips_by_id(session, [job.clip_id for job in new if job.clip_id])
    arrived = [known[job.clip_id] for job in new if job.clip_id in known and known[job.clip_id].retired_at is None]
    return UploadsView(
        running[:MOST_UPLOADS_SHOWN],
        len(running) - len(running[:MOST_UPLOADS_SHOWN]),
        [job for job in finished if job.created_by == by and _is_notable(job)],
        [job.id for job in ready],
        clip_rows(session, arrived),
    )


def clip_choices(session: Session, commune_id: str, search: str, chosen: str = "") -> list[Clip]:
    """Clips for a form's list: the newest that match, and the chosen one."""
    choices = clips(session, commune_id, search=search, limit=MOST_CHOICES)
    if chosen and all(choice.id != chosen for choice in choices):
        own = clips_by_id(session, [chosen]).get(chosen)
        if own is not None and own.commune_id == commune_id and own.retired_at is None:
            choices.insert(0, own)
    return choices


def _is_notable(job: IngestJob) -> bool:
    return job.state != JobState.READY or job.same_as_before or job.resumed
