"""The ingest of uploads and of texts, started for a controller."""

from contextlib import ExitStack

from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.speech_ingest import SpeechIngest
from runtime.clock import Clock
from runtime.database import Database
from runtime.settings import Settings
from speech.engines import Engines


def ingest_of(
    settings: Settings, database: Database, media: Media, originals: Media, clock: Clock, closing: ExitStack
) -> tuple[Ingest, SpeechIngest]:
    """Both are running; `closing` ends them, texts first."""
    ingest = Ingest(
        database,
        media,
        originals,
        clock,
        most_bytes=settings.max_upload_bytes,
        most_hours=settings.max_clip_hours,
        storage_bytes=settings.commune_storage_bytes,
    )
    ingest.start()
    closing.callback(ingest.close)
    speech = SpeechIngest(database, ingest, Engines(settings.speech_models))
    speech.start()
    closing.callback(speech.close)
    return ingest, speech
