"""Who this receiver is: the credentials from its enrolment, and the number of its session."""

import secrets
import stat
from pathlib import Path

import msgspec

from receiver.store.atomic_file import keep_whole
from wire.credentials import Credentials
from wire.sealing import PublicKey, SealingKey
from wire.topics import is_id

#: Above the numbers of older programs, which began at the wall clock's seconds.
_FIRST = 1 << 32
#: A damaged file must not use up what a 64-bit integer holds.
_MOST = 1 << 52


class CredentialsUnusable(Exception):
    """The credentials cannot be used: the message says why and what to do."""


class Identity:
    """The credentials, read and checked."""

    def __init__(self, credentials: Credentials) -> None:
        """Raises CredentialsUnusable."""
        if credentials.version != 1:
            raise CredentialsUnusable(f"credentials of version {credentials.version}: this program is too old for them")
        if not is_id(credentials.receiver) or not is_id(credentials.commune):
            raise CredentialsUnusable("the credentials name no receiver or commune that could stand in a topic")
        try:
            self.key = SealingKey(bytes.fromhex(credentials.receiver_seed))
            self.controller_keys = {
                kid: PublicKey(bytes.fromhex(raw), kid) for kid, raw in credentials.controller_keys.items()
            }
        except ValueError as error:
            raise CredentialsUnusable(f"a key in the credentials is damaged: {error}") from error
        if not self.controller_keys:
            raise CredentialsUnusable("the credentials pin no key of a controller")
        self.receiver = credentials.receiver
        self.commune = credentials.commune
        self.broker_url = credentials.broker_url
        self.broker_secret = credentials.broker_secret
        self.tls_ca_pem = credentials.tls_ca_pem

    @classmethod
    def read(cls, path: Path) -> "Identity":
        """From a file. Raises CredentialsUnusable: not there, readable by others, damaged."""
        try:
            content = path.read_bytes()
            mode = path.stat().st_mode
        except OSError as error:
            raise CredentialsUnusable(
                f"{path} cannot be read: {error.strerror}. Make it with: loa receiver add"
            ) from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CredentialsUnusable(f"others can read {path}, and it holds secrets. Run: chmod go= {path}")
        try:
            return cls(msgspec.json.decode(content, type=Credentials))
        except msgspec.DecodeError as error:
            raise CredentialsUnusable(f"{path} is damaged: {error}. Make a new one with: loa receiver add") from error


class SessionNumber:
    """Counts connections, also over restarts: a late will of an old session cannot be taken for a new one's."""

    def __init__(self, path: Path) -> None:
        """Without its file it starts at a random number, so that it does not repeat one of before."""
        self._path = path
        try:
            self._last = int(path.read_text())
        except (OSError, ValueError):
            self._last = _FIRST + secrets.randbelow(_FIRST)
        if not 0 <= self._last < _MOST:
            self._last = _FIRST + secrets.randbelow(_FIRST)

    @property
    def current(self) -> int:
        """The number of this session."""
        return self._last

    def next(self) -> int:
        """The number of a new session, kept before it is used where the disk takes it: see `keep_whole`."""
        self._last += 1
        if not keep_whole(self._path, str(self._last).encode()):
            self._path.unlink(missing_ok=True)  # its number would be used twice
        return self._last
