"""Who may send an emergency, when it is sent, and how it ends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlmodel import select

from alerts import texts
from alerts.alert_sounds import AlertSoundRow
from alerts.emergency_alerts import AlertState
from alerts.hazards import Hazard
from alerts.templates import AlertMessage, EndKind, end_template, sounds_of
from broadcast.broadcasts import Broadcast
from people.audit import AuditEntry
from people.rights import Action, NotAllowed
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from tests.alerts.watch_room import PASSWORD, STORM, WatchRoom
from tests.cast import COMMUNE
from tests.fakes.broker import FakeBroker
from usecases.actors import Actor
from usecases.emergencies import (
    EmergencyOrder,
    break_glass,
    confirm_emergency,
    end_emergency,
    refuse_emergency,
    request_emergency,
    start_emergency,
)
from wire.broadcasts import Targets


@pytest.fixture
def room(database: Database, clock: ManualClock, broker: FakeBroker) -> Iterator[WatchRoom]:
    room = WatchRoom(database, clock, broker)
    yield room
    room.close()


def deeds(room: WatchRoom) -> list[tuple[str, str]]:
    with room.database.session() as session:
        return [(entry.by, entry.action) for entry in session.exec(select(AuditEntry).order_by(AuditEntry.id))]  # type: ignore[arg-type]


def test_nothing_is_sent_before_a_second_person_has_confirmed(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    assert (row.state(room.clock.now()), room.sent()) == (AlertState.WAITING, [])

    confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    (alert,) = room.sent()
    assert (alert.alert, alert.template, alert.level, alert.is_end, alert.is_drill) == (row.id, 14, 4, False, False)
    assert room.desk.alert(COMMUNE, row.id).state(room.clock.now()) is AlertState.SENT
    assert deeds(room) == [("chu-tich", "emergency_requested"), ("pho-chu-tich", "emergency_sent")]


def test_the_same_person_cannot_confirm_in_another_browser(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    with pytest.raises(Refusal, match="Another person must confirm"):
        confirm_emergency(room.desk, replace(room.chair, shown=("x",)), COMMUNE, row.id, PASSWORD)
    assert room.sent() == []


def test_a_signed_in_browser_is_not_enough_to_confirm(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    for _ in range(6):
        with pytest.raises(Refusal, match="not your password"):
            confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, "con-mua-mua-he-15")
    with pytest.raises(Refusal, match="Too many attempts"):
        confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    assert room.sent() == []


def test_passwords_guessed_at_once_are_counted_before_they_are_checked(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)

    def guess(number: int) -> str:
        with pytest.raises(Refusal) as refused:
            confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, f"con-mua-mua-he-{number}")
        return str(refused.value)

    with ThreadPoolExecutor(40) as guessers:
        answers = list(guessers.map(guess, range(40)))
    assert sum("not your password" in answer for answer in answers) == 6


def test_a_confirmation_that_comes_too_late_sends_nothing(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    room.clock.advance(seconds=179)
    assert [r.id for r in room.desk.current(COMMUNE)] == [row.id]
    room.clock.advance(seconds=1)
    assert room.desk.current(COMMUNE) == []
    with pytest.raises(Refusal, match="in time"):
        confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    assert room.sent() == []


def test_it_is_sent_once_however_often_it_is_confirmed(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    with pytest.raises(Refusal, match="has sent this message already"):
        confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    assert len(room.sent()) == 1


def test_one_person_may_break_the_glass_with_a_reason(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    with pytest.raises(Refusal, match="why no second person"):
        break_glass(room.desk, room.chair, COMMUNE, row.id, "vội", PASSWORD)
    with pytest.raises(Refusal, match="not your password"):
        break_glass(room.desk, room.chair, COMMUNE, row.id, "Không gọi được ai, nước lên", "x")
    assert room.sent() == []
    break_glass(room.desk, room.chair, COMMUNE, row.id, "Không gọi được ai, nước lên", PASSWORD)
    assert len(room.sent()) == 1
    assert deeds(room)[-1] == ("chu-tich", "emergency_sent_alone")


def test_what_was_refused_cannot_be_confirmed(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    refuse_emergency(room.desk, room.deputy, COMMUNE, row.id)
    with pytest.raises(Refusal, match="refused"):
        confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    assert room.sent() == []


def test_who_may_trigger_and_who_may_clear_are_asked_apart(room: WatchRoom) -> None:
    for deny in (lambda: request_emergency(room.desk, room.officer, COMMUNE, STORM),):
        with pytest.raises(NotAllowed):
            deny()
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    with pytest.raises(NotAllowed):
        confirm_emergency(room.desk, room.officer, COMMUNE, row.id, PASSWORD)
    confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    only_trigger = Actor("nguồn", allowed=frozenset({Action.EMERGENCY}))
    with pytest.raises(NotAllowed):
        end_emergency(room.desk, only_trigger, COMMUNE, row.id, EndKind.CANCEL)
    only_clear = Actor("nguồn", allowed=frozenset({Action.CLEAR_EMERGENCY}))
    with pytest.raises(NotAllowed):
        start_emergency(room.desk, only_clear, COMMUNE, STORM)
    assert end_emergency(room.desk, only_clear, COMMUNE, row.id, EndKind.CANCEL).end_kind == EndKind.CANCEL


@pytest.mark.parametrize("kind", EndKind)
def test_an_end_names_its_alert_and_has_words_of_its_own(room: WatchRoom, kind: EndKind) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    with pytest.raises(Refusal, match="never sent"):
        end_emergency(room.desk, room.chair, COMMUNE, row.id, kind)
    confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    room.clock.advance(seconds=7)
    for _ in range(2):  # the second changes nothing
        end_emergency(room.desk, room.chair, COMMUNE, row.id, kind)
    alert, end = room.sent()
    assert (end.alert, end.is_end) == (alert.alert, True)
    assert end.template == end_template(kind, is_drill=False)
    assert len({topic for topic, *_ in room.broker.log if "/alert/" in topic}) == 1
    with room.database.session() as session:
        broadcast = session.get_one(Broadcast, row.broadcast_id)
        assert (broadcast.class_, broadcast.stopped_at) == ("emergency", room.clock.now())


def test_an_alert_expires_by_itself(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    room.clock.advance(seconds=3600)
    assert room.desk.alert(COMMUNE, row.id).state(room.clock.now()) is AlertState.EXPIRED
    assert end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL).ended_at is None
    assert room.desk.current(COMMUNE) == []


def test_a_drill_needs_one_person_and_can_never_be_taken_for_the_real_thing(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, replace(STORM, is_drill=True))
    (alert,) = room.sent(is_drill=True)
    assert room.sent() == []  # nothing on the topic of real ones
    assert (alert.is_drill, alert.template) == (True, 1014)
    words = sounds_of(STORM.message, is_drill=True, slots=alert.slots)
    assert (words[0], words[-1]) == (texts.DRILL, texts.DRILL)
    assert texts.DRILL not in sounds_of(STORM.message, is_drill=False, slots=alert.slots)
    with room.database.session() as session:
        broadcast = session.get_one(Broadcast, row.broadcast_id)
        assert (broadcast.class_, broadcast.title[:9]) == ("priority", "Diễn tập:")
    assert deeds(room) == [("chu-tich", "drill_sent")]


def test_places_are_read_out_as_the_commune_names_them(room: WatchRoom) -> None:
    order = replace(STORM, message=AlertMessage(Hazard.EVACUATION), targets=Targets(zones=["thon-2"]), hour=17)
    row = request_emergency(room.desk, room.chair, COMMUNE, order)
    assert "Khu vực cần chú ý: Thôn 2. Trước 17 giờ." in row.text
    confirm_emergency(room.desk, room.deputy, COMMUNE, row.id, PASSWORD)
    (alert,) = room.sent()
    assert alert.slots == (texts.hour_sound(17), texts.PLACES, 1001)
    assert alert.means("loa-1", ["thon-1"]) is None
    assert alert.means("loa-2", ["thon-2"]) == Targets(zones=["thon-2"])


def test_more_places_than_fit_are_refused_not_widened(room: WatchRoom) -> None:
    order = replace(STORM, targets=Targets(receivers=[f"loa-{n}" for n in range(3)] + [f"x-{n}" for n in range(60)]))
    with pytest.raises(Refusal, match="Too many zones or receivers"):
        request_emergency(room.desk, room.chair, COMMUNE, order)


def test_without_its_sounds_or_those_of_its_end_it_cannot_be_prepared(room: WatchRoom) -> None:
    for number in (texts.SIREN, texts.CANCEL, texts.ALL_CLEAR):
        with room.database.writing() as session:
            row = session.exec(select(AlertSoundRow).where(AlertSoundRow.sound_number == number)).one()
            kept, row.renditions = row.renditions, b""
            session.add(row)
        with pytest.raises(Refusal, match="still being prepared"):
            request_emergency(room.desk, room.chair, COMMUNE, STORM)
        with room.database.writing() as session:
            row.renditions = kept
            session.add(row)
    request_emergency(room.desk, room.chair, COMMUNE, STORM)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (replace(STORM, message=AlertMessage(Hazard.STORM, 1)), "does not have this risk level"),
        (replace(STORM, message=AlertMessage(None)), "Type the message"),
        (replace(STORM, targets=Targets(zones=["khong-co"])), "no receivers"),
    ],
)
def test_what_cannot_be_sent_is_refused_when_it_is_prepared(room: WatchRoom, order: EmergencyOrder, why: str) -> None:
    with pytest.raises(Refusal, match=why):
        request_emergency(room.desk, room.chair, COMMUNE, order)


def test_a_form_sent_twice_is_one_request(room: WatchRoom) -> None:
    order = replace(STORM, request_key="khoa-1")
    first, second = (request_emergency(room.desk, room.chair, COMMUNE, order) for _ in range(2))
    assert first.id == second.id
    assert len(room.desk.current(COMMUNE)) == 1


def test_a_source_outside_sends_by_the_rule_of_the_commune_and_is_named(room: WatchRoom) -> None:
    source = Actor("Đài khí tượng", allowed=frozenset({Action.EMERGENCY}))
    start_emergency(room.desk, source, COMMUNE, STORM)
    assert len(room.sent()) == 1
    assert deeds(room) == [("Đài khí tượng", "emergency_sent")]
    with pytest.raises(Refusal, match="second person"):
        start_emergency(room.desk, room.chair, COMMUNE, STORM)


def test_another_communes_alert_is_not_there(room: WatchRoom) -> None:
    row = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    with pytest.raises(NotFound):
        room.desk.alert("xa-khac", row.id)
