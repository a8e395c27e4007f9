"""Webhooks: a signed JSON document to an address that a person named."""

import hashlib
import hmac
from collections.abc import Callable, Collection

import httpx2

from notifications.channels import DeliveryFailed, NotificationAddress, OutgoingMessage
from notifications.http_answers import check_answer, unreachable
from notifications.rules import check_webhook_url
from runtime.checked_address import HostUnknown, check_address, pinned
from runtime.refusal import N_, Refusal

TIMEOUT_S = 10.0


class WebhookSender:
    """Follows no redirect: it could lead where the address must not."""

    def __init__(self, trusted_hosts: Collection[str], now_s: Callable[[], int]) -> None:
        """now_s: Unix time, for the signature."""
        self._trusted = frozenset(trusted_hosts)
        self._now_s = now_s

    def send(self, to: NotificationAddress, message: OutgoingMessage) -> None:
        if not to.webhook_url:
            raise DeliveryFailed(N_("This person has no webhook address."), permanent=True)
        try:
            check_webhook_url(to.webhook_url, self._trusted)
            address = check_address(to.webhook_url, self._trusted, allow_private=False)
        except Refusal as refusal:
            raise DeliveryFailed.because(refusal, permanent=not isinstance(refusal, HostUnknown)) from refusal
        target, options = pinned(to.webhook_url, address)
        timestamp = str(self._now_s())
        headers = {
            **options.pop("headers"),
            "Content-Type": "application/json",
            "User-Agent": "Loa",
            "X-Loa-Delivery": message.id,
            "X-Loa-Timestamp": timestamp,
            "X-Loa-Signature": signature(to.webhook_key, timestamp, message.document),
        }
        host = httpx2.URL(to.webhook_url).host
        try:
            with (
                httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", target, content=message.document, headers=headers, **options) as answer,
            ):
                check_answer(answer, host)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise unreachable(host, error) from None


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, a dot and the body, so that an old message is not taken for a new one."""
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
