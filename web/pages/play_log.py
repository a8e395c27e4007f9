"""Play log: what sounded, where, and where not?"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from broadcast.audiences import Audiences
from broadcast.broadcasts import state
from broadcast.play_proof import proof_summaries
from broadcast.play_reports import ReceiverOutcome, heard_counts, receiver_outcomes
from broadcast.relay_outages import outages_of
from broadcast.state_changes import state_changes
from devices.receivers import receivers
from devices.zones import zones
from schedules.explanations import preemptions_of
from usecases.broadcasts import broadcast_of
from web.formatting import Wording
from web.labels import stops
from web.labels.broadcasts import BROADCAST_STATES, CLASSES, FIELDS, LOG_OUTCOMES, OUTCOMES
from web.labels.causes import cause
from web.labels.proof import evidence, tiers, unproved
from web.on_air_view import where_words
from web.play_log_view import PER_PAGE, LogQuery, log_view
from web.request_context import In, Reading
from web.typed_fields import Count

router = APIRouter(include_in_schema=False)
#: Further back than any log goes; an address that asks for more has a slip in it.
LAST_PAGE = 100_000


def _months_back(today: date) -> list[date]:
    """The first days of this month and of those before, newest first, for two years."""
    months = (today.year * 12 + today.month - 1 - back for back in range(24))
    return [date(month // 12, month % 12 + 1, 1) for month in months]


@router.get("/play-log")
def page(frame: In, session: Reading, query: Annotated[LogQuery, Depends()], page: Count = 0) -> HTMLResponse:
    page = min(max(0, page), LAST_PAGE)
    rows = log_view(session, frame, query, limit=PER_PAGE + 1, offset=page * PER_PAGE)
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    return frame.page(
        "play_log.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        page=page,
        asked=query,
        classes=CLASSES,
        words=BROADCAST_STATES,
        fields=FIELDS,
        outcomes=LOG_OUTCOMES,
        months=[(f"{day:%Y-%m}", f"{day:%m/%Y}") for day in _months_back(today)],
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
    broadcast = broadcast_of(session, frame.commune_id, broadcast_id)
    outcomes: list[ReceiverOutcome] = receiver_outcomes(session, broadcast, now)
    proof = proof_summaries(session, [broadcast])[broadcast.id]
    return frame.page(
        "_play_log_entry.html" if frame.request.headers.get("hx-target") == "entry" else "play_log_entry.html",
        b=broadcast,
        state=state(broadcast, now).value,
        words=BROADCAST_STATES,
        heard=heard_counts(session, [broadcast])[broadcast.id],
        details=outcomes,
        cuts=preemptions_of(session, broadcast, [d.receiver.id for d in outcomes]),
        proof=[*unproved(frame, proof, len(outcomes)), *tiers(frame, proof)],
        evidence=lambda report: evidence(frame, report),
        outcomes=OUTCOMES,
        changes=state_changes(session, broadcast.id),
        stopped=stops.stopped(Wording(frame.t, frame.commune.zone), broadcast, None, frame.full_names),
        overrun=lambda report: stops.overrun(Wording(frame.t, frame.commune.zone), broadcast, report),
        cause=lambda word: cause(frame.t, word),
        outages=outages_of(session, broadcast.id),
        titles={n: item.title for n, item in enumerate(broadcast.playlist) if item.title},
        where=where_words(broadcast, Audiences(session).of(broadcast), frame.t),
    )
