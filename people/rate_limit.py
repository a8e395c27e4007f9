"""How often a password may be tried, and the open feed read.

An attempt is reserved before the slow check, so that parallel ones count too.

Strangers are counted three ways: one name from one address (a person guessing), one address (trying every name), and,
more generously, one name from anywhere (many machines guessing together). A browser in which the operator signed in
before is counted alone, so that strangers who use up a name do not lock its owner out.
"""

import hashlib
import hmac
import ipaddress
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from people.operators import canonical_name
from runtime.refusal import N_, Refusal

#: Failures allowed in five minutes.
PER_PAIR = RateLimitItemPerMinute(6, 5)
PER_ADDRESS = RateLimitItemPerMinute(30, 5)
PER_NAME = RateLimitItemPerMinute(60, 5)
#: Operators who share one browser.
_MOST_NAMES_A_DEVICE = 8
_MOST_KEY_CHARACTERS = 120

#: Of what is open to all: a reader of a feed asks for it once a minute, and for each of its files.
PER_READER = RateLimitItemPerMinute(120)


class FeedLimit:
    """Requests of one subscriber for what is open to all. Thread-safe."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allows(self, address: str) -> bool:
        """Whether it may be answered; counts this request too."""
        return self._limiter.hit(PER_READER, network_of(address))


class Attempt:
    """One attempt. Counts as failed unless `succeeded` is set."""

    succeeded = False


class SignInLimit:
    """Counts failures and attempts under way. Thread-safe."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def sign_in(self, name: str, address: str, device: str = "") -> AbstractContextManager[Attempt]:
        """device: the id of a browser that this operator has signed in from (`known_device`). Raises Refusal."""
        name = canonical_name(name)[:_MOST_KEY_CHARACTERS]
        if device:
            return self._attempt((PER_PAIR, f"{name} device {device}"))
        network = network_of(address)
        return self._attempt(
            (PER_PAIR, f"{name} at {network}"), (PER_ADDRESS, f"address {network}"), (PER_NAME, f"name {name}")
        )

    def own_password(self, operator_id: int) -> AbstractContextManager[Attempt]:
        """The old password that an operator types to choose a new one. Raises Refusal."""
        return self._attempt((PER_PAIR, f"operator {operator_id}"))

    @contextmanager
    def _attempt(self, *counted: tuple[RateLimitItemPerMinute, str]) -> Iterator[Attempt]:
        with self._lock:
            for item, key in counted:
                if self._limiter.get_window_stats(item, key).remaining <= self._under_way[key]:
                    raise Refusal(N_("Too many attempts. Wait five minutes, then try again."))
            self._under_way.update(key for _, key in counted)
        attempt = Attempt()
        try:
            yield attempt
        finally:
            with self._lock:
                for item, key in counted:
                    self._under_way[key] -= 1
                    if self._under_way[key] <= 0:
                        del self._under_way[key]
                    if not attempt.succeeded:
                        self._limiter.hit(item, key)
            if attempt.succeeded:
                self._limiter.clear(*counted[0])


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


def known_device(key: bytes, cookie: str, name: str) -> str:
    """The device's id when this operator has signed in from it; "" when not, or when the cookie is not ours."""
    device, *marks = cookie.split(".")
    mark = _mark(key, device, name)
    return device if any(hmac.compare_digest(mark.encode(), known_mark.encode()) for known_mark in marks) else ""


def device_cookie(key: bytes, cookie: str, name: str) -> str:
    """The cookie after this operator has signed in."""
    device, *marks = cookie.split(".") if cookie else [""]
    device = device if marks and len(device) <= 40 else secrets.token_urlsafe(18)
    mark = _mark(key, device, name)
    return ".".join(
        [device, *[known_mark for known_mark in marks if known_mark != mark][1 - _MOST_NAMES_A_DEVICE :], mark]
    )


def _mark(key: bytes, device: str, name: str) -> str:
    signed = f"device {device} {canonical_name(name)}".encode()
    return hmac.new(key, signed, hashlib.sha256).hexdigest()[:32]
