"""How a phone or an office PC comes to trust this server. Needs no sign-in: nothing here is secret."""

import re
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from runtime.https import Https
from runtime.machine_names import addresses
from runtime.refusal import N_, NotFound
from web.qr_codes import qr_code
from web.request_context import deps_of, renderer_of, translator_of

router = APIRouter(include_in_schema=False)

#: What a User-Agent says → the steps that are open on the page. The first that is found counts.
_SYSTEMS = (("android", "Android"), ("ios", "iPhone|iPad"), ("windows", "Windows"), ("macos", "Mac OS"), ("linux", ""))
_MOST_CODES = 3


class TrustAddress(NamedTuple):
    """An address of this page that other devices open."""

    url: str
    code: Markup


@router.get("/trust")
def page(request: Request) -> HTMLResponse:
    """Also while there is no HTTPS: then it says how there will be."""
    deps, t = deps_of(request), translator_of(request)
    https = deps.https
    return HTMLResponse(
        renderer_of(request).render(
            "trust.html",
            t=t,
            https=https,
            authority=https.authority if https else None,
            secure=request.url.scheme == "https",
            secure_url=_secure_url(request, https) if https else "",
            system=_system_of(request.headers.get("user-agent", "")),
            places=[TrustAddress(url, qr_code(url, t("QR code: {url}", url=url))) for url in _urls(request)]
            if https
            else [],
        )
    )


@router.get("/trust/loa-authority.crt")
def certificate(request: Request) -> Response:
    """The authority's certificate, in the form that every system installs. Raises NotFound when there is none."""
    https = deps_of(request).https
    if https is None or https.authority is None:
        raise NotFound(N_("This server has no authority of its own: there is nothing to install."))
    return Response(
        https.authority.der,
        media_type="application/x-x509-ca-cert",
        headers={"Content-Disposition": 'attachment; filename="loa-authority.crt"'},
    )


def _secure_url(request: Request, https: Https) -> str:
    port = None if https.port == 443 else https.port
    return str(request.url.replace(scheme="https", port=port, path="/", query=""))


def _urls(request: Request) -> list[str]:
    settings = deps_of(request).settings
    if settings.public_url:
        return [settings.base_url + "/trust"]
    others = [address for address in addresses() if address != "::1" and not address.startswith("127.")]
    v4 = [address for address in others if ":" not in address]
    hosts = v4 or [f"[{address}]" for address in others]
    return [f"http://{host}:{settings.http_port}/trust" for host in hosts[:_MOST_CODES]]


def _system_of(user_agent: str) -> str:
    return next(system for system, pattern in _SYSTEMS if re.search(pattern, user_agent))
