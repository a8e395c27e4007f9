"""The shell of the installed page: manifest, service worker, and the page shown without a network.

The service worker keeps style, script and signs, never a page: a page shows what is on air, and an old one would lie.
"""

import hashlib
import json

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from web.assets import Assets
from web.request_context import renderer_of, translator_of

router = APIRouter(include_in_schema=False)

_SHELL = ("loa.css", "loa.js", "fields.js", "refusals.js", "connection.js", "vendor/htmx.min.js", "signs.svg")


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> JSONResponse:
    t, assets = translator_of(request), _assets(request)
    return JSONResponse(
        {
            "name": t("Loa: public address"),
            "short_name": "Loa",
            "lang": t.language,
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#f6f7f9",
            "theme_color": "#0b57d0",
            "icons": [
                {"src": assets.url(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
                for size in (192, 512)
            ],
            "shortcuts": [
                {"name": t("On air"), "url": "/"},
                {"name": t("Speak live"), "url": "/speak"},
                {"name": t("Stop everything"), "url": "/stop-everything"},
            ],
        },
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache"},
    )


@router.get("/service-worker.js")
def service_worker(request: Request) -> Response:
    """At the root, since a worker serves what is below its own address."""
    assets = _assets(request)
    shell = [assets.url(name) for name in _SHELL]
    cache = f"shell-{hashlib.sha256(' '.join(shell).encode()).hexdigest()[:12]}"
    head = f"const CACHE = {json.dumps(cache)}, SHELL = {json.dumps(shell)};"
    script = head.encode() + b"\n" + assets.plain("service-worker.js")
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get("/without-network")
def without_network(request: Request) -> Response:
    html = renderer_of(request).render("without_network.html", t=translator_of(request))
    return Response(html, media_type="text/html", headers={"Cache-Control": "no-cache"})


def _assets(request: Request) -> Assets:
    assets: Assets = request.app.state.assets
    return assets
