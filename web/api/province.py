"""The door for a province that calls us: it posts one message with the token it was given, and is answered as it does.

POST /api/province/<commune>, `Authorization: Bearer <token>`, `{Loai, MaGoiTin, NoiDung}` → 200 `{TrangThaiGui: 0}`, or
401/422 `{TrangThaiGui: 1, MaLoi, MoTa}`. docs/province.md.
"""

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from province.codes import RefusalCode, SendStatus, Unacceptable
from province.links import link_for, token_is_valid
from province.message_parser import MOST_BYTES, parsed
from runtime.refusal import N_, Refusal
from web.deps import Deps
from web.request_context import deps_of

router = APIRouter(include_in_schema=False)


@router.post("/api/province/{commune_id}")
async def called(request: Request, commune_id: str) -> JSONResponse:
    """Take a message of the province."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MOST_BYTES:
            break  # `parsed` says what is wrong with it
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    presented = token.strip() if scheme.lower() == "bearer" else ""
    status, answer = await run_in_threadpool(_take, deps_of(request), commune_id, presented, bytes(body))
    return JSONResponse(answer, status)


def _take(deps: Deps, commune_id: str, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
    with deps.database.session() as session:
        link = link_for(session, commune_id)
    if link is None or not token_is_valid(link, token):
        token_is_valid(link, token)
        return 401, _refused(
            deps, RefusalCode.NOT_AUTHORISED, Refusal(N_("This token is not allowed to send messages here."))
        )
    try:
        spoken = deps.exchange.profile_of(link)
        if spoken.down == "poll":
            return 401, _refused(
                deps, RefusalCode.NOT_AUTHORISED, Refusal(N_("This token is not allowed to send messages here."))
            )
        envelope = spoken.with_our_names(parsed(body))
        met = deps.exchange.take(
            link, str(envelope.get("Loai") or ""), envelope.get("NoiDung"), str(envelope.get("MaGoiTin") or "")
        )
    except Refusal as refusal:
        why = refusal.why if isinstance(refusal, Unacceptable) else RefusalCode.RULE
        return 422, _refused(deps, why, refusal)
    answer = msgspec.to_builtins(met.answer(deps.exchange.say))
    return (200 if met.said is None else 422), spoken.to_theirs(answer)


def _refused(deps: Deps, why: RefusalCode, refusal: Refusal) -> dict[str, Any]:
    return {"TrangThaiGui": SendStatus.REFUSED.value, "MaLoi": why.value, "MoTa": deps.exchange.say(refusal)}
