"""The door for senders of alerts: they post a CAP file with the token of their source, and are told what became of it.

POST /api/v1/cap, `Authorization: Bearer <token>`, the file as the body → 200 `{"taken": "kept", "state": "waiting"}`;
401 for a token of no source, 422 `{"error": …}` for a file that is not in order. docs/alerts-from-outside.md.
"""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from cap.sources import source_with_token
from cap.xml_files import MOST_BYTES
from runtime.refusal import NotFound, Refusal
from usecases.cap_intake import receive
from web.request_context import deps_of, translator_of

router = APIRouter()


@router.post("/api/v1/cap", include_in_schema=False)
async def post_alert(request: Request) -> JSONResponse:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    presented = token.strip() if scheme.lower() == "bearer" else ""
    source_id = await run_in_threadpool(_source, request, presented)
    if isinstance(source_id, JSONResponse):
        return source_id
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MOST_BYTES:
            break  # the reader says what is wrong with it
    return await run_in_threadpool(_take, request, source_id, bytes(body))


def _source(request: Request, token: str) -> int | JSONResponse:
    try:
        with deps_of(request).database.session() as session:
            return source_with_token(session, token).number
    except NotFound as refusal:
        return _refused(request, refusal, HTTPStatus.UNAUTHORIZED)


def _take(request: Request, source_id: int, file: bytes) -> JSONResponse:
    deps = deps_of(request)
    try:
        met = receive(deps.services, deps.emergencies, source_id, file, own_host=deps.own_host)
    except Refusal as refusal:
        return _refused(request, refusal, HTTPStatus.UNPROCESSABLE_ENTITY)
    if met.alert is None:
        return JSONResponse({"taken": met.taken})
    with deps.database.session() as session:
        row = session.get_one(type(met.alert), met.alert.number)
    said = {"taken": met.taken, "alert": row.number, "state": row.state}
    if row.refusal is not None:
        said["why"] = translator_of(request).refusal(row.refusal)
    return JSONResponse(said)


def _refused(request: Request, refusal: Refusal, status: HTTPStatus) -> JSONResponse:
    return JSONResponse({"error": translator_of(request).refusal(refusal)}, status)
