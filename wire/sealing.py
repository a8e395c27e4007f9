"""Sealing: JWS compact (RFC 7515) with EdDSA over Ed25519 (RFC 8037), and what a reader must check.

Only this one algorithm is written and read, so there is nothing to negotiate and nothing to confuse. Why no JOSE
library stands here: docs/decisions/0001. The cryptography is libsodium's.
"""

import base64
import hashlib
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from wire.messages import Sealed

S = TypeVar("S", bound=Sealed)

#: No sealed message of ours comes near this; larger ones are refused unread.
MOST_BYTES = 256 * 1024


class Reason(StrEnum):
    """Why a message was refused. The words are counted and reported."""

    MALFORMED = "malformed"  # not JWS compact, not JSON, a field missing or of the wrong kind
    UNSEALED = "unsealed"  # plain JSON or nothing, where a seal is asked for
    UNKNOWN_KEY = "unknown_key"  # signed by a key that is not pinned
    BAD_SIGNATURE = "bad_signature"
    WRONG_TYPE = "wrong_type"  # a good seal round another kind of message
    NOT_FOR_US = "not_for_us"
    EXPIRED = "expired"
    OLD = "old"  # not newer than the revision held


class Refused(Exception):
    """A message from outside that is not taken. `reason` is for counting, the text for the log."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason.value)
        self.reason = reason


class Header(msgspec.Struct, frozen=True):
    """The protected header. typ is `loa`, alg is `EdDSA`; kid names the signer's key."""

    alg: str
    kid: str
    typ: str = ""


class SealingKey:
    """A private Ed25519 key, and the id by which others know it."""

    def __init__(self, seed: bytes, kid: str | None = None) -> None:
        """`seed`: the 32 bytes of RFC 8032. `kid`: by default the key's own fingerprint. Raises ValueError."""
        if len(seed) != 32:
            raise ValueError("an Ed25519 seed has 32 bytes")
        self._key = SigningKey(seed)
        self.public = bytes(self._key.verify_key)
        self.kid = kid or fingerprint(self.public)
        self._header = _b64(msgspec.json.encode(Header(alg="EdDSA", kid=self.kid, typ="loa")))

    @classmethod
    def new(cls) -> "SealingKey":
        """A key never seen before, from the system's randomness."""
        return cls(bytes(SigningKey.generate()))

    @property
    def seed(self) -> bytes:
        """The secret itself, for keeping in a file that its owner alone may read."""
        return bytes(self._key)

    def sign(self, data: bytes) -> bytes:
        """A raw Ed25519 signature, 64 bytes."""
        return self._key.sign(data).signature

    def seal(self, message: Sealed) -> bytes:
        """The message as JWS compact."""
        signed = self._header + b"." + _b64(msgspec.json.encode(message))
        return signed + b"." + _b64(self.sign(signed))


class PublicKey:
    """A pinned public Ed25519 key."""

    def __init__(self, raw: bytes, kid: str | None = None) -> None:
        """`raw`: 32 bytes. Raises ValueError."""
        if len(raw) != 32:
            raise ValueError("an Ed25519 public key has 32 bytes")
        self.raw = raw
        self.kid = kid or fingerprint(raw)
        self._key = VerifyKey(raw)

    def verifies(self, data: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's over `data`."""
        try:
            self._key.verify(data, signature)
        except (BadSignatureError, ValueError):
            return False
        return True


def fingerprint(public: bytes) -> str:
    """The id of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def open_sealed(
    payload: bytes,
    kind: type[S] | object,
    keys: Mapping[str, PublicKey],
    *,
    to: str | Collection[str],
    now_us: int | None,
    newer_than: int | None = None,
) -> S:
    """Open a sealed message, or refuse it.

    kind: a message type, or a union of them. keys: the pinned keys by kid. to: who we are (`Sealed.to` must be it,
    or one of these).
    now_us: controller time; None when it is not known yet, then expiry is not checked and the caller must check again.
    newer_than: the revision held; what is not above it is refused as old.

    Raises `Refused`. The order is: shape, key, signature, content, addressee, expiry, revision, so that nothing
    unsigned is ever parsed beyond its header.
    """
    header, body, signature, signed = _take_apart(payload)
    key = keys.get(header.kid)
    if key is None:
        raise Refused(Reason.UNKNOWN_KEY, header.kid[:40])
    if not key.verifies(signed, signature):
        raise Refused(Reason.BAD_SIGNATURE)
    message: S = _read(body, kind)
    if message.to not in ((to,) if isinstance(to, str) else to):
        raise Refused(Reason.NOT_FOR_US, message.to[:80])
    if now_us is not None and message.expires_at_us <= now_us:
        raise Refused(Reason.EXPIRED)
    if newer_than is not None and message.revision <= newer_than:
        raise Refused(Reason.OLD, f"revision {message.revision}, held {newer_than}")
    return message


def _take_apart(payload: bytes) -> tuple[Header, bytes, bytes, bytes]:
    if not payload or payload[:1] in (b"{", b"["):
        raise Refused(Reason.UNSEALED)
    if len(payload) > MOST_BYTES:
        raise Refused(Reason.MALFORMED, f"{len(payload)} bytes")
    parts = payload.split(b".")
    if len(parts) != 3:
        raise Refused(Reason.MALFORMED, "not three parts")
    try:
        header = msgspec.json.decode(_unb64(parts[0]), type=Header)
        body, signature = _unb64(parts[1]), _unb64(parts[2])
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise Refused(Reason.MALFORMED, str(error)) from None
    if header.alg != "EdDSA":
        raise Refused(Reason.BAD_SIGNATURE, f"alg {header.alg[:20]}")
    return header, body, signature, parts[0] + b"." + parts[1]


def _read(body: bytes, kind: object) -> S:  # type: ignore[type-var]
    try:
        message: S = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        reason = Reason.WRONG_TYPE if "$.type" in str(error) else Reason.MALFORMED
        raise Refused(reason, str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:  # nested without end
        raise Refused(Reason.MALFORMED, str(error)) from None
    return message


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unb64(data: bytes) -> bytes:
    if b"=" in data or b"+" in data or b"/" in data:
        raise ValueError("not base64url as RFC 7515 writes it")
    return base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
