"""Relays that are told by a URL, and values read from one."""

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

from gateway.description import SWITCH_MS, HttpInput, HttpOutput
from gateway.runner import StepFailed

#: A reply is a few words; a device that sends without end is cut off here.
_MOST_BYTES = 65_536
_WITHIN_S = SWITCH_MS / 1000 * 0.9


class HttpRelay:
    """A relay behind HTTP (`gateway.runner.Relay`)."""

    def __init__(self, output: HttpOutput) -> None:
        """Reaches nothing yet."""
        self._output = output

    def switch(self, on: bool) -> None:
        """See `Relay`."""
        url = self._output.on if on else self._output.off
        said = _fetch(url)
        if self._output.answer and self._output.answer not in said:
            raise StepFailed(f"{url} answers {said[:60]!r}, not {self._output.answer!r}")

    def close(self) -> None:
        """See `Relay`."""


class HttpGauge:
    """A number in a JSON reply (`gateway.runner.Gauge`)."""

    def __init__(self, source: HttpInput) -> None:
        """Reaches nothing yet."""
        self._source = source

    def read(self) -> float:
        """See `Gauge`."""
        url, said = self._source.url, _fetch(self._source.url)
        try:
            value: Any = json.loads(said)
            for name in self._source.field.split("."):
                value = value[name]
            return float(value)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise StepFailed(f"{url} says no number in {self._source.field!r}: {said[:60]!r}") from None

    def close(self) -> None:
        """See `Gauge`."""


def _fetch(url: str) -> str:
    """The reply's text. Raises StepFailed: not reached, an error, or not whole in time."""
    ends_s = time.monotonic() + _WITHIN_S
    try:
        with _OPENER.open(url, timeout=_WITHIN_S) as reply:
            said = b""
            while piece := reply.read1(4096):
                said += piece
                if len(said) > _MOST_BYTES or time.monotonic() > ends_s:
                    raise StepFailed(f"{url} does not come to an end")
            return said.decode("utf-8", "replace")
    except urllib.error.HTTPError as failure:
        failure.close()
        raise StepFailed(f"{url} answers {failure.code}") from failure
    except (OSError, http.client.HTTPException, ValueError) as failure:
        raise StepFailed(f"{url}: {getattr(failure, 'reason', '') or failure}") from failure


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A relay has no reason to send us elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
