"""What servers answer to a webhook or an SMS, and what it means for the delivery."""

from urllib.parse import quote

import httpx2

from notifications.channels import DeliveryFailed
from runtime.refusal import N_

MOST_ANSWER_BYTES = 20_000
#: The message or the address is wrong. 408, 425 and 429 ask for another try, and 401 and 403 may be mended.
_PERMANENT = (400, 404, 405, 410, 413, 415, 422)


def check_answer(answer: httpx2.Response, host: str) -> None:
    """Raises DeliveryFailed for every status but 2xx."""
    if not answer.is_success:
        raise DeliveryFailed(
            N_("{host} does not accept the message: HTTP {status}"),
            permanent=answer.status_code in _PERMANENT,
            host=host,
            status=answer.status_code,
        )


def text_of(answer: httpx2.Response) -> str:
    """The first bytes of the answer, as text."""
    content = bytearray()
    for block in answer.iter_bytes(MOST_ANSWER_BYTES):
        content += block[: MOST_ANSWER_BYTES - len(content)]
        if len(content) >= MOST_ANSWER_BYTES:
            break
    return content.decode("utf-8", "replace")


def unreachable(host: str, error: Exception, secret: str = "") -> DeliveryFailed:
    """secret: is left out of the reason."""
    if isinstance(error, httpx2.TimeoutException):
        return DeliveryFailed(N_("{host} did not answer in time."), host=host)
    why = without_secret(" ".join(str(error).split()), secret)[:150] or type(error).__name__
    return DeliveryFailed(N_("{host} cannot be reached ({why})."), host=host, why=why)


def without_secret(text: str, secret: str) -> str:
    return text.replace(secret, "…").replace(quote(secret, safe=""), "…") if secret else text
