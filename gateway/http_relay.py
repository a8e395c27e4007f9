"""Relays that are switched by URL, and values read from a URL."""

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

from gateway.device_description import SWITCH_MS, HttpInput, HttpOutput
from gateway.runner import StepFailed

#: A reply is short; a device that sends without end is cut off here.
_MOST_BYTES = 65_536
_WITHIN_S = SWITCH_MS / 1000 * 0.9


class HttpRelay:
    """A relay behind HTTP (`gateway.runner.Relay`)."""

    def __init__(self, output: HttpOutput) -> None:
        self._output = output

    def switch(self, on: bool) -> None:
        url = self._output.on if on else self._output.off
        reply_text = _fetch(url)
        if self._output.answer and self._output.answer not in reply_text:
            raise StepFailed(f"{url} answers {reply_text[:60]!r}, not {self._output.answer!r}")

    def close(self) -> None:
        pass


class HttpGauge:
    """A number in a JSON reply (`gateway.runner.Gauge`)."""

    def __init__(self, source: HttpInput) -> None:
        self._source = source

    def read(self) -> float:
        url, reply_text = self._source.url, _fetch(self._source.url)
        try:
            value: Any = json.loads(reply_text)
            for name in self._source.field.split("."):
                value = value[name]
            return float(value)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise StepFailed(f"{url} has no number in {self._source.field!r}: {reply_text[:60]!r}") from None

    def close(self) -> None:
        pass


def _fetch(url: str) -> str:
    """The reply's text. Raises StepFailed when the device is not reached, answers an error, or takes too long."""
    ends_s = time.monotonic() + _WITHIN_S
    try:
        with _OPENER.open(url, timeout=_WITHIN_S) as reply:
            reply_text = b""
            while piece := reply.read1(4096):
                reply_text += piece
                if len(reply_text) > _MOST_BYTES or time.monotonic() > ends_s:
                    raise StepFailed(f"{url} does not end its reply")
            return reply_text.decode("utf-8", "replace")
    except urllib.error.HTTPError as failure:
        failure.close()
        raise StepFailed(f"{url} answers {failure.code}") from failure
    except (OSError, http.client.HTTPException, ValueError) as failure:
        raise StepFailed(f"{url}: {getattr(failure, 'reason', '') or failure}") from failure


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect of a relay is refused: the chain names every address that is used."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
