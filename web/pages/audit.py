"""The audit: who changed what, where, when?"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from people.audit import entries
from people.contacts import full_names
from web.labels.audit_details import audit_detail
from web.labels.people import DEEDS
from web.request_context import In, Reading
from web.typed_fields import Count

router = APIRouter(include_in_schema=False)
PER_PAGE = 100


@router.get("/audit")
def page(frame: In, session: Reading, commune: str = "", by: str = "", page: Count = 0) -> HTMLResponse:
    """What was done in a commune, newest first; without one chosen, in all that one may see."""
    mine = {c.id: c.name for c in frame.communes}
    of = [commune] if commune in mine else [*mine, *([""] if frame.standing.admin else [])]
    page, by = max(0, page), by.strip().lower()
    rows = entries(session, of, by=by, limit=PER_PAGE + 1, offset=page * PER_PAGE)
    return frame.page(
        "audit.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        page=page,
        commune=commune,
        by=by,
        mine=mine,
        full_names=full_names(session),
        detail=lambda entry: audit_detail(frame.t, entry.action, entry.detail),
        words={deed.value: word for deed, word in DEEDS.items()},
    )
