"""Passwords: hashed with argon2id, one-time ones made readable, and what a new one must be.

One hash takes about 100 ms and 64 MiB, so callers keep it off the event loop, and no more than two run at once.
"""

import functools
import secrets
import threading
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from runtime.refusal import N_, Refusal

SHORTEST = 10
LONGEST = 200

#: No 0 O 1 l I: a one-time password is read from paper, or over the phone.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)  # RFC 9106, section 4, second choice
_at_once = threading.BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """The argon2id hash, with its parameters in it."""
    with _at_once:
        return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return hash_password(secrets.token_hex(16))


def verify(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one hashed. With None (no such operator) it takes as long, and says no."""
    with _at_once:
        try:
            matches = _hasher.verify(password_hash or _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return matches and password_hash is not None


class OneTimePassword(NamedTuple):
    """hash: what is stored. text: shown once."""

    text: str
    hash: str


def one_time_password() -> OneTimePassword:
    """A password of 77 bits, in four groups: `k7mf-2xqp-w9ab-hn4c`. Slow: keep it out of a transaction."""
    text = "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))
    return OneTimePassword(text, hash_password(text))


def check_new(password: str, again: str, name: str) -> None:
    """Refuse a new password that is too short, too long, the name itself, or mistyped the second time."""
    if len(password) < SHORTEST:
        raise Refusal(N_("This password is too short. Use at least {n} characters."), n=SHORTEST).at("new")
    if len(password) > LONGEST:
        raise Refusal(N_("This password is too long. Use at most {n} characters."), n=LONGEST).at("new")
    if name and name.casefold() in password.casefold():
        raise Refusal(N_("A password with your own name in it is guessed first. Choose another one.")).at("new")
    if len(set(password)) < 4:
        raise Refusal(N_("This password is too easy to guess. Mix more different characters.")).at("new")
    if password != again:
        raise Refusal(N_("The two passwords are not the same. Type the new one twice.")).at("again")
