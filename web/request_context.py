"""What every page has in common: who asks, in which language, for which commune; and how a page is rendered."""

import hmac
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from devices import fault_latches
from devices.communes import Commune
from people.contacts import full_names
from people.operators import Operator, standing_of
from people.rights import Action, Standing, may, refusal_of
from runtime.database import Database
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from web import access
from web.deps import Deps
from web.flash import FLASH_COOKIE, KEPT_S, SAVED, Flash, commune_shown, packed, unpacked
from web.formatting import Wording
from web.labels.help import help_of
from web.language import Translator, language_asked
from web.rendering import Renderer
from web.shown import ShownRevisions, keep_sent, shown_in

SESSION_COOKIE = "loa_session"
LANGUAGE_COOKIE = "loa_language"
COMMUNE_COOKIE = "loa_commune"
#: What needs no commune: pages, and what they change.
FREE_PATHS = (
    "/first-steps",
    "/settings",
    "/operators",
    "/password",
    "/audit",
    "/mergers",
    "/removed",
    "/live",
    "/pulse",
    "/api",
)
WITHOUT_COMMUNE = frozenset({Action.OPERATORS, Action.BACKUP, Action.MERGERS, Action.COMMUNES, Action.LOOK})
#: Before signing in a browser gets this, so that the sign-in form too is tied to it.
GUEST_COOKIE = "loa_guest"


class NotSignedIn(Exception):
    """Nobody is signed in: pages lead to the sign-in, the API answers 401."""


class NoCommune(Refusal):
    """There is no commune for what is asked: the first steps come first."""

    def __init__(self) -> None:
        super().__init__(N_("There is no commune yet. Name it in the first steps, then try again."))


class MustChangePassword(Exception):
    """The one-time password was used: a password of one's own comes first."""


@dataclass(frozen=True)
class Frame:
    """One request's surroundings, for pages and their views."""

    request: Request
    deps: Deps
    t: Translator
    wording: Wording
    operator: Operator
    standing: Standing
    token: str
    commune: Commune
    communes: list[Commune]
    #: The browser asked for a commune that this person may not see, or that is no more.
    commune_changed: bool = False

    @property
    def commune_id(self) -> str:
        """The commune that is shown."""
        return self.commune.id

    @property
    def actor(self) -> Actor:
        """The operator, as use cases ask for the right."""
        return Actor(self.operator.name, self.standing, shown=shown_in(self.request))

    def may(self, action: str) -> bool:
        """Whether who asks may do this in the commune that is shown."""
        return may(self.standing, Action(action), self.commune_id)

    def why_not(self, action: str) -> str:
        """Who may do what this person may not."""
        return self.t.refusal(refusal_of(Action(action)))

    def need(self, action: Action, commune_id: str | None = None) -> None:
        """Raises NotAllowed, saying who may."""
        if not may(self.standing, action, self.commune_id if commune_id is None else commune_id):
            raise refusal_of(action)

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page, or a part of one, for this request. A page shows the flash message; a part leaves it for the page."""
        is_page = not template.startswith("_")
        values = surroundings(self) | {"flash": self._flash() if is_page else None} | values
        answer = HTMLResponse(renderer_of(self.request).render(template, **values), status)
        if is_page and FLASH_COOKIE in self.request.cookies:
            answer.delete_cookie(FLASH_COOKIE)
        if is_page and self.commune_changed:
            set_commune_cookie(answer, self.commune_id)
        return answer

    def _flash(self) -> Flash | None:
        if self.commune_changed:
            return commune_shown(self.commune.name, gone=True)
        return unpacked(self.request.cookies.get(FLASH_COOKIE, ""), self.deps.session_key)

    @property
    def open_faults(self) -> int:
        """Faults of the commune that are not reset."""
        with self.deps.database.session() as session:
            return fault_latches.open_count(session, self.commune_id)

    @cached_property
    def full_names(self) -> dict[str, str]:
        """Of the people who have given one, by sign-in name."""
        with self.deps.database.session() as session:
            return full_names(session)

    @property
    def form_token(self) -> str:
        return access.form_token(self.deps.session_key, self.token)

    @property
    def session_mark(self) -> str:
        return access.session_mark(self.token)


def surroundings(frame: Frame) -> dict[str, Any]:
    """What every template may use."""
    return {
        "f": frame,
        "t": frame.t,
        "w": frame.wording,
        "now": frame.deps.clock.now(),
        "path": frame.request.url.path,
        "emergency_banner": frame.request.app.state.emergency_banner,
        "help": help_of(frame.request.url.path),
        "form_token": frame.form_token,
        "once_key": lambda: secrets.token_urlsafe(12),
        "revision_of": ShownRevisions(frame.deps.database),
    }


def deps_of(request: Request) -> Deps:
    deps: Deps = request.app.state.deps
    return deps


def renderer_of(request: Request) -> Renderer:
    renderer: Renderer = request.app.state.renderer
    return renderer


def translator_of(request: Request) -> Translator:
    """In which language to answer."""
    language = language_asked(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language") if _is_api(request) else None
    )
    return renderer_of(request).translators[language]


def frame_of(request: Request) -> Frame:
    """Who asks, and for what. Raises NotSignedIn, MustChangePassword, Refusal (no commune yet)."""
    return frame_from(request, None)


def frame_from(request: Request, own_database: Database | None) -> Frame:
    """own_database: read this one, and write nothing: for what nothing may hold up."""
    frame = _frame(request, own_database)
    if frame.operator.must_change_password:
        raise MustChangePassword
    is_free = any(request.url.path == path or request.url.path.startswith(path + "/") for path in FREE_PATHS)
    if not frame.commune_id and request.method in ("GET", "HEAD") and request.url.path != "/" and not is_free:
        raise NoCommune
    return frame


def frame_with_any_password(request: Request) -> Frame:
    """The same, also with a one-time password: for the page where it is changed."""
    return _frame(request)


def _frame(request: Request, own_database: Database | None = None) -> Frame:
    deps, token = deps_of(request), request.cookies.get(SESSION_COOKIE, "")
    now = deps.clock.now()
    with (own_database or deps.database).session() as session:
        signed_in = access.who(session, token, now) if token else None
        if signed_in is None:
            raise NotSignedIn
        operator, web_session = signed_in
        standing, communes = standing_of(session, operator)
    if own_database is None and now - web_session.used_at > access.TOUCH_EVERY:
        with deps.database.writing() as session:
            access.touch(session, token, now)
    if not communes:
        communes = [Commune(id="", name="")]
    asked = request.cookies.get(COMMUNE_COOKIE, "")
    chosen = next((c for c in communes if c.id == asked), communes[0])
    t = translator_of(request)
    wording, changed = Wording(t, chosen.zone), bool(asked and chosen.id and chosen.id != asked)
    return Frame(request, deps, t, wording, operator, standing, token, chosen, communes, changed)


In = Annotated[Frame, Depends(frame_of)]


def check_form_token(request: Request, form_token: str | None) -> None:
    """Refuse a request that another site made the browser send. form_token: a field; None for the header's."""
    deps = deps_of(request)
    cookie = request.cookies.get(SESSION_COOKIE) or request.cookies.get(GUEST_COOKIE) or ""
    site = request.headers.get("sec-fetch-site", "same-origin")
    wanted = access.form_token(deps.session_key, cookie)
    token = form_token or request.headers.get("x-form-token") or ""
    if not cookie or site not in ("same-origin", "none") or not hmac.compare_digest(wanted.encode(), token.encode()):
        raise Refusal(N_("This form has expired. Reload the page and try again."))


