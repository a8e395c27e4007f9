"""What Loa airs as an emergency, for other systems: an Atom feed of CAP files. Open to all, and only read."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cap.feeds import CAP_TYPE
from cap.writing import FeedEntry, atom_feed, cap_file
from people.rate_limit import FeedLimit
from runtime.refusal import NotFound
from web.deps import Deps
from web.published_alerts import published_alert, published_alerts
from web.request_context import deps_of, translator_of

router = APIRouter(include_in_schema=False)


@router.get("/cap/feed.atom")
def feed(request: Request) -> Response:
    deps = deps_of(request)
    if (refused := _limited(request)) is not None:
        return refused
    with deps.database.session() as session:
        alerts = published_alerts(session, deps.own_host, deps.clock.now())
    base = f"{deps.settings.base_url}/cap"
    entries = [FeedEntry(alert, f"{base}/{alert.key.identifier}.xml") for alert in alerts]
    body = atom_feed(entries, url=f"{base}/feed.atom", title="Loa", now=deps.clock.now())
    return _answer(body, "application/atom+xml")


@router.get("/cap/{identifier}.xml")
def one(request: Request, identifier: str) -> Response:
    deps: Deps = deps_of(request)
    if (refused := _limited(request)) is not None:
        return refused
    try:
        with deps.database.session() as session:
            return _answer(cap_file(published_alert(session, identifier, deps.own_host)), CAP_TYPE)
    except NotFound as missing:
        return Response(translator_of(request).refusal(missing), 404, media_type="text/plain; charset=utf-8")


def _limited(request: Request) -> Response | None:
    limit: FeedLimit = request.app.state.feed_limit
    address = request.client.host if request.client else ""
    return None if limit.allows(address) else Response(status_code=429, headers={"Retry-After": "60"})


def _answer(body: bytes, kind: str) -> Response:
    return Response(body, media_type=kind, headers={"Cache-Control": "public, max-age=10"})
