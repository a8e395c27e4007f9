"""The alert book of the receiver's commune: verified, stored sealed, and its sounds wanted on the shelf."""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from receiver.alerts.built_in_siren import built_in_siren, siren_book
from receiver.store.atomic_file import keep_whole
from receiver.store.shelf import Shelf, Wanted
from wire.alert_books import AlertBook
from wire.alerts import Alert
from wire.broadcasts import Rendition
from wire.messages import for_commune
from wire.sealing import PublicKey, Reason, Refused, open_sealed

log = logging.getLogger(__name__)

#: Sounds of a new book take some time to be fetched; only then a missing one is a fault.
MISSING_AFTER_US = 120_000_000


class AlertBookStore:
    """`book` is replaced, never changed. One thread writes."""

    def __init__(self, file: Path, commune: str, keys: Mapping[str, PublicKey], shelf: Shelf) -> None:
        """Reads what is there; what cannot be verified is counted and removed."""
        self._file, self._commune, self._keys, self._shelf = file, commune, keys, shelf
        self.refused: Counter[str] = Counter()
        self.book: AlertBook | None = None
        self._missing_since_us: int | None = None
        self._siren_file = file.with_name("siren.wav")
        file.parent.mkdir(parents=True, exist_ok=True)
        self.siren = built_in_siren(self._siren_file)
        if file.exists():
            self.book = self._open(file.read_bytes(), None)
            if self.book is None:
                file.unlink()

    def take(self, payload: bytes, now_us: int | None) -> bool:
        """Take a book. False when it is refused (counted), or held already. now_us: controller time."""
        book = self._open(payload, now_us) if payload else None
        held = self.book.revision if self.book is not None else -1
        if book is None or book.revision <= held:
            if book is not None and book.revision < held:
                self.refused[Reason.OLD.value] += 1
            return False
        keep_whole(self._file, payload)
        self.book, self._missing_since_us = book, None
        return True

    def move_to(self, commune: str) -> None:
        """The receiver belongs to another commune: the book of the former one goes."""
        if commune == self._commune:
            return
        self._commune = commune
        if self.book is not None and self.book.to != for_commune(commune):
            self.book = None
            self._file.unlink(missing_ok=True)

    def knows(self, template: int) -> bool:
        return self.book is not None and self.book.template(template) is not None

    def sounding(self, alert: Alert) -> AlertBook | None:
        """The book; for a real alert of an unknown template one with the siren that is built in."""
        if alert.is_end or alert.is_drill or self.knows(alert.template):
            return self.book
        return siren_book(self._commune, alert.template, self.siren)

    def path_of(self, rendition: Rendition) -> Path | None:
        """Where a file lies, None when it is not there (yet); the built-in siren in place of another siren."""
        path = self._shelf.path_of(rendition)
        is_siren = rendition in self.siren.renditions or (path is None and rendition.sha256 in self._sirens())
        return self._siren_file if is_siren else path

    def _sirens(self) -> set[str]:
        if self.book is None:
            return set()
        numbers = {template.siren for template in self.book.templates}
        return {file.sha256 for sound in self.book.sounds if sound.number in numbers for file in sound.renditions}

    def wanted(self) -> list[Wanted]:
        """All sounds, before anything else: an alert is not announced."""
        return [Wanted(rendition, 0) for rendition in self._renditions()]

    def verify_sounds(self) -> None:
        """Hash each file; one that has changed is fetched again."""
        for rendition in self._renditions():
            path = self._shelf.path_of(rendition)
            if path is not None and self._shelf.recheck(path):
                log.error("alert sound %s was damaged on the disk, and is fetched again", path.name[:16])

    def missing(self, now_us: int) -> str:
        """Which fault there is for want of sounds, "" for none. now_us: controller time."""
        lacking = sum(self._shelf.path_of(rendition) is None for rendition in self._renditions())
        if not lacking:
            self._missing_since_us = None
            return ""
        self._missing_since_us = self._missing_since_us or now_us
        late = now_us - self._missing_since_us >= MISSING_AFTER_US
        return f"{lacking} sounds for emergencies are missing" if late else ""

    def _renditions(self) -> list[Rendition]:
        return [sound.renditions[0] for sound in self.book.sounds] if self.book is not None else []

    def _open(self, payload: bytes, now_us: int | None) -> AlertBook | None:
        try:
            book: AlertBook = open_sealed(payload, AlertBook, self._keys, to=for_commune(self._commune), now_us=now_us)
        except Refused as refused:
            self.refused[refused.reason.value] += 1
            log.warning("refused AlertBook: %s", refused)
            return None
        return book
