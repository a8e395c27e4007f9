"""How the demo's checks reach the controller: by HTTP, as a browser does."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from demo.failure import DemoFailed


class Browser:
    """An HTTP client that keeps cookies and the form token, as a browser does."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._token = ""
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({})
        )

    def page(self, path: str) -> str:
        """The HTML of a page. Raises DemoFailed."""
        html = self._open(urllib.request.Request(self._base + path))  # noqa: S310 - our own loopback
        return self._keep_token(html)

    def send(self, path: str, **fields: str) -> str:
        """Post a form and follow its redirect. Raises DemoFailed."""
        data = urllib.parse.urlencode({**fields, "form_token": self._token}).encode()
        html = self._open(urllib.request.Request(self._base + path, data))  # noqa: S310
        return self._keep_token(html)

    def api(self, path: str, body: object = None, file: Path | None = None) -> Any:
        """Call the JSON API: GET, or POST when there is a body or a file. Raises DemoFailed."""
        data = file.read_bytes() if file else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._base + "/api/v1" + path, data)  # noqa: S310
        request.add_header("Content-Type", "application/octet-stream" if file else "application/json")
        request.add_header("X-Form-Token", self._token)
        return json.loads(self._open(request))

    def _keep_token(self, html: str) -> str:
        token = re.search(r'name="form[-_]token" (?:content|value)="([0-9a-f]+)"', html)
        self._token = token[1] if token else self._token
        return html

    def _open(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise DemoFailed(
                f"{request.full_url}: {error.code} {error.read().decode(errors='replace')[:500]}"
            ) from error
