"""What follows by itself: the words of a free message, and drills by schedule."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from alerts.alert_settings import alert_settings, set_alert_settings
from alerts.emergency_alerts import EmergencyAlert
from alerts.templates import SILENT_DRILL, AlertMessage, EndKind
from broadcast.broadcasts import Broadcast
from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.speech_ingest import SpeechIngest
from runtime.clock import ManualClock
from runtime.database import Database
from speech.engines import Engines
from tests.alerts.watch_room import PASSWORD, WatchRoom
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, VIETNAM
from tests.fakes.broker import FakeBroker
from usecases.emergencies import EmergencyOrder, confirm_emergency, end_emergency, request_emergency
from usecases.emergency_follow_up import EmergencyFollowUp
from usecases.services import Services
from wire.broadcasts import Targets

ALL = Targets(all=True)


@pytest.fixture
def room(database: Database, clock: ManualClock, broker: FakeBroker) -> Iterator[WatchRoom]:
    room = WatchRoom(database, clock, broker)
    yield room
    room.close()


@pytest.fixture
def speech(room: WatchRoom, tmp_path: Path) -> SpeechIngest:
    media, originals = Media(tmp_path / "m"), Media(tmp_path / "o")
    ingest = Ingest(room.database, media, originals, room.clock, most_bytes=10**7, most_hours=1)
    return SpeechIngest(room.database, ingest, Engines())


@pytest.fixture
def follow_up(room: WatchRoom, speech: SpeechIngest) -> EmergencyFollowUp:
    return EmergencyFollowUp(Services(room.database, room.clock), room.desk, speech)


def sent(room: WatchRoom, order: EmergencyOrder) -> EmergencyAlert:
    row = request_emergency(room.desk, room.chair, COMMUNE, order)
    return confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD).alert


def words(room: WatchRoom) -> list[Broadcast]:
    with room.database.session() as session:
        return list(session.exec(select(Broadcast).where(Broadcast.alert_id == None)))  # noqa: E711 - SQL


def test_siren_and_introduction_go_at_once_and_the_words_come_over_them(
    room: WatchRoom, follow_up: EmergencyFollowUp
) -> None:
    with room.database.writing() as session:
        add_clip(session, "loi-noi", 20, now=room.clock.now())
    row = sent(room, EmergencyOrder(AlertMessage(None), ALL, free_clip_id="loi-noi"))
    assert [alert.template for alert in room.sent()] == [901]
    follow_up.speak_free_messages()
    follow_up.speak_free_messages()
    (broadcast,) = words(room)
    assert (broadcast.class_, broadcast.precedence, broadcast.clip_id) == ("emergency", 1, "loi-noi")

    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    (broadcast,) = words(room)
    assert broadcast.withdrawn_at is not None or broadcast.stopped_at is not None


def test_words_that_are_repeated_until_the_end_are_said_again_when_they_are_over(
    room: WatchRoom, follow_up: EmergencyFollowUp
) -> None:
    with room.database.writing() as session:
        add_clip(session, "loi-noi", 20, now=room.clock.now())
    order = EmergencyOrder(AlertMessage(None), ALL, free_clip_id="loi-noi", until_ended=True)
    row = sent(room, order)
    assert row.expires_at == room.clock.now() + timedelta(hours=24)
    follow_up.speak_free_messages()
    over_at = follow_up.speak_free_messages()
    assert over_at == words(room)[0].ends_at
    room.clock.advance(over_at - room.clock.now())
    later = EmergencyFollowUp(Services(room.database, room.clock), room.desk, follow_up._speech)  # after a restart
    later.speak_free_messages()
    later.speak_free_messages()
    assert [b.clip_id for b in words(room)] == ["loi-noi"] * 2
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    room.clock.advance(timedelta(minutes=5))
    later.speak_free_messages()
    assert len(words(room)) == 2


def test_a_message_called_back_while_it_is_being_spoken_is_never_heard(
    room: WatchRoom, follow_up: EmergencyFollowUp, speech: SpeechIngest
) -> None:
    row = sent(room, EmergencyOrder(AlertMessage(None), ALL, free_text="Đập Bái Thượng xả lũ lúc 17 giờ."))
    follow_up.speak_free_messages()
    assert words(room) == []
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    follow_up.speak_free_messages()
    assert words(room) == []


def set_drills(room: WatchRoom, *, is_silent: bool) -> None:
    """On the first Monday at nine."""
    with room.database.writing() as session:
        set_alert_settings(
            session,
            COMMUNE,
            english=False,
            voice="espeak:vi",
            confirm_within_s=180,
            drill_week=1,
            drill_weekday=0,
            drill_minute=540,
            drill_is_silent=is_silent,
        )


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_drill_by_schedule_is_held_once_at_its_time(
    room: WatchRoom, follow_up: EmergencyFollowUp, is_silent: bool
) -> None:
    set_drills(room, is_silent=is_silent)
    follow_up.start_due_drills()  # of November, long over
    first_monday = datetime(2026, 12, 7, 9, 0, tzinfo=VIETNAM)
    room.clock.advance(first_monday - timedelta(seconds=1) - room.clock.now())
    follow_up.start_due_drills()
    assert room.sent(is_drill=True) == []
    room.clock.advance(timedelta(seconds=1))
    for _ in range(2):
        follow_up.start_due_drills()
    (drill,) = room.sent(is_drill=True)
    assert (drill.template == SILENT_DRILL) is is_silent
    assert room.sent() == []
    with room.database.session() as session:
        assert alert_settings(session, COMMUNE).drilled_at == first_monday


def test_a_drill_that_was_due_while_loa_was_away_is_left_out(room: WatchRoom, follow_up: EmergencyFollowUp) -> None:
    set_drills(room, is_silent=False)
    room.clock.advance(datetime(2026, 12, 7, 9, 11, tzinfo=VIETNAM) - room.clock.now())
    follow_up.start_due_drills()
    assert room.sent(is_drill=True) == []
