"""A commune stores up to its limit; what does not fit is refused with both numbers, an emergency's recording never."""

from pathlib import Path

import pytest

from broadcast.clips import Clip
from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.storage import stored_bytes
from devices.communes import add_commune, commune
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE, OPERATOR


@pytest.fixture
def studio(database: Database, clock: ManualClock) -> Studio:
    return Studio(clock, database)


@pytest.fixture
def ingest(studio: Studio, database: Database, tmp_path: Path) -> Ingest:
    """The studio's clips have 1,000 bytes each, and two renditions of 500."""
    return Ingest(
        database,
        Media(tmp_path / "media"),
        Media(tmp_path / "originals"),
        studio.clock,
        most_bytes=1_000_000,
        most_hours=4,
        storage_bytes=10_000,
    )


def test_clips_renditions_and_uploads_on_their_way_count(studio: Studio, ingest: Ingest, database: Database) -> None:
    with database.writing() as session:
        add_commune(session, "thieu-duy", "Xã Thiệu Duy")
    ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=300).abandon()
    coming = ingest.open_upload(COMMUNE, "b.mp3", by=OPERATOR, size_hint=700)
    with database.session() as session:
        assert stored_bytes(session, COMMUNE) == 4 * 2000 + 700
        assert stored_bytes(session, "thieu-duy") == 0
    coming.abandon()


def test_what_does_not_fit_is_refused_and_leaves_nothing(ingest: Ingest, tmp_path: Path, database: Database) -> None:
    with pytest.raises(Refusal, match="is not taken"):
        ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=2001)
    assert list((tmp_path / "originals" / "incoming").iterdir()) == []
    ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=2000).abandon()


def test_a_commune_with_a_storage_of_its_own_has_that(ingest: Ingest, database: Database) -> None:
    with database.writing() as session:
        commune(session, COMMUNE).storage_gb = 1
    ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=900_000).abandon()
    ingest.storage_bytes = 0
    with database.writing() as session:
        session.get_one(Clip, "bulletin").original_bytes = 1_000_000_000
    with pytest.raises(Refusal) as refused:
        ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=900_000)
    assert refused.value.values == {"used_mb": 1001, "most_mb": 1000, "mb": 1}


def test_a_recording_for_an_emergency_is_taken_by_a_full_commune(ingest: Ingest) -> None:
    ingest.open_upload(COMMUNE, "a.mp3", by=OPERATOR, size_hint=50_000, urgent=True).abandon()
