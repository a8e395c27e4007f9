"""Passwords: hashed with argon2id, one-time ones made readable, and what a new one must be.

One hash takes about 100 ms and 64 MiB, so callers keep it off the event loop, and no more than two run at once.
"""

import functools
import secrets
import threading
from collections import OrderedDict
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parsing.names import folded
from runtime.refusal import N_, Refusal

SHORTEST = 10
LONGEST = 200

#: No 0 O 1 l I: a one-time password is read from paper, or over the phone.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)  # RFC 9106, section 4, second choice
#: For those of people who signed in since the start, in memory only: OWASP's least (19 MiB, some 20 ms).
_quick_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST_QUICK = 1_000
_at_once, _urgent = threading.BoundedSemaphore(2), threading.BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """The argon2id hash, with its parameters in it."""
    with _at_once:
        return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return hash_password(secrets.token_hex(16))


def verify(password_hash: str | None, password: str, *, is_urgent: bool = False) -> bool:
    """Whether `password` is the one hashed. With None (no such operator) it takes as long, and says no.

    is_urgent: for an emergency, which waits for nobody's sign-in: a password that was right before is compared with a
    cheaper hash that is in memory alone, and kept under the stored one, so that a new password is not compared with it.
    """
    if is_urgent and password_hash is not None and _was_right(password_hash, password):
        return True
    with _urgent if is_urgent else _at_once:
        try:
            matches = _hasher.verify(password_hash or _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    if matches and password_hash is not None:
        remember_right(password_hash, password)
    return matches and password_hash is not None


class _QuickHashes:
    """By stored hash; of those that were used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hashes: OrderedDict[str, str] = OrderedDict()

    def get(self, stored: str) -> str | None:
        with self._lock:
            return self._hashes.get(stored)

    def put(self, stored: str, quick: str) -> None:
        with self._lock:
            self._hashes[stored] = quick
            self._hashes.move_to_end(stored)
            while len(self._hashes) > _MOST_QUICK:
                self._hashes.popitem(last=False)


_quick_hashes = _QuickHashes()


def remember_right(stored: str, password: str) -> None:
    """So that it is verified sooner in an emergency. stored: the hash of this password."""
    if _quick_hashes.get(stored) is None:
        _quick_hashes.put(stored, _quick_hasher.hash(password))


def _was_right(stored: str, password: str) -> bool:
    quick = _quick_hashes.get(stored)
    try:
        return quick is not None and _quick_hasher.verify(quick, password)
    except (VerificationError, InvalidHashError):
        return False


class OneTimePassword(NamedTuple):
    """hash: what is stored. text: shown once."""

    text: str
    hash: str


def one_time_password() -> OneTimePassword:
    """A password of 77 bits, in four groups: `k7mf-2xqp-w9ab-hn4c`. Slow: keep it out of a transaction."""
    text = "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))
    return OneTimePassword(text, hash_password(text))


#: What lists of frequent passwords are made of: words, Vietnamese ones among them, and rows of keys, both ways.
_WORDS = ("password", "matkhau", "admin", "welcome", "letmein", "iloveyou", "anhyeuem", "emyeuanh", "vietnam")
_ROWS = (
    *("01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz"),
    *("1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb", "qazwsxedcrfvtgb"),
)
_GUESSED = {*_WORDS, *(way[k : k + 4] for row in _ROWS for way in (row, row[::-1]) for k in range(len(row) - 3))}
_LEAST_BESIDE = 5


def _is_guessed_first(password: str) -> bool:
    """Digits alone (a telephone number, a date), one part repeated, or too little beside words and rows of keys."""
    text = "".join(filter(str.isalnum, folded(password)))
    guessed = {
        place
        for part in _GUESSED
        for start in range(len(text))
        if text.startswith(part, start)
        for place in range(start, start + len(part))
    }
    return text.isdigit() or text in (text + text)[1:-1] or len(text) - len(guessed) < _LEAST_BESIDE


def check_new(password: str, again: str, name: str) -> None:
    """Refuse a new password that is too short, too long, the name itself, or mistyped the second time."""
    if len(password) < SHORTEST:
        raise Refusal(N_("This password is too short. Use at least {n} characters."), n=SHORTEST).at("new")
    if len(password) > LONGEST:
        raise Refusal(N_("This password is too long. Use at most {n} characters."), n=LONGEST).at("new")
    if name and name.casefold() in password.casefold():
        raise Refusal(N_("A password with your own name in it is guessed first. Choose another one.")).at("new")
    if len(set(password)) < 4 or _is_guessed_first(password):
        raise Refusal(N_("This password is too easy to guess. Mix more different characters.")).at("new")
    if password != again:
        raise Refusal(N_("The two passwords are not the same. Type the new one twice.")).at("again")
