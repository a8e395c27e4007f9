"""Signing in and out, choosing a password, language and commune."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from people.operators import WrongPassword, check_password, new_password_hash
from people.rate_limit import SignInLimit, device_cookie, known_device
from runtime.refusal import N_, Refusal
from usecases.operators import change_own_password
from web import access
from web.flash import Flash, commune_shown
from web.language import LANGUAGES
from web.password_pool import PasswordPool
from web.request_context import (
    GUEST_COOKIE,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    Frame,
    In,
    back_to,
    check_form_token,
    deps_of,
    frame_with_any_password,
    own_form,
    renderer_of,
    set_commune_cookie,
    translator_of,
)

router = APIRouter(include_in_schema=False)
_YEAR_S = 31_536_000
#: Which operators have signed in from this browser; see `people.rate_limit`.
DEVICE_COOKIE = "loa_device"


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return _form(request)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    form_token: Annotated[str, Form()] = "",
) -> Response:
    deps = deps_of(request)
    address = request.client.host if request.client else ""
    devices = request.cookies.get(DEVICE_COOKIE, "")
    try:
        check_form_token(request, form_token)
        with _limit(request).sign_in(name, address, known_device(deps.session_key, devices, name)) as attempt:
            operator = await _pool(request).run(lambda: check_password(deps.database, name, password))
            attempt.succeeded = operator is not None
    except Refusal as refusal:
        return _form(request, name, refusal)
    if operator is None:
        wrong = Refusal(N_("The name or password is incorrect. Check both and try again."))
        return _form(request, name, wrong)
    token = await run_in_threadpool(access.sign_in, deps.database, operator.number, deps.clock.now())
    answer = RedirectResponse("/password" if operator.must_change_password else "/", status_code=303)
    _set_session_cookie(answer, request, token)
    answer.set_cookie(
        DEVICE_COOKIE,
        device_cookie(deps.session_key, devices, name),
        max_age=_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/sign-in",
    )
    return answer


@router.post("/sign-out", dependencies=[Depends(own_form)])
def sign_out(request: Request) -> Response:
    access.sign_out(deps_of(request).database, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/password")
def password_page(frame: Annotated[Frame, Depends(frame_with_any_password)]) -> HTMLResponse:
    """The form for a password of one's own."""
    return frame.page("password.html", refused="")


@router.post("/password", dependencies=[Depends(own_form)])
async def change_password(
    frame: Annotated[Frame, Depends(frame_with_any_password)],
    old: Annotated[str, Form()],
    new: Annotated[str, Form()],
    again: Annotated[str, Form()],
) -> Response:
    request, operator = frame.request, frame.operator
    try:
        with _limit(request).own_password(operator.number) as attempt:
            try:
                chosen = await _pool(request).run(lambda: new_password_hash(operator, old, new, again))
                attempt.succeeded = True
            except WrongPassword:
                raise
            except Refusal:
                attempt.succeeded = True  # the old password was right, or was not tried
                raise
        await run_in_threadpool(_change_password, frame, chosen)
    except Refusal as refusal:
        return frame.page("password.html", 422, refused=frame.t.refusal(refusal))
    return back_to(request, "/", Flash(N_("Your password has been changed.")))


def _change_password(frame: Frame, password_hash: str) -> None:
    def sign_out_elsewhere(session: Session) -> None:
        access.close_sessions(session, frame.operator.number, keep=frame.token)

    change_own_password(frame.deps.services, frame.actor, frame.operator, password_hash, sign_out_elsewhere)


@router.post("/language/{language}")
def choose_language(request: Request, language: str) -> Response:
    """Change the language of the pages. Needs no token: it does no harm."""
    answer = RedirectResponse(_same_place(request), status_code=303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True)
    return answer


@router.post("/commune", dependencies=[Depends(own_form)])
def choose_commune(frame: In, commune: Annotated[str, Form()]) -> Response:
    chosen = next((c for c in frame.communes if c.id == commune), frame.commune)
    answer = back_to(frame.request, "/", commune_shown(chosen.name))
    set_commune_cookie(answer, chosen.id)
    return answer


def _form(request: Request, name: str = "", refused: Refusal | None = None) -> Response:
    t, guest = translator_of(request), _guest_cookie(request)
    # A browser that still has a session signs in again with that session's token.
    tied_to = request.cookies.get(SESSION_COOKIE) or guest
    token = access.form_token(deps_of(request).session_key, tied_to)
    page = renderer_of(request).render(
        "sign_in.html", t=t, form_token=token, name=name, refused=t.refusal(refused) if refused else ""
    )
    answer = HTMLResponse(page, 422 if refused else 200)
    answer.set_cookie(GUEST_COOKIE, guest, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return answer


def _pool(request: Request) -> PasswordPool:
    pool: PasswordPool = request.app.state.password_pool
    return pool


def _limit(request: Request) -> SignInLimit:
    limit: SignInLimit = request.app.state.sign_in_limit
    return limit


def _same_place(request: Request) -> str:
    """The page one came from, when it is ours."""
    came_from = request.headers.get("referer", "")
    base = f"{request.url.scheme}://{request.url.netloc}/"
    # A path that begins with two slashes, or a backslash for one, would name another host.
    return "/" + came_from.removeprefix(base).lstrip("/\\") if came_from.startswith(base) else "/"


def _set_session_cookie(response: Response, request: Request, token: str) -> None:
    """Sign the browser in. Only https may carry it back when it came by https."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(access.LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
    response.delete_cookie(GUEST_COOKIE)


def _guest_cookie(request: Request) -> str:
    """The cookie of a browser that is not signed in, new when it has none."""
    return request.cookies.get(GUEST_COOKIE) or secrets.token_urlsafe(24)
