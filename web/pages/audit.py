"""The audit: who changed what, where, when?"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from parsing.names import folded
from people.audit import SearchedWord, entries
from web.labels.audit_details import audit_detail
from web.labels.people import DEEDS
from web.request_context import Frame, In, Reading
from web.typed_fields import Count

router = APIRouter(include_in_schema=False)
PER_PAGE = 100


@router.get("/audit")
def page(frame: In, session: Reading, commune: str = "", by: str = "", q: str = "", page: Count = 0) -> HTMLResponse:
    """What was done in a commune, newest first; without one chosen, in all that one may see. q: words to find."""
    mine = {c.id: c.name for c in frame.communes}
    of = [commune] if commune in mine else [*mine, *([""] if frame.standing.admin else [])]
    page, by = max(0, page), by.strip().lower()
    rows = entries(session, of, by=by, search=_searched(frame, q), limit=PER_PAGE + 1, offset=page * PER_PAGE)
    return frame.page(
        "audit.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        page=page,
        commune=commune,
        by=by,
        q=q,
        mine=mine,
        detail=lambda entry: audit_detail(frame.t, entry.action, entry.detail),
        words={deed.value: word for deed, word in DEEDS.items()},
    )


def _searched(frame: Frame, text: str) -> list[SearchedWord]:
    """Words as the page shows them: of the detail, of what was done, of who did it."""
    said = {deed.value: folded(frame.t(word)) for deed, word in DEEDS.items()}
    called = {name: folded(full_name) for name, full_name in frame.full_names.items()}
    return [
        SearchedWord(
            word,
            [action for action, label in said.items() if word in label],
            [name for name, full_name in called.items() if word in full_name],
        )
        for word in folded(text).split()
    ]
