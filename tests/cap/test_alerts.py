"""What becomes of alerts from outside: which start, which never do, and what ends one that is on."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from alerts.emergency_alerts import EmergencyAlert
from alerts.templates import EndKind
from devices.receivers import Receiver
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cap.alert_commune import GRAVE, AlertCommune
from tests.cap.cap_files import SENDER, Signer, alert, info, reference
from tests.cast import COMMUNE
from usecases.actors import CONTROLLER
from usecases.cap_alerts import dismiss_alert, request_alert
from usecases.cap_intake import Taken
from usecases.emergencies import end_emergency, refuse_emergency
from wire import topics

LATER = "2026-11-24T04:57:00+07:00"
CANCEL = alert("", type_="Cancel", identifier="VN-2", sent=LATER, references=reference())


@pytest.fixture
def commune(database: Database, clock: ManualClock) -> Iterator[AlertCommune]:
    made = AlertCommune(database, clock)
    yield made
    made.close()


def test_an_alert_as_grave_as_the_commune_chose_starts_and_one_less_grave_waits(commune: AlertCommune) -> None:
    commune.send(alert())
    for n, less in enumerate([{"severity": "Moderate"}, {"urgency": "Future"}, {"certainty": "Possible"}]):
        commune.send(alert(info(**less), identifier=f"less-{n}"))
        assert commune.state(f"less-{n}") == "waiting"
    (emergency,) = commune.started
    assert commune.state() == "started"
    assert commune.row().emergency_id == emergency.id
    assert emergency.audience.all
    assert emergency.free_text == "Bão số 9 đổ bộ.\nGió cấp 12."
    assert (emergency.requested_by, emergency.source, emergency.is_drill) == ("Đài KTTV", "Đài KTTV", False)
    (topic,) = commune.broker.retained
    assert topic == topics.alert(COMMUNE, emergency.id, is_drill=False)


def test_without_a_rule_every_alert_waits_for_a_person(commune: AlertCommune) -> None:
    commune.send(alert(), commune.add_source("Khác"))
    assert commune.state() == "waiting"
    request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    assert (commune.on, commune.state()) == ([], "waiting")  # for a second person
    with pytest.raises(Refusal, match="waits for a second person already"):
        request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    confirm(commune)
    assert (commune.on, commune.state(), commune.row().decided_by) == (["Bão"], "started", "thứ hai")
    with pytest.raises(Refusal, match="no longer waiting"):
        request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    dismiss_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    assert commune.on == []
    assert commune.state() == "stopped"


def confirm(commune: AlertCommune) -> None:
    """As the second person does: the password is no matter of alerts from outside."""
    row = commune.desk.find(commune.row().emergency_id)
    assert row is not None
    row.confirmed_by, row.confirmed_at = "thứ hai", commune.clock.now()
    commune.desk.send(row, lambda _: None)
    commune.work()


def test_one_that_nobody_confirms_can_be_asked_for_again_and_says_why(
    commune: AlertCommune, clock: ManualClock
) -> None:
    commune.send(alert(), commune.add_source("Khác"))
    request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    clock.advance(timedelta(minutes=4))
    commune.work()
    assert (commune.state(), commune.row().emergency_id) == ("waiting", "")
    assert "Nobody confirmed" in str(commune.row().refusal)
    row = request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    refuse_emergency(commune.desk, CONTROLLER.named("phó"), COMMUNE, row.id)
    commune.work()
    assert "phó refused" in str(commune.row().refusal)
    assert commune.started == []


def test_a_cancel_takes_back_what_waits_for_a_second_person(commune: AlertCommune) -> None:
    commune.send(alert(), commune.add_source("Khác"))
    row = request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    commune.send(CANCEL)
    assert commune.state() == "cancelled"
    assert commune.desk.alert(COMMUNE, row.id).refused_by == SENDER
    assert commune.started == []


def test_one_ended_on_the_emergency_page_is_over_here_too(commune: AlertCommune) -> None:
    commune.send(alert())
    (emergency,) = commune.started
    end_emergency(commune.desk, CONTROLLER.named("chủ tịch"), COMMUNE, emergency.id, EndKind.ALL_CLEAR)
    commune.work()
    assert (commune.state(), commune.row().decided_by) == ("stopped", "chủ tịch")
    assert commune.started[0].end_kind == EndKind.ALL_CLEAR


def test_a_start_that_was_decided_before_a_crash_is_sent_once(commune: AlertCommune) -> None:
    commune.send(alert())
    (emergency,) = commune.started
    with commune.database.writing() as session:  # as if nothing had been published
        session.delete(session.get_one(EmergencyAlert, emergency.id))
    for _ in range(2):
        commune.work()
    assert [row.id for row in commune.started] == [emergency.id]


@pytest.mark.parametrize("status", ["Exercise", "Test"])
def test_an_exercise_never_sounds_as_real_and_as_a_drill_only_when_allowed(commune: AlertCommune, status: str) -> None:
    commune.send(alert(status=status))
    assert commune.state() == "waiting"
    with pytest.raises(Refusal, match="exercise or a test"):
        request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    commune.send(alert(status=status, identifier="2"), commune.add_source("Diễn tập", drills=True, **GRAVE))
    assert [order.is_drill for order in commune.started] == [True]


@pytest.mark.parametrize(
    "file",
    [
        alert(status="Draft"),
        alert(status="System"),
        alert(scope="Private"),
        alert(scope="Restricted"),
        alert(info(area="<polygon>10,105 11,105 11,106</polygon>")),
    ],
    ids=["draft", "system", "private", "restricted", "elsewhere"],
)
def test_what_is_not_for_the_public_here_never_starts(commune: AlertCommune, file: bytes) -> None:
    commune.send(file)
    assert commune.state() == "filed"
    assert commune.row().refusal is not None
    with pytest.raises(Refusal, match="no longer waiting"):
        request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    assert commune.started == []


@pytest.mark.parametrize("type_", ["Ack", "Error"])
def test_an_acknowledgement_is_not_kept(commune: AlertCommune, type_: str) -> None:
    assert commune.send(alert("", type_=type_)).taken is Taken.IGNORED


@pytest.mark.parametrize(
    "block",
    [
        info(language="fr"),
        info(area=""),
        info(response="AllClear"),
        info(urgency="Past"),
        info(area="<geocode><valueName>SAME</valueName><value>006037</value></geocode>"),
    ],
    ids=["foreign", "no area", "all clear", "past", "unknown code"],
)
def test_what_only_a_person_can_judge_does_not_start_by_itself(commune: AlertCommune, block: str) -> None:
    commune.send(alert(block))
    assert commune.state() == "waiting"
    assert commune.started == []


def test_the_languages_of_the_commune_are_read_in_its_order(commune: AlertCommune) -> None:
    source = commune.add_source("Song ngữ", languages="vi, en", **GRAVE)
    blocks = [
        info(language="en-US", headline="Storm"),
        info(language="fr"),
        info(),
        info(language="en", severity="Minor"),
    ]
    commune.send(alert(*blocks), source)
    (emergency,) = commune.started
    assert (emergency.free_text.splitlines()[0], emergency.free_english.splitlines()[0]) == (
        "Bão số 9 đổ bộ.",
        "Storm.",
    )


def test_an_expired_alert_never_starts_and_a_running_one_ends(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(expires="2026-11-24T04:59:00+07:00")))
    assert commune.state() == "expired"
    commune.send(alert(identifier="on"))
    waits = commune.add_source("Khác")
    commune.send(alert(identifier="waits"), waits)
    assert commune.on == ["Bão"]
    clock.advance(timedelta(hours=4))
    commune.work()
    assert (commune.state("on"), commune.state("waits")) == ("ended", "expired")
    assert commune.on == []


def test_one_that_expires_while_it_sounds_is_silent_and_says_nothing(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(expires="2026-11-24T05:01:00+07:00")))
    clock.advance(timedelta(minutes=1))
    commune.work()
    assert (commune.on, commune.started[0].end_kind) == ([], EndKind.OVER)


def test_an_alert_that_names_no_end_is_over_after_a_day(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(expires="")))
    clock.advance(timedelta(hours=23, minutes=54))
    commune.work()
    assert commune.state() == "started"
    clock.advance(timedelta(minutes=2))
    commune.work()
    assert commune.state() == "ended"


def test_an_alert_of_later_waits_for_its_time(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(effective="2026-11-24T06:00:00+07:00")))
    assert commune.on == []
    clock.advance(timedelta(hours=1))
    commune.work()
    assert commune.on == ["Bão"]


def test_a_cancel_ends_what_is_on_and_what_waits(commune: AlertCommune) -> None:
    commune.send(alert())
    commune.send(CANCEL)
    assert commune.state() == "cancelled"
    assert (commune.on, commune.started[0].end_kind) == ([], EndKind.WITHDRAWN)


def test_a_cancel_that_overtakes_its_alert_keeps_it_silent(commune: AlertCommune) -> None:
    commune.send(CANCEL)
    commune.send(alert())
    assert commune.state() == "cancelled"
    assert commune.started == []


def test_an_update_replaces_also_when_it_overtakes(commune: AlertCommune) -> None:
    update = alert(info(event="Lũ"), type_="Update", identifier="VN-2", sent=LATER, references=reference())
    commune.send(alert())
    commune.send(update)
    assert (commune.state(), commune.on) == ("replaced", ["Lũ"])
    late = {"identifier": "a", "sent": LATER}
    commune.send(alert(type_="Update", identifier="b", sent=LATER, references=reference("a", sent=LATER)))
    commune.send(alert(info(event="Muộn"), **late))
    assert commune.state("a") == "replaced"
    assert "Muộn" not in commune.on


def test_an_update_that_a_person_must_judge_leaves_the_alert_on_until_it_starts(commune: AlertCommune) -> None:
    mild = info(event="Nhẹ", severity="Minor")
    commune.send(alert())
    commune.send(alert(mild, type_="Update", identifier="VN-2", sent=LATER, references=reference()))
    assert (commune.state(), commune.state("VN-2"), commune.on) == ("started", "waiting", ["Bão"])
    request_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row("VN-2").number)
    assert commune.on == ["Bão"]
    row = commune.desk.find(commune.row("VN-2").emergency_id)
    assert row is not None
    commune.desk.send(row, lambda _: None)
    commune.work()
    assert (commune.state(), commune.on) == ("replaced", ["Nhẹ"])


def test_an_update_for_elsewhere_ends_it_here(commune: AlertCommune) -> None:
    away = info(area="<polygon>10,105 11,105 11,106 10,105</polygon>")
    commune.send(alert())
    commune.send(alert(away, type_="Update", identifier="VN-2", sent=LATER, references=reference()))
    assert (commune.state(), commune.state("VN-2"), commune.on) == ("replaced", "filed", [])


@pytest.mark.parametrize(
    "file",
    [
        alert("", type_="Cancel", identifier="2", sent=LATER, references=reference("unknown")),
        alert("", type_="Cancel", identifier="2", sent=LATER, references=reference(sent="2026-11-24T04:54:00+07:00")),
        alert("", type_="Cancel", identifier="2", sent=LATER, sender="stranger@x", references=reference()),
        alert("", type_="Cancel", identifier="2", sent=LATER, status="Test", references=reference()),
        alert("", type_="Cancel", identifier="2", sent=LATER, status="Draft", references=reference()),
    ],
    ids=["unknown", "other time", "stranger", "test", "draft"],
)
def test_a_cancel_of_something_else_or_by_somebody_else_ends_nothing(commune: AlertCommune, file: bytes) -> None:
    commune.send(alert())
    commune.send(file)
    assert commune.on == ["Bão"]


def test_the_same_alert_from_two_sources_sounds_once(commune: AlertCommune) -> None:
    commune.send(alert())
    again = commune.send(alert(), commune.add_source("Khác", **GRAVE))
    assert again.taken is Taken.DUPLICATE
    assert len(commune.started) == 1
    with pytest.raises(Refusal, match="another alert with the same sender"):
        commune.send(alert(info(headline="Khác")))


def test_two_messages_that_replace_each_other_leave_nothing_on(commune: AlertCommune) -> None:
    commune.send(alert(type_="Update", identifier="a", references=reference("b")))
    commune.send(alert(type_="Update", identifier="b", references=reference("a")))
    assert (commune.state("a"), commune.state("b")) == ("replaced", "replaced")
    assert commune.on == []


def test_nobody_passes_for_a_sender_that_signs(commune: AlertCommune) -> None:
    signer = Signer()
    signed = commune.add_source("Có chữ ký", certificate=signer.certificate, **GRAVE)
    commune.send(alert(info(event="Giả", headline="Giả")))  # it comes first, and is on
    commune.send(signer.sign(alert()), signed)
    assert commune.on == ["Bão"]
    commune.send(CANCEL)
    assert commune.on == ["Bão"]
    commune.send(signer.sign(CANCEL.replace(b"VN-2", b"VN-3")), signed)
    assert commune.on == []


def test_what_loa_published_itself_comes_not_back(commune: AlertCommune) -> None:
    assert commune.send(alert(sender="thieu-hoa@loa.xa.example")).taken is Taken.IGNORED


def passed_on(origin: str) -> bytes:
    parameter = f"<parameter><valueName>loa:origin</valueName><value>{origin}</value></parameter>"
    return alert(info(more=parameter), identifier="loa-7", sender="xa-ben@loa.ben.example", sent=LATER)


def test_an_alert_that_a_neighbour_passes_on_sounds_once_whichever_comes_first(commune: AlertCommune) -> None:
    commune.send(alert())
    assert commune.send(passed_on(reference())).taken is Taken.DUPLICATE
    assert commune.send(passed_on(reference(sender="x@loa.xa.example"))).taken is Taken.IGNORED
    commune.send(passed_on(reference("VN-8")))
    assert commune.send(alert(identifier="VN-8")).taken is Taken.DUPLICATE
    assert len(commune.started) == 2


def test_one_that_nobody_would_hear_says_why_and_is_tried_again(commune: AlertCommune, clock: ManualClock) -> None:
    def retire(at: datetime | None) -> None:
        with commune.database.writing() as session:
            for receiver in session.exec(select(Receiver)):
                receiver.retired_at = at

    retire(clock.now())
    by_code = commune.add_source("Mã", codes="14803", **GRAVE)
    commune.send(alert(info(area="<geocode><valueName>x</valueName><value>14803</value></geocode>")), by_code)
    assert commune.state() == "waiting"
    assert "no receivers" in str(commune.row().refusal)
    retire(None)
    commune.work()
    assert (commune.state(), commune.row().refusal) == ("started", None)
