"""Alert books: their sounds are made, then the book is sent, sealed and retained, when it has changed."""

import hashlib
import logging
import threading
from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session

from alerts.alert_settings import AlertSettings, alert_settings
from alerts.alert_sounds import WantedSound, book_inputs, keep_files, wanted_sounds
from alerts.emergency_alerts import LONGEST_UNTIL_ENDED, VALID_FOR
from alerts.sound_making import MadeSound, SoundMaker
from alerts.templates import REPEATS, SPEECH_OFFSET_MS, book_templates, message_of
from broadcast.clips import clip, renditions_of
from broadcast.media import Media
from runtime.broker import Broker, Delivery
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import Refusal
from speech.pronunciations import corrections
from wire import topics
from wire.alert_books import AlertBook, AlertSound, LocalTrigger
from wire.messages import for_commune
from wire.sealing import SealingKey

log = logging.getLogger(__name__)

#: A receiver that was in a store room for a year still has its sounds.
_HOLDS = timedelta(days=400)


class AlertBooks:
    """Call `step` in a background thread; it makes what is lacking, one commune after the other."""

    def __init__(
        self, database: Database, broker: Broker, key: SealingKey, clock: Clock, media: Media, maker: SoundMaker
    ) -> None:
        self._database, self._broker, self._key, self._clock = database, broker, key, clock
        self._media, self._maker = media, maker
        self._stopping = threading.Event()
        self._sent: dict[str, str] = {}
        #: What the books depend on, as it was when each was last found complete and sent.
        self._inputs: dict[str, int] = {}

    def close(self) -> None:
        """End `step` after the sound that is being made."""
        self._stopping.set()

    def send_again(self) -> None:
        """At the next step, whether or not they have changed: the broker may have lost them."""
        self._sent.clear()
        self._inputs.clear()

    def step(self) -> datetime | None:
        """Make and send the books of all communes that have receivers and of which something has changed.

        Returns when to look again although nothing is committed.
        """
        if not self._clock.trusted:
            return self._clock.now()
        with self._database.session() as session:
            inputs = book_inputs(session)
        for commune_id in inputs:
            if self._stopping.is_set():
                break
            if self._inputs.get(commune_id) != inputs[commune_id] and self.renew(commune_id):
                self._inputs[commune_id] = inputs[commune_id]
        return None

    def renew(self, commune_id: str) -> bool:
        """Make what the book lacks, and send it when it is another than was sent. Returns whether it is complete."""
        with self._database.session() as session:
            lacking = [s for s in wanted_sounds(session, commune_id) if not self._has(s)]
            voice, known = alert_settings(session, commune_id).voice, corrections(session, commune_id)
        made = list[tuple[WantedSound, MadeSound]]()
        for sound in lacking:
            if self._stopping.is_set():
                break
            files = self._make(commune_id, sound, voice, known)
            made += [(sound, files)] if files is not None else []
        if made:
            with self._database.writing() as session:
                for sound, files in made:
                    keep_files(session, commune_id, sound, files.duration_us, files.renditions)
        self._send(commune_id)
        return len(made) == len(lacking)

    def _has(self, sound: WantedSound) -> bool:
        files = sound.row.files if sound.row is not None else []
        return sound.is_made and all(self._media.has(*file.path.rsplit(".", 1)) for file in files)

    def _make(self, commune_id: str, sound: WantedSound, voice: str, known: dict[str, str]) -> MadeSound | None:
        try:
            if sound.row is not None and sound.row.clip_id:
                with self._database.session() as session:
                    renditions = renditions_of(session, [sound.row.clip_id])[sound.row.clip_id]
                    return MadeSound(clip(session, sound.row.clip_id).duration_us, renditions)
            return self._maker.make(sound.number, sound.language, sound.text, voice, known)
        except (Refusal, KeyError) as refusal:
            log.error("alert sound %d of %s cannot be made: %s", sound.number, commune_id, refusal)
            return None

    def _send(self, commune_id: str) -> Delivery | None:
        with self._database.session() as session:
            book = book_of(session, commune_id)
        digest = hashlib.sha256(msgspec.json.encode([book.sounds, book.templates, book.local_trigger])).hexdigest()[:16]
        if self._sent.get(commune_id) == digest:
            return None
        with self._database.writing() as session:
            settings = alert_settings(session, commune_id)
            if settings.book_digest != digest:
                settings.book_digest, settings.book_revision = digest, settings.book_revision + 1
                session.add(settings)
            revision = settings.book_revision
        now_us = self._clock.now_us()
        sealed = self._key.seal(
            msgspec.structs.replace(
                book,
                revision=revision,
                issued_at_us=now_us,
                expires_at_us=now_us + _HOLDS // timedelta(microseconds=1),
            )
        )
        self._sent[commune_id] = digest
        return self._broker.publish(topics.alert_book(commune_id), sealed, qos=1, retain=True)


def book_of(session: Session, commune_id: str) -> AlertBook:
    """What is made so far, not dated yet."""
    sounds = [
        AlertSound(
            number=sound.number,
            language=sound.language,
            text=sound.text,
            duration_us=sound.row.duration_us,
            renditions=sound.row.files,
        )
        for sound in wanted_sounds(session, commune_id)
        if sound.row is not None and sound.is_made
    ]
    settings = alert_settings(session, commune_id)
    return AlertBook(
        to=for_commune(commune_id),
        revision=0,
        issued_at_us=0,
        expires_at_us=0,
        sounds=sounds,
        templates=book_templates(settings.spoken),
        local_trigger=_local_trigger(settings),
    )


def _local_trigger(settings: AlertSettings) -> LocalTrigger | None:
    if not settings.trigger_template:
        return None
    return LocalTrigger(
        template=settings.trigger_template,
        level=message_of(settings.trigger_template).level,
        repeats=0 if settings.trigger_ends_on_release else REPEATS,
        speech_offset_ms=SPEECH_OFFSET_MS,
        validity_s=(LONGEST_UNTIL_ENDED if settings.trigger_ends_on_release else VALID_FOR) // timedelta(seconds=1),
        ends_on_release=settings.trigger_ends_on_release,
    )
