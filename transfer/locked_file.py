"""A file locked by a passphrase: read and written as a stream, so that it may be larger than the memory.

XChaCha20-Poly1305 in libsodium's `secretstream`, the key by Argon2id (RFC 9106) from the passphrase. What is cut short,
put in another order or altered by one bit is noticed at the block where it happens.
"""

import json
import secrets
from typing import BinaryIO

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from runtime.refusal import N_, Refusal

MAGIC = b"LOA-LOCKED-1\n"
#: Bytes of each block before it is locked.
BLOCK = 256 * 1024
SHORTEST_PASSPHRASE = 12
#: libsodium's MODERATE: 256 MB and half a second, which a small controller has and a guesser has not a billion times.
_OPERATIONS, _MEMORY_BYTES = argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE
#: More than this is not ours: a header that was tampered with shall not fill the memory.
_MOST_OPERATIONS, _MOST_MEMORY_BYTES = argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE
_MOST_HEADER = 1000
_MORE = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_MESSAGE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE


class Broken(Exception):
    """The file is not as it was written. cut_short: it ends too early; else its bytes were altered."""

    def __init__(self, *, cut_short: bool) -> None:
        super().__init__("cut short" if cut_short else "altered")
        self.cut_short = cut_short


class LockedWriter:
    """Written to like a file; `close` finishes it, and leaves `target` open."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        """Raises Refusal for a passphrase that is too short."""
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise Refusal(N_("The passphrase needs at least {least} signs."), least=SHORTEST_PASSPHRASE)
        salt = secrets.token_bytes(argon2id.SALTBYTES)
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        start = bindings.crypto_secretstream_xchacha20poly1305_init_push(
            self._state, _key(passphrase, salt, _OPERATIONS, _MEMORY_BYTES)
        )
        header = {"salt": salt.hex(), "operations": _OPERATIONS, "memory_bytes": _MEMORY_BYTES, "start": start.hex()}
        self._target = target
        self._waiting = bytearray()
        target.write(MAGIC + json.dumps(header).encode() + b"\n")

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        self._waiting += data
        while len(self._waiting) > BLOCK:  # the last block stays, for the final tag
            self._push(bytes(self._waiting[:BLOCK]), _MESSAGE)
            del self._waiting[:BLOCK]
        return len(data)

    def close(self) -> None:
        """Write the last block, which says that it is the last."""
        self._push(bytes(self._waiting), _FINAL)

    def _push(self, block: bytes, tag: int) -> None:
        self._target.write(bindings.crypto_secretstream_xchacha20poly1305_push(self._state, block, tag=tag))


class LockedReader:
    """Read from like a file. `read` raises Broken for what is not as it was written."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        """source: after MAGIC. Raises Refusal (wrong passphrase), Broken."""
        line = source.readline(_MOST_HEADER)
        try:
            header = json.loads(line)
            salt, start = bytes.fromhex(header["salt"]), bytes.fromhex(header["start"])
            operations, memory_bytes = int(header["operations"]), int(header["memory_bytes"])
            if not (operations <= _MOST_OPERATIONS and memory_bytes <= _MOST_MEMORY_BYTES):
                raise ValueError("more work than we ever ask for")
            self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
            bindings.crypto_secretstream_xchacha20poly1305_init_pull(
                self._state, start, _key(passphrase, salt, operations, memory_bytes)
            )
        except (ValueError, KeyError, TypeError, CryptoError) as error:
            raise Broken(cut_short=not line.endswith(b"\n")) from error
        self._source = source
        self._ready = bytearray()
        self._finished = False
        try:
            self._pull()
        except Broken as broken:
            if broken.cut_short:
                raise
            raise Refusal(N_("This passphrase does not open the backup, or its beginning was altered.")) from broken

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        while len(self._ready) < size and not self._finished:
            self._pull()
        given = bytes(self._ready[:size])
        del self._ready[:size]
        return given

    def _pull(self) -> None:
        locked = self._source.read(BLOCK + _MORE)
        if len(locked) < _MORE:
            raise Broken(cut_short=True)
        try:
            block, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(self._state, locked)
        except (CryptoError, RuntimeError) as error:
            # A block that is not whole cannot be told from one that was altered, but for its length.
            raise Broken(cut_short=len(locked) < BLOCK + _MORE) from error
        self._finished = tag == _FINAL
        if self._finished and self._source.read(1):
            raise Broken(cut_short=False)
        self._ready += block


def _key(passphrase: str, salt: bytes, operations: int, memory_bytes: int) -> bytes:
    size = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES
    made: bytes = argon2id.kdf(size, passphrase.encode(), salt, opslimit=operations, memlimit=memory_bytes)
    return made
