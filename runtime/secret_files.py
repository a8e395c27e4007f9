"""Secrets: made on first start, kept in files that their owner alone may read, never shown."""

import os
import secrets as randomness
from dataclasses import dataclass, field
from pathlib import Path

from runtime.refusal import N_, Refusal

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
CONTROLLER_KEY = "controller.key"
_KEY_BYTES = 32


@dataclass(frozen=True)
class Secrets:
    """What only the controller knows."""

    #: 32 bytes, the Ed25519 seed of the key that signs everything receivers obey.
    controller_seed: bytes = field(repr=False)
    #: of the controller's own account at the embedded broker.
    broker_password: str = field(repr=False)
    #: signs what the browser keeps for us.
    session_key: bytes = field(repr=False)

    @classmethod
    def load_or_create(cls, folder: Path) -> "Secrets":
        """Read the secrets in `folder`; what is missing is made. Raises Refusal when others could read them."""
        folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        _check_private(folder)
        return cls(
            controller_seed=_kept(folder / CONTROLLER_KEY, _KEY_BYTES),
            broker_password=_kept(folder / "broker.password", 24).hex(),
            session_key=_kept(folder / "session.key", 32),
        )


def has_controller_key(folder: Path) -> bool:
    """Whether receivers of this installation can be told anything. folder: of the secrets."""
    return (folder / CONTROLLER_KEY).exists()


def renew_controller_key(folder: Path) -> None:
    """Make a new key in the place of the old one. Receivers obey it with new credentials only."""
    keep_secret(folder / CONTROLLER_KEY, randomness.token_hex(_KEY_BYTES))


def _kept(path: Path, length: int) -> bytes:
    """The secret in a file, in hex; made when there is none. Two processes that start at once get the same one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w") as file:
            file.write(randomness.token_hex(length))
            file.flush()
            os.fsync(file.fileno())
    _check_private(path)
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) != length:
        raise Refusal(
            N_("The secret in {path} is damaged. Bring it back from a backup; receivers do not obey another one."),
            path=str(path),
        )
    return secret


def keep_secret(path: Path, text: str) -> None:
    """Write a secret that was given to us, in the place of an older one; whole or not at all, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
    _check_private(path.parent)
    fresh = path.with_name(f"{path.name}.{randomness.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def kept_secret(path: Path) -> str | None:
    """A secret that `keep_secret` wrote, None when there is none. Raises Refusal when others could read it."""
    if not path.is_file():
        return None
    _check_private(path)
    return path.read_text(encoding="utf-8")


def _check_private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise Refusal(
            N_("Others can read {path}, and it holds secrets. Run: chmod go= {path}"),
            path=str(path),
        )
