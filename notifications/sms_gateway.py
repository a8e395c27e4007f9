"""SMS through an HTTP gateway: every provider has another interface, so address, body and header are templates."""

import base64
import json
import re
from dataclasses import dataclass
from string import Template
from urllib.parse import quote

import httpx2

from notifications.channels import DeliveryFailed, NotificationAddress, OutgoingMessage, Secret
from notifications.http_answers import check_answer, text_of, unreachable, without_secret
from parsing.names import without_diacritics
from runtime.refusal import N_, Refusal

TIMEOUT_S = 15.0
#: Two parts of an SMS; in letters of the GSM alphabet, and with diacritics.
MOST_PLAIN, MOST_UNICODE = 306, 134
#: One sign outside of the GSM alphabet doubles the price of an SMS.
_PLAIN_SIGNS = str.maketrans({"–": "-", "—": "-", "“": '"', "”": '"', "«": '"', "»": '"', "…": "...", "\xa0": " "})


@dataclass(frozen=True)
class SmsGateway:
    """Its interface. url, body, header: with $phone, $text and $secret; for binary messages $hex, $HEX or $base64."""

    url: str
    method: str = "post"
    body: str = ""
    content_type: str = "application/json"
    header: str = ""
    success: str = ""
    plain_letters: bool = True


class SmsSender:
    def __init__(self, gateway: SmsGateway, secret: Secret) -> None:
        self._gateway, self._secret = gateway, secret

    def send(self, to: NotificationAddress, message: OutgoingMessage) -> None:
        if not to.phone:
            raise DeliveryFailed(N_("This person has no telephone number."), permanent=True)
        _call(self._gateway, self._secret, {"phone": to.phone, "text": self._text(message.short)})

    def _text(self, short: str) -> str:
        text = without_diacritics(short.translate(_PLAIN_SIGNS)) if self._gateway.plain_letters else short
        most = MOST_PLAIN if self._gateway.plain_letters else MOST_UNICODE
        return text if len(text) <= most else text[: most - 3].rstrip() + "..."


class HttpBinarySmsSender:
    """`notifications.binary_sms.BinarySmsSender`. What the gateway has accepted counts as sent."""

    def __init__(self, gateway: SmsGateway, secret: Secret) -> None:
        """Raises Refusal for an interface that is not usable."""
        if not re.match(r"https?://[^/$\s]+", gateway.url):
            raise Refusal(N_("LOA_ALERT_SMS_URL must begin with http:// or https:// and the name of a server."))
        template = gateway.url + (gateway.body if gateway.method == "post" else "")
        names = set(Template(template).get_identifiers())
        if "phone" not in names or not names & {"hex", "HEX", "base64"}:
            raise Refusal(
                N_(
                    "LOA_ALERT_SMS_URL or LOA_ALERT_SMS_BODY must contain $phone for the number, and $hex, $HEX or "
                    "$base64 for the message."
                )
            )
        self._gateway, self._secret = gateway, secret

    def send(self, phone: str, data: bytes, name: str) -> bool:
        encoded = {"hex": data.hex(), "HEX": data.hex().upper(), "base64": base64.b64encode(data).decode()}
        _call(self._gateway, self._secret, {"phone": phone, "name": name} | encoded)
        return True

    def is_sent(self, phone: str, name: str) -> bool:
        return True

    def withdraw(self, phone: str, name: str) -> bool:
        return False


def _call(gateway: SmsGateway, secret: Secret, values: dict[str, str]) -> None:
    """Raises DeliveryFailed."""
    try:
        values = values | {"secret": secret()}
    except Refusal as refusal:
        raise DeliveryFailed.because(refusal) from refusal
    url = _filled(gateway.url, {name: quote(value, safe="") for name, value in values.items()})
    host = httpx2.URL(gateway.url.partition("?")[0]).host
    headers = {"User-Agent": "Loa"}
    name, colon, value = gateway.header.partition(":")
    if colon:
        headers[name.strip()] = _filled(value.strip(), values)
    content = None
    if gateway.method == "post":
        headers["Content-Type"] = f"{gateway.content_type}; charset=utf-8"
        content = _filled(gateway.body, _encoded(values, gateway.content_type)).encode()
    try:
        with (
            httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream(gateway.method.upper(), url, content=content, headers=headers) as answer,
        ):
            check_answer(answer, host)
            said = text_of(answer) if gateway.success else ""
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise unreachable(host, error, values["secret"]) from None
    if gateway.success not in said:
        why = without_secret(" ".join(said.split()), values["secret"])[:200]
        raise DeliveryFailed(N_("The SMS gateway did not accept the message: {why}"), why=why or "-")


def _filled(template: str, values: dict[str, str]) -> str:
    return Template(template).safe_substitute(values)


def _encoded(values: dict[str, str], content_type: str) -> dict[str, str]:
    if content_type == "application/json":
        return {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in values.items()}
    if content_type == "application/x-www-form-urlencoded":
        return {name: quote(value, safe="") for name, value in values.items()}
    return values
