"""How often one may try to sign in: failures counted in memory, three ways.

For one name from one address, which is a person guessing; for one address, which is a person trying every name; and,
more generously, for one name from anywhere, so that many machines cannot guess together, and still no single stranger
can lock an operator out five minutes before the morning bulletin.
"""

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from runtime.refusal import N_, Refusal

#: Failures allowed in five minutes.
PER_PAIR = RateLimitItemPerMinute(6, 5)
PER_ADDRESS = RateLimitItemPerMinute(30, 5)
PER_NAME = RateLimitItemPerMinute(60, 5)


class SignInLimit:
    """Counts failed attempts. Thread-safe."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, name: str, address: str) -> None:
        """Refuse when there were too many failures. Raises Refusal."""
        for item, key in _counted(name, address):
            if not self._limiter.test(item, key):
                raise Refusal(N_("Too many attempts. Wait five minutes, then try again."))

    def failed(self, name: str, address: str) -> None:
        for item, key in _counted(name, address):
            self._limiter.hit(item, key)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the operator's earlier failures from this address."""
        self._limiter.clear(PER_PAIR, f"{name}@{address}")


def _counted(name: str, address: str) -> tuple[tuple[RateLimitItemPerMinute, str], ...]:
    return ((PER_PAIR, f"{name}@{address}"), (PER_ADDRESS, f"address {address}"), (PER_NAME, f"name {name}"))
