"""What sounds in place of a station: the item's backup recording, else the commune's, over and over; else silence."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from broadcast.audio_live import LiveSource
from runtime.refusal import Refusal

log = logging.getLogger(__name__)


class FallbackSound:
    """Mono 48 kHz S16_LE, as much as is asked for. It begins at its beginning each time. For one thread."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """paths: of recordings, the first that can be read counts."""
        self._paths = [path for path in paths if path.is_file()]
        self._source: LiveSource | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._left = b""

    def take(self, bytes_: int) -> bytes:
        while len(self._left) < bytes_:
            if not self._paths:
                self._left += bytes(bytes_)
            elif piece := next(self._pieces, b""):
                self._left += piece
            else:
                self._open()
        taken, self._left = self._left[:bytes_], self._left[bytes_:]
        return taken

    def rewind(self) -> None:
        """The next `take` is from the beginning."""
        self._close_source()
        self._pieces, self._left = iter(()), b""

    def _open(self) -> None:
        self._close_source()
        self._source = LiveSource.file(self._paths[0])
        self._source.__enter__()
        pieces = self._source.pieces()
        try:
            first = next(pieces, b"")
        except Refusal as refusal:
            log.warning("relay: the backup recording %s cannot be played: %s", self._paths[0].name, refusal)
            first = b""
        if first:
            self._left += first
            self._pieces = pieces
        else:
            self._paths = self._paths[1:]

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.__exit__(None, None, None)
            self._source = None
