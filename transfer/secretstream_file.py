"""Reads backups of the first format, libsodium's `secretstream` with a key by Argon2id; new ones are age files."""

import json
from typing import BinaryIO

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from runtime.refusal import N_, Refusal
from transfer.age_file import ChunkReader, DamagedFile

MAGIC = b"LOA-LOCKED-1\n"
#: Bytes of a chunk before it was encrypted.
_CHUNK_BYTES = 256 * 1024
#: A header that asks for more was tampered with, and must not fill the memory.
_MOST_OPERATIONS, _MOST_MEMORY_BYTES = argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE
_MOST_HEADER_LINE = 1000
_TAG_BYTES = bindings.crypto_secretstream_xchacha20poly1305_ABYTES


class SecretstreamReader(ChunkReader):
    """Read from like a file. `read` raises DamagedFile for what is not what was written."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        """source: after MAGIC. Raises Refusal (wrong passphrase), DamagedFile."""
        line = source.readline(_MOST_HEADER_LINE)
        try:
            header = json.loads(line)
            salt, start = bytes.fromhex(header["salt"]), bytes.fromhex(header["start"])
            operations, memory_bytes = int(header["operations"]), int(header["memory_bytes"])
            if not (operations <= _MOST_OPERATIONS and memory_bytes <= _MOST_MEMORY_BYTES):
                raise ValueError("more work than was ever asked for")
            key = argon2id.kdf(
                bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES,
                passphrase.encode(),
                salt,
                opslimit=operations,
                memlimit=memory_bytes,
            )
            self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
            bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, start, key)
        except (ValueError, KeyError, TypeError, RecursionError, CryptoError) as error:
            raise DamagedFile(cut_short=not line.endswith(b"\n")) from error
        super().__init__(source)
        try:
            self._read_chunk()
        except DamagedFile as error:
            if error.cut_short:
                raise
            raise Refusal(N_("This passphrase does not open the backup, or its beginning was altered.")) from error

    def _read_chunk(self) -> None:
        encrypted = self._source.read(_CHUNK_BYTES + _TAG_BYTES)
        if len(encrypted) < _TAG_BYTES:
            raise DamagedFile(cut_short=True)
        try:
            chunk, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(self._state, encrypted)
        except (CryptoError, RuntimeError) as error:
            # A chunk that is not whole cannot be told from an altered one but by its length.
            raise DamagedFile(cut_short=len(encrypted) < _CHUNK_BYTES + _TAG_BYTES) from error
        self._is_finished = tag == bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
        if self._is_finished and self._source.read(1):
            raise DamagedFile(cut_short=False)
        self._decrypted += chunk
