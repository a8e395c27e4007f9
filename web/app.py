"""The web: pages, JSON API, audio for receivers, live updates; joined into one application."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from importlib import metadata

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from people.rate_limit import FeedLimit, SignInLimit
from people.rights import NotAllowed
from runtime.refusal import N_, NotFound, Refusal
from transfer.backup_runs import BackupRuns
from usecases.revisions import Superseded
from web.api.routes import API_ROUTERS
from web.assets import Assets
from web.body_limits import BodyLimits
from web.deps import Deps
from web.emergency_banner import emergency_banner
from web.labels.fields import typed_values
from web.labels.people import DEEDS
from web.live import LiveFeed
from web.once_only import OnceOnly
from web.pages.routes import PAGE_ROUTERS
from web.password_pool import PasswordPool
from web.plain_door import PlainDoor
from web.refused_forms import form_again
from web.rendering import Renderer
from web.request_context import (
    SESSION_COOKIE,
    MustChangePassword,
    NoCommune,
    NotSignedIn,
    _is_api,
    back_to,
    frame_of,
    translator_of,
)
from web.security import PagesCompressed, SecurityHeaders
from web.shown import as_fragment, page_of, sent_fields, superseded_json
from web.typed_fields import EMPTY, refusal_in

log = logging.getLogger(__name__)

__all__ = ["Deps", "create_app"]


def create_app(deps: Deps) -> FastAPI:
    """The application over the running parts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.live.close()
        app.state.password_pool.close()
        app.state.backups.close()

    app = FastAPI(
        title="Loa",
        version=metadata.version("loa"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        description="The nouns of the pages. Sign in first, send X-Form-Token.",
    )
    assets, renderer = _shipped()
    app.state.deps = deps
    app.state.assets = assets
    app.state.renderer = renderer
    app.state.sign_in_limit = SignInLimit()
    app.state.feed_limit = FeedLimit()
    app.state.password_pool = PasswordPool()
    app.state.backups = BackupRuns(deps.database, deps.settings.data_dir, deps.clock)
    app.state.emergency_banner = emergency_banner
    app.state.live = LiveFeed(deps, app.state.renderer)
    for router in (*PAGE_ROUTERS, *API_ROUTERS):
        # Not include_router: FastAPI would build each route once more for each application, which takes 0.3 s.
        app.router.routes.extend(router.routes)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(MustChangePassword, _must_change_password)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _failed)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _our_fault)
    app.add_middleware(OnceOnly, database=deps.database, clock=deps.clock, cookie=SESSION_COOKIE, say=_say)
    app.add_middleware(BodyLimits, max_upload_bytes=deps.settings.max_upload_bytes, answer=_answer_to)
    app.add_middleware(PagesCompressed)
    app.add_middleware(SecurityHeaders, map_pictures_from=deps.settings.map_tiles_origin)
    if deps.https is not None:
        own = deps.https.authority is not None
        app.add_middleware(PlainDoor, https_port=deps.https.port, must_be_trusted=own)

    @app.get("/static/{name:path}", include_in_schema=False)
    def static(name: str, request: Request) -> Response:
        return assets.answer(name, request) or Response(status_code=404)

    @app.get("/health", include_in_schema=False)
    def health() -> dict[str, bool]:
        return {"ok": True, "broker": deps.downlink.connected}

    return app


@cache
def _shipped() -> tuple[Assets, Renderer]:
    """Static files and templates: read, compressed and compiled once a process, however many applications it makes."""
    assets = Assets()
    return assets, Renderer(assets)


def _not_signed_in(request: Request, _error: Exception) -> Response:
    if _is_api(request) or _wants_json(request):
        return JSONResponse({"error": "sign in first"}, HTTPStatus.UNAUTHORIZED)
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
    return RedirectResponse("/sign-in", status_code=303)


def _must_change_password(request: Request, _error: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"error": "change the one-time password first"}, HTTPStatus.FORBIDDEN)
    return RedirectResponse("/password", status_code=303)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    if isinstance(error, Superseded):
        return await run_in_threadpool(_superseded, request, error)
    if isinstance(error, NoCommune) and not _is_api(request) and not _wants_json(request):
        return back_to(request, "/first-steps?needed=1", None)
    return await _say_at_form(request, error, _status_of(error))


