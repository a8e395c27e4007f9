"""The revision that a form shows: written into forms, read from what is sent, and the page when it is an old one.

The check is made in the use cases (`usecases.revisions`), for every door.
"""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import FormData

from runtime.database import Database
from usecases.revisions import Superseded, Thing, newest_entry, revision_of, subject_of
from web.labels.people import DEEDS
from web.language import Translator

#: Fields that say nothing of what was typed.
_NOT_TYPED = ("form_token", "revision", "once", "form_page")
_PAGES = {
    "schedule": "/timetable",
    "programme": "/programmes",
    "clip": "/clips",
    "receiver": "/receivers",
    "zone": "/zones",
    "cap_source": "/cap/sources",
}


class ShownRevisions:
    """For templates: `revision(thing)` of what this page shows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: int | None = None
        self._known: dict[str, str] = {}

    def __call__(self, thing: Thing) -> str:
        subject = subject_of(thing)
        if subject not in self._known:
            with self._database.session() as session:
                if self._newest is None:
                    self._newest = newest_entry(session)
                self._known[subject] = revision_of(session, thing, self._newest)
        return self._known[subject]


def keep_sent(request: Request, form: FormData) -> None:
    """Remember what a form sent: its revisions for the use case, the rest for the page that gives it back."""
    request.state.sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def shown_in(request: Request) -> tuple[str, ...]:
    """The revisions that the sender saw: of the form, or of the API's If-Match."""
    header = request.headers.get("if-match", "").removeprefix("W/").strip().strip('"')
    sent = [value for name, value in _sent(request) if name == "revision" and value]
    return (*sent, *([header] if header and header != "*" else []))


def superseded_json(t: Translator, error: Superseded) -> JSONResponse:
    changes = [
        {"at": c.at.isoformat(), "by": c.by, "what": t(DEEDS[c.deed]), "detail": c.detail} for c in error.changes
    ]
    answer = {"error": t.refusal(error), "revision": error.revision, "changes": changes}
    return JSONResponse(answer, HTTPStatus.CONFLICT, {"ETag": f'"{error.revision}"'})


def sent_values(request: Request) -> list[tuple[str, str]]:
    """All that a form sent, hidden fields too; [] where it was not read."""
    return _sent(request)


def sent_fields(request: Request) -> list[tuple[str, str]]:
    return [(name, value) for name, value in _sent(request) if name not in _NOT_TYPED]


def page_of(subject: str) -> str:
    """Where a thing is shown as it is now."""
    kind, _, ident = subject.partition(" ")
    if kind == "noise_rules":
        return f"/allowed-hours/{ident.partition('/')[2] or 'commune'}"
    if kind == "outline":
        return "/map"
    if kind == "province_link":
        return "/province"
    if kind == "notification_rule":
        return f"/operators/{ident}/profile"
    if kind == "operator":
        return f"/operators/{ident}"
    if kind == "cap_alert":
        return "/cap"
    if kind == "clock_step":
        return "/"
    if kind in ("commune", "chime"):
        return "/settings"
    return f"{_PAGES[kind]}/{ident}" if kind in _PAGES else "/stations"


def as_fragment(html: HTMLResponse) -> Response:
    """For htmx: beside the form, which stays as it was typed."""
    html.status_code = HTTPStatus.OK
    html.headers["HX-Retarget"], html.headers["HX-Reswap"] = "#notices", "innerHTML"
    return html


def _sent(request: Request) -> list[tuple[str, str]]:
    return getattr(request.state, "sent", [])
