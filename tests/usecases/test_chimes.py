"""Chimes: a commune's own recording takes the place of the standard one, and gives it back."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from broadcast.chimes import chime, chime_samples, chimes_of, live_chimes
from broadcast.clips import Clip, ClipRendition
from broadcast.media import Media
from broadcast.programmes import Item, ItemKind, add_programme, items_of
from devices.communes import add_commune
from people.audit import AuditEntry
from people.rights import Action, NotAllowed
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, COMMUNE_NAME, LAN
from usecases.actors import Actor
from usecases.chimes import choose_chime, standard_chime
from usecases.revisions import Superseded, newest_entry, revision_of
from usecases.services import Services
from wire.broadcasts import BroadcastClass

OPENING = ItemKind.OPENING_CHIME


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(tmp_path / "media")


@pytest.fixture
def services(clock: ManualClock, database: Database, media: Media) -> Services:
    """The standard chimes are there, as if they had been made; their files hold no sound."""
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        for kind in (OPENING, ItemKind.CLOSING_CHIME):
            made = media.incoming(".opus")
            made.write_bytes(kind.value.encode())
            stored = media.adopt(made, "opus")
            add_clip(session, kind.value, 4, now=clock.now(), builtin=kind.value)
            session.get_one(Clip, kind.value).original_name = f"{kind.value}.wav"
            for rendition in session.exec(select(ClipRendition).where(ClipRendition.clip_id == kind.value)):
                rendition.sha256, rendition.extension = stored.sha256, "opus"
        add_clip(session, "nhac", 12, now=clock.now())
        add_clip(session, "dai", 61, now=clock.now())
    return Services(database, clock)


def opening(services: Services) -> Clip:
    with services.database.session() as session:
        return next(chime.clip for chime in chimes_of(session, COMMUNE) if chime.kind is OPENING)


def test_a_recording_becomes_the_chime_and_the_standard_one_comes_back(services: Services, media: Media) -> None:
    first = opening(services)
    with services.database.writing() as session:
        number = add_programme(session, COMMUNE, "Bản tin", [Item(OPENING)], now=services.clock.now()).number
    choose_chime(services, LAN, COMMUNE, OPENING, "nhac")
    own = opening(services)
    assert (own.original_sha256, own.uploaded_by) != (first.original_sha256, "")
    with services.database.session() as session:
        assert [item.duration_us for item in items_of(session, number)] == [12_000_000]
        assert session.get_one(Clip, "nhac").retired_at is None
        assert session.get_one(Clip, first.id).retired_at is not None
    standard_chime(services, LAN, media, COMMUNE, OPENING)
    standard_chime(services, LAN, media, COMMUNE, OPENING)
    assert opening(services).original_sha256 == first.original_sha256
    with services.database.session() as session:
        said = [entry.detail for entry in session.exec(select(AuditEntry)).all() if entry.action == "chime_changed"]
    assert [text.partition(": ")[2] for text in said] == [own.title, "standard"]


def test_what_is_too_long_not_allowed_or_was_changed_meanwhile_is_refused(services: Services) -> None:
    with pytest.raises(Refusal, match="60 seconds"):
        choose_chime(services, LAN, COMMUNE, OPENING, "dai")
    with pytest.raises(NotAllowed):
        choose_chime(services, Actor("khach"), COMMUNE, OPENING, "nhac")
    with services.database.session() as session:
        shown = revision_of(session, chimes_of(session, COMMUNE)[0], newest_entry(session))
    choose_chime(services, LAN, COMMUNE, OPENING, "nhac")
    with pytest.raises(Superseded):
        choose_chime(services, replace(LAN, shown=(shown,)), COMMUNE, OPENING, "nhac")


def test_the_chime_of_an_emergency_schedule_needs_the_right_to_emergencies(services: Services) -> None:
    operator = Actor("tho", allowed=frozenset({Action.CLIPS}))
    choose_chime(services, operator, COMMUNE, OPENING, "nhac")
    with services.database.writing() as session:
        now = services.clock.now()
        number = add_programme(session, COMMUNE, "Bão", [Item(OPENING)], now=now).number
        session.add(
            Schedule(
                commune_id=COMMUNE,
                programme_id=number,
                class_=BroadcastClass.EMERGENCY.value,
                targets=b"{}",
                rule=b"{}",
                created_at=now,
                changed_at=now,
            )
        )
    with pytest.raises(NotAllowed):
        choose_chime(services, operator, COMMUNE, OPENING, "nhac")


def test_a_live_broadcast_has_the_communes_own_chime_and_loas_where_it_cannot_be_read(
    services: Services, media: Media
) -> None:
    def opening_samples() -> bytes:
        with services.database.session() as session:
            return live_chimes(session, media, COMMUNE)[OPENING]

    assert opening_samples() == chime_samples(OPENING)
    recording = media.incoming(".wav")
    chime(ItemKind.CLOSING_CHIME).export(recording, format="wav").close()
    stored = media.adopt(recording, "wav")
    with services.database.writing() as session:
        for rendition in session.exec(select(ClipRendition).where(ClipRendition.clip_id == "nhac")):
            rendition.sha256, rendition.extension = stored.sha256, "wav"
    choose_chime(services, LAN, COMMUNE, OPENING, "nhac")
    assert abs(len(opening_samples()) - len(chime_samples(ItemKind.CLOSING_CHIME))) < 9600
    with services.database.writing() as session:
        for rendition in session.exec(select(ClipRendition).where(ClipRendition.clip_id == opening(services).id)):
            rendition.sha256 = "0" * 64
    assert opening_samples() == chime_samples(OPENING)