def _status_of(refusal: Refusal) -> HTTPStatus:
    if isinstance(refusal, NotFound):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.FORBIDDEN if isinstance(refusal, NotAllowed) else HTTPStatus.UNPROCESSABLE_ENTITY


def _superseded(request: Request, error: Superseded) -> Response:
    if _is_api(request):
        return superseded_json(translator_of(request), error)
    frame, part = frame_of(request), bool(request.headers.get("hx-request"))
    page = frame.page(
        "_superseded.html" if part else "superseded.html",
        HTTPStatus.CONFLICT,
        message=frame.t.refusal(error),
        changes=error.changes,
        deeds=DEEDS,
        current=page_of(error.subject),
        retired=error.retired,
        revision=error.revision,
        fields=sent_fields(request),
        by_script=part,
        typed=typed_values(frame.t, sent_fields(request)),
    )
    return as_fragment(page) if part else page


async def _invalid(request: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    refusal = refusal_in(errors)
    if _is_api(request) and (refusal is None or refusal.message_id == EMPTY):
        fields = [{"field": ".".join(str(p) for p in e["loc"][1:]), "why": e["msg"]} for e in errors]
        return JSONResponse({"error": "some fields are wrong", "fields": fields}, HTTPStatus.UNPROCESSABLE_ENTITY)
    if refusal is None:
        refusal = Refusal(N_("Some fields are empty or wrong. Check them and send the form again."))
    return await _say_at_form(request, refusal, _status_of(refusal))


async def _failed(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await _say_at_form(request, _failure(status), HTTPStatus(status))


def _failure(status: int) -> Refusal:
    if status == HTTPStatus.NOT_FOUND:
        return Refusal(N_("This page does not exist. Go back to the home page."))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refusal(N_("What was sent is too large for this page. Send a smaller file, or less at a time."))
    return Refusal(N_("This request cannot be processed. Reload the page."))


def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _answer_to(request: Request, error: Exception) -> Response:
    """For middleware, which stands outside of the exception handlers."""
    if isinstance(error, NotSignedIn):
        return _not_signed_in(request, error)
    if isinstance(error, MustChangePassword):
        return _must_change_password(request, error)
    if isinstance(error, Superseded):
        return _superseded(request, error)
    if isinstance(error, Refusal):
        return _say(request, error, _status_of(error))
    if isinstance(error, HTTPException):
        return _say(request, _failure(error.status_code), HTTPStatus(error.status_code))
    return _our_fault(request, error)


def _our_fault(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    refusal = Refusal(N_("Something went wrong in Loa. Try again; if the problem persists, call your technician."))
    return _say(request, refusal, HTTPStatus.INTERNAL_SERVER_ERROR)


async def _say_at_form(request: Request, refusal: Refusal, status: HTTPStatus) -> Response:
    """On the page that the form stands on, with what was typed, wherever there is one."""
    if request.method == "POST" and not _by_script(request):
        message = translator_of(request).refusal(refusal)
        if (page := await form_again(request, message, refusal.field, status)) is not None:
            return page
    return await run_in_threadpool(_say, request, refusal, status)


def _by_script(request: Request) -> bool:
    return _is_api(request) or bool(request.headers.get("hx-request")) or _wants_json(request)


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")


def _say(request: Request, refusal: Refusal, status: HTTPStatus) -> Response:
    t = translator_of(request)
    message = t.refusal(refusal)
    if _is_api(request) or _wants_json(request):
        return JSONResponse({"error": message}, status)
    renderer: Renderer = request.app.state.renderer
    if request.headers.get("hx-request"):
        return HTMLResponse(
            renderer.render("_error_notice.html", message=message, field=refusal.field, t=t),
            200,
            {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"},
        )
    try:
        return frame_of(request).page("refused.html", status, message=message, missing=status == HTTPStatus.NOT_FOUND)
    except (Refusal, NotSignedIn, MustChangePassword, SQLAlchemyError):
        return HTMLResponse(renderer.render("error.html", message=message, t=t), status)