async def own_form(request: Request) -> AsyncIterator[None]:
    """Every change must come from a form of ours: the token is in the form or in a header."""
    if request.method in ("GET", "HEAD"):
        yield
        return
    form_token = None
    kind = request.headers.get("content-type", "")
    try:
        if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
            form = await request.form()
            keep_sent(request, form)
            value = form.get("form_token")
            form_token = value if isinstance(value, str) else None
        check_form_token(request, form_token)
        yield
    finally:
        await request.close()  # files that were sent with it, also when it is refused


def changes(action: Action, *, new_commune: bool = False) -> Any:
    """What every route that changes something depends on: a form of ours, and the right to do `action` here.

    new_commune: it is done to a commune that is not there yet.
    """

    def allowed(_own: Annotated[None, Depends(own_form)], frame: In) -> None:
        if not frame.commune_id and not new_commune and action not in WITHOUT_COMMUNE:
            raise NoCommune
        frame.need(action, "" if new_commune else frame.commune_id)

    allowed.action = action  # type: ignore[attr-defined] # read by the test that walks all routes
    return Depends(allowed)


def set_commune_cookie(response: Response, commune_id: str) -> None:
    response.set_cookie(COMMUNE_COOKIE, commune_id, max_age=31_536_000, samesite="lax", httponly=True)


def back_to(request: Request, path: str, flash: Flash | None = SAVED) -> Response:
    """Go to a page after a change: by redirect, or as htmx wants it. flash: what that page says at its top."""
    answer: Response = RedirectResponse(path, status_code=303)
    if request.headers.get("hx-request"):
        answer = Response(status_code=204, headers={"HX-Redirect": path})
    if flash is not None and request.method != "GET":
        cookie = packed(flash, deps_of(request).session_key)
        answer.set_cookie(FLASH_COOKIE, cookie, max_age=KEPT_S, samesite="lax", httponly=True)
    return answer


def tell(frame: Frame, path: str, sentence: str, *, well: bool = True) -> Response:
    """Answer what changes nothing on the page: with a sentence for htmx in #command-result, else with the page."""
    if frame.request.headers.get("hx-target") != "command-result":
        return back_to(frame.request, path, Flash(sentence, is_success=well))
    return frame.page("_command_result.html", message=frame.t(sentence), sent=well)


def reading(request: Request) -> Any:
    """A session for reading, closed when the answer is made."""
    with deps_of(request).database.session() as session:
        yield session


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


Reading = Annotated[Session, Depends(reading, scope="function")]
