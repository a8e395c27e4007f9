"""Signing in and out, choosing a password, language and commune."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from people.operators import change_password as choose_password
from people.operators import check_password
from runtime.refusal import N_, Refusal
from web import access
from web.language import LANGUAGES
from web.rate_limit import SignInLimit
from web.request_context import (
    COMMUNE_COOKIE,
    GUEST_COOKIE,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    Frame,
    In,
    check_form_token,
    deps_of,
    frame_with_any_password,
    guest_cookie,
    own_form,
    renderer_of,
    set_session_cookie,
    translator_of,
)

router = APIRouter(include_in_schema=False)
_YEAR_S = 31_536_000


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return _form(request)


@router.post("/sign-in")
def sign_in(
    request: Request,
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    form_token: Annotated[str, Form()] = "",
) -> Response:
    """Let an operator in. Runs in a worker thread: hashing takes a tenth of a second."""
    deps, limit = deps_of(request), _limit(request)
    address = request.client.host if request.client else ""
    try:
        check_form_token(request, form_token)
        limit.check(name, address)
    except Refusal as refusal:
        return _form(request, name, refusal)
    with deps.database.session() as session:
        operator = check_password(session, name, password)
    if operator is None or operator.id is None:
        limit.failed(name, address)
        wrong = Refusal(N_("The name or password is incorrect. Check both and try again."))
        return _form(request, name, wrong)
    limit.succeeded(name, address)
    with deps.database.writing() as session:
        token = access.open_session(session, operator.id, deps.clock.now())
    answer = RedirectResponse("/password" if operator.must_change_password else "/", status_code=303)
    set_session_cookie(answer, request, token)
    return answer


@router.post("/sign-out", dependencies=[Depends(own_form)])
def sign_out(request: Request) -> Response:
    deps = deps_of(request)
    with deps.database.writing() as session:
        access.close_session(session, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/password")
def password_page(frame: Annotated[Frame, Depends(frame_with_any_password)]) -> HTMLResponse:
    """The form for a password of one's own."""
    return renderer_of(frame.request).page(frame, "password.html", refused="")


@router.post("/password", dependencies=[Depends(own_form)])
def change_password(
    frame: Annotated[Frame, Depends(frame_with_any_password)],
    old: Annotated[str, Form()],
    new: Annotated[str, Form()],
    again: Annotated[str, Form()],
) -> Response:
    try:
        with frame.deps.database.writing() as session:
            choose_password(session, frame.operator.number, old, new, again)
            access.close_sessions(session, frame.operator.number, keep=frame.token)
    except Refusal as refusal:
        return renderer_of(frame.request).page(frame, "password.html", 422, refused=frame.t.refusal(refusal))
    return RedirectResponse("/", status_code=303)


@router.post("/language/{language}")
def choose_language(request: Request, language: str) -> Response:
    """Change the language of the pages. Needs no token: it does no harm."""
    answer = RedirectResponse(_same_place(request), status_code=303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True)
    return answer


@router.post("/commune", dependencies=[Depends(own_form)])
def choose_commune(frame: In, commune: Annotated[str, Form()]) -> Response:
    answer = RedirectResponse("/", status_code=303)
    if commune in {c.id for c in frame.communes}:
        answer.set_cookie(COMMUNE_COOKIE, commune, max_age=_YEAR_S, samesite="lax", httponly=True)
    return answer


def _form(request: Request, name: str = "", refused: Refusal | None = None) -> Response:
    t, guest = translator_of(request), guest_cookie(request)
    # A browser that still has a session signs in again with that session's token.
    tied_to = request.cookies.get(SESSION_COOKIE) or guest
    token = access.form_token(deps_of(request).session_key, tied_to)
    page = renderer_of(request).render(
        "sign_in.html", t=t, form_token=token, name=name, refused=t.refusal(refused) if refused else ""
    )
    answer = HTMLResponse(page, 422 if refused else 200)
    answer.set_cookie(GUEST_COOKIE, guest, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return answer


def _limit(request: Request) -> SignInLimit:
    limit: SignInLimit = request.app.state.sign_in_limit
    return limit


def _same_place(request: Request) -> str:
    """The page one came from, when it is ours."""
    came_from = request.headers.get("referer", "")
    base = f"{request.url.scheme}://{request.url.netloc}/"
    # A path that begins with two slashes, or a backslash for one, would name another host.
    return "/" + came_from.removeprefix(base).lstrip("/\\") if came_from.startswith(base) else "/"
