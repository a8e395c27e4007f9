"""A folder into which other programs of the receiver's machine, which own its modem, put alerts.

A message put there while the receiver is not running is taken when it runs again.
"""

import logging
import secrets
from pathlib import Path

from wire.alerts import FORMAT, MOST_BYTES

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 100
_NEW, _PART = "*.alert", ".part-"


class NoAlert(ValueError):
    """The bytes are no compact alert. The text says why."""


def drop_folder(data: Path) -> Path:
    """data: the folder in which the receiver keeps everything."""
    return data / "alerts" / "incoming"


def put_alert(folder: Path, payload: bytes) -> None:
    """Hand over a message for the receiver to verify. Raises NoAlert; OSError when the folder does not take it."""
    if not payload:
        raise NoAlert("there is nothing on standard input")
    if payload[0] != FORMAT or len(payload) > MOST_BYTES:
        raise NoAlert(f"these {len(payload)} bytes are no alert of Loa, which has at most {MOST_BYTES}")
    name = f"{secrets.token_hex(8)}.alert"
    part = folder / f"{_PART}{name}"
    part.write_bytes(payload)
    part.chmod(0o660)
    part.replace(folder / name)


class AlertDrop:
    """The receiver's side. For the main thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        #: Taken, but still there: the disk does not let them be removed.
        self._taken: set[str] = set()

    def messages(self) -> list[bytes]:
        """Messages put there since this was last asked."""
        found = []
        for path in sorted(self._folder.glob(_NEW))[:_MOST_AT_ONCE]:
            if path.name in self._taken:
                continue
            try:
                with path.open("rb") as file:
                    found.append(file.read(MOST_BYTES + 1))
                self._taken.add(path.name)
                path.unlink()
                self._taken.discard(path.name)
            except OSError as error:
                log.warning("%s: %s", path.name, error)
        return found
