"""Alert books: made once for all communes that say the same, and looked at again only when something has changed."""

from pathlib import Path

import pytest
from sqlmodel import Session

from alerts.alert_books import AlertBooks
from alerts.sound_making import MadeSound, SoundMaker
from broadcast.media import Media
from devices.communes import add_commune
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.zones import Zone, add_zone
from runtime.clock import ManualClock
from runtime.database import Database
from speech.engines import Engines
from tests.fakes.broker import FakeBroker
from wire import topics
from wire.broadcasts import Rendition
from wire.sealing import SealingKey

COMMUNES = ("thieu-trung", "hau-hien")


class SilentMaker(SoundMaker):
    """Speaks nothing: each sound is one file of some bytes."""

    def __init__(self, media: Media) -> None:
        super().__init__(media, Engines())
        self.spoken: list[str] = []

    def _make(self, number: int, language: str, text: str, voice: str, corrections: dict[str, str]) -> MadeSound:
        self.spoken.append(text)
        part = self._media.incoming()
        part.write_text(f"{number} {language} {text}")
        kept = self._media.adopt(part, "opus")
        file = Rendition(sha256=kept.sha256, bytes=kept.bytes, codec="opus", path=f"{kept.sha256}.opus")
        return MadeSound(1_000_000, [file])


class Library:
    def __init__(self, folder: Path, database: Database, clock: ManualClock) -> None:
        self.database, self.broker, self.media = database, FakeBroker(), Media(folder / "media")
        self.maker = SilentMaker(self.media)
        self.books = AlertBooks(database, self.broker, SealingKey.new(), clock, self.media, self.maker)
        with database.writing() as session:
            for commune_id in COMMUNES:
                self._add(session, commune_id, clock)

    @staticmethod
    def _add(session: Session, commune_id: str, clock: ManualClock) -> None:
        add_commune(session, commune_id, commune_id)
        station = add_station(session, commune_id, StationKind.IP, "IP").number
        add_zone(session, commune_id, f"{commune_id}-1", f"Thôn của {commune_id}")
        session.add(
            Receiver(
                id=f"{commune_id}-loa",
                commune_id=commune_id,
                station_id=station,
                name="Loa",
                public_key="",
                broker_hash="",
                created_at=clock.now(),
            )
        )

    def sent(self) -> list[str]:
        return [topic for topic, _, _, _ in self.broker.log]


@pytest.fixture
def library(tmp_path: Path, database: Database, clock: ManualClock) -> Library:
    return Library(tmp_path, database, clock)


def test_what_two_communes_say_alike_is_made_once(library: Library) -> None:
    library.books.step()
    assert sorted(library.sent()) == sorted(topics.alert_book(commune_id) for commune_id in COMMUNES)
    assert len(library.maker.spoken) == len(set(library.maker.spoken)) + 1  # siren and chime have no text
    assert sum(text.startswith("Thôn của") for text in library.maker.spoken) == 2


def test_a_book_is_looked_at_again_only_when_something_of_its_commune_has_changed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.books.step()
    library.books.step()  # the sounds were written down
    looked_at = list[str]()
    renew = library.books.renew
    monkeypatch.setattr(library.books, "renew", lambda commune_id: looked_at.append(commune_id) or renew(commune_id))
    library.books.step()
    assert looked_at == []
    with library.database.writing() as session:
        zone = session.get_one(Zone, "hau-hien-1")
        zone.name = "Thôn Đông"
        session.add(zone)
    library.books.step()
    assert looked_at == ["hau-hien"]
    assert library.sent()[2:] == [topics.alert_book("hau-hien")]


def test_a_sound_whose_file_was_lost_is_made_again(library: Library) -> None:
    library.books.step()
    for path in library.media.folder.rglob("*.opus"):
        path.unlink()
    made = len(library.maker.spoken)
    library.books.send_again()
    library.books.step()
    assert len(library.maker.spoken) == 2 * made
