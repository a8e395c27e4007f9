"""A file encrypted by a passphrase in the age format (age-encryption.org/v1), written and read as a stream.

`age -d` and every other program that knows the format open it too. Cut short, reordered or altered by one bit, it is
refused at the chunk where that happened. Only what was written with a passphrase is read: there is one scrypt stanza.
"""

import base64
import hashlib
import hmac
import re
import secrets
from abc import ABC, abstractmethod
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from runtime.refusal import N_, Refusal

MAGIC = b"age-encryption.org/v1\n"
SHORTEST_PASSPHRASE = 12
#: Bytes of a chunk before it is encrypted, as the format has it.
_CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
#: log2 of the iterations of scrypt: 18 is what age itself writes, 256 MB of memory and about a second.
_WORK_FACTOR = 18
#: A header that asks for more was tampered with, and must not fill the memory.
_MOST_WORK_FACTOR = 20
#: The header is 150 bytes.
_MOST_HEADER_LINE = 200
_HEADER = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n")


class DamagedFile(Exception):
    """The file is not what was written. cut_short: it ends too early; else its bytes were altered."""

    def __init__(self, *, cut_short: bool) -> None:
        super().__init__("cut short" if cut_short else "altered")
        self.cut_short = cut_short


class AgeWriter:
    """Written to like a file; `close` finishes it, and leaves `target` open."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        """Raises Refusal for a passphrase that is too short."""
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise Refusal(N_("The passphrase needs at least {least} characters."), least=SHORTEST_PASSPHRASE)
        file_key, salt = secrets.token_bytes(16), secrets.token_bytes(16)
        wrapped = ChaCha20Poly1305(_wrap_key(passphrase, salt, _WORK_FACTOR)).encrypt(bytes(12), file_key, None)
        stanza = b"-> scrypt %s %d\n%s\n---" % (_base64(salt), _WORK_FACTOR, _base64(wrapped))
        nonce = secrets.token_bytes(16)
        target.write(MAGIC + stanza + b" " + _base64(_header_mac(file_key, MAGIC + stanza)) + b"\n" + nonce)
        self._target = target
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._chunk_index = 0
        self._pending = bytearray()

    def write(self, data: bytes) -> int:
        self._pending += data
        while len(self._pending) > _CHUNK_BYTES:  # the last chunk is kept back: it is marked as the last
            self._write_chunk(bytes(self._pending[:_CHUNK_BYTES]), is_last=False)
            del self._pending[:_CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        self._write_chunk(bytes(self._pending), is_last=True)

    def _write_chunk(self, chunk: bytes, *, is_last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._chunk_index, is_last), chunk, None))
        self._chunk_index += 1


class ChunkReader(ABC):
    """Read from like a file that is encrypted in chunks."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._decrypted = bytearray()
        self._is_finished = False

    def read(self, size: int) -> bytes:
        while len(self._decrypted) < size and not self._is_finished:
            self._read_chunk()
        block = bytes(self._decrypted[:size])
        del self._decrypted[:size]
        return block

    @abstractmethod
    def _read_chunk(self) -> None:
        """Add a chunk to what is decrypted. Raises DamagedFile."""


class AgeReader(ChunkReader):
    """Read from like a file. `read` raises DamagedFile for what is not what was written."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        """source: after MAGIC. Raises Refusal (wrong passphrase), DamagedFile."""
        lines = b"".join(source.readline(_MOST_HEADER_LINE) for _ in range(3))
        header = _HEADER.fullmatch(lines)
        if header is None:
            raise DamagedFile(cut_short=lines.count(b"\n") < 3)
        salt, wrapped, mac = (base64.b64decode(header[k] + b"=" * (-len(header[k]) % 4)) for k in (1, 3, 4))
        work_factor = int(header[2])
        if work_factor > _MOST_WORK_FACTOR:
            raise DamagedFile(cut_short=False)
        try:
            file_key = ChaCha20Poly1305(_wrap_key(passphrase, salt, work_factor)).decrypt(bytes(12), wrapped, None)
        except InvalidTag as error:
            raise Refusal(N_("This passphrase does not open the backup, or its beginning was altered.")) from error
        if not hmac.compare_digest(mac, _header_mac(file_key, MAGIC + lines[: lines.rindex(b"---") + 3])):
            raise DamagedFile(cut_short=False)
        super().__init__(source)
        self._cipher = ChaCha20Poly1305(_derived(file_key, source.read(16), b"payload"))
        self._chunk_index = 0

    def _read_chunk(self) -> None:
        encrypted = self._source.read(_CHUNK_BYTES + _TAG_BYTES)
        for is_last in (False, True):
            try:
                self._decrypted += self._cipher.decrypt(_nonce(self._chunk_index, is_last), encrypted, None)
            except InvalidTag:
                continue
            # An empty last chunk is allowed in an empty file only; nothing may follow the last one.
            if is_last and (self._source.read(1) or (len(encrypted) == _TAG_BYTES and self._chunk_index)):
                raise DamagedFile(cut_short=False)
            self._chunk_index += 1
            self._is_finished = is_last
            return
        # A chunk that is not whole cannot be told from an altered one but by its length.
        raise DamagedFile(cut_short=len(encrypted) < _CHUNK_BYTES + _TAG_BYTES)


def _nonce(chunk_index: int, is_last: bool) -> bytes:
    return chunk_index.to_bytes(11, "big") + bytes([is_last])


def _wrap_key(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    return Scrypt(salt=b"age-encryption.org/v1/scrypt" + salt, length=32, n=1 << work_factor, r=8, p=1).derive(
        passphrase.encode()
    )


def _derived(file_key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose).derive(file_key)


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, hashlib.sha256)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")
