"""What becomes of alerts from outside: which start, which never do, and what ends one that is on."""

from datetime import timedelta

import pytest

from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cap.alert_commune import GRAVE, AlertCommune
from tests.cap.cap_files import Signer, alert, info, reference
from tests.cast import COMMUNE
from usecases.actors import CONTROLLER
from usecases.cap_alerts import dismiss_alert, start_alert
from usecases.cap_intake import Taken

LATER = "2026-11-24T04:57:00+07:00"
CANCEL = alert("", type_="Cancel", identifier="VN-2", sent=LATER, references=reference())


@pytest.fixture
def commune(database: Database, clock: ManualClock) -> AlertCommune:
    return AlertCommune(database, clock)


def test_an_alert_as_grave_as_the_commune_chose_starts_and_one_less_grave_waits(commune: AlertCommune) -> None:
    commune.send(alert())
    for n, less in enumerate([{"severity": "Moderate"}, {"urgency": "Future"}, {"certainty": "Possible"}]):
        commune.send(alert(info(**less), identifier=f"less-{n}"))
        assert commune.state(f"less-{n}") == "waiting"
    (order,) = commune.emergencies.started.values()
    assert commune.state() == "started"
    assert order.title == "Bão"
    assert order.targets.all
    assert order.texts[0].text == "Bão số 9 đổ bộ.\nGió cấp 12."
    assert not order.is_drill


def test_without_a_rule_every_alert_waits_for_a_person(commune: AlertCommune) -> None:
    commune.send(alert(), commune.add_source("Khác"))
    assert commune.state() == "waiting"
    start_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    assert commune.emergencies.on == ["Bão"]
    with pytest.raises(Refusal, match="no longer waiting"):
        start_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    dismiss_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    assert commune.emergencies.on == []
    assert commune.state() == "stopped"


@pytest.mark.parametrize("status", ["Exercise", "Test"])
def test_an_exercise_never_sounds_as_real_and_as_a_drill_only_when_allowed(commune: AlertCommune, status: str) -> None:
    commune.send(alert(status=status))
    assert commune.state() == "waiting"
    with pytest.raises(Refusal, match="exercise or a test"):
        start_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    commune.send(alert(status=status, identifier="2"), commune.add_source("Diễn tập", drills=True, **GRAVE))
    assert [order.is_drill for order in commune.emergencies.started.values()] == [True]


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
        start_alert(commune.services, CONTROLLER, commune.emergencies, COMMUNE, commune.row().number)
    assert commune.emergencies.started == {}


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
    assert commune.emergencies.started == {}


def test_the_languages_of_the_commune_are_read_in_its_order(commune: AlertCommune) -> None:
    source = commune.add_source("Song ngữ", languages="vi, en", **GRAVE)
    blocks = [
        info(language="en-US", headline="Storm"),
        info(language="fr"),
        info(),
        info(language="en", severity="Minor"),
    ]
    commune.send(alert(*blocks), source)
    (order,) = commune.emergencies.started.values()
    assert [text.language for text in order.texts] == ["vi-VN", "en-US"]


def test_an_expired_alert_never_starts_and_a_running_one_ends(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(expires="2026-11-24T04:59:00+07:00")))
    assert commune.state() == "expired"
    commune.send(alert(identifier="on"))
    waits = commune.add_source("Khác")
    commune.send(alert(identifier="waits"), waits)
    assert commune.emergencies.on == ["Bão"]
    clock.advance(timedelta(hours=4))
    commune.work()
    assert (commune.state("on"), commune.state("waits")) == ("ended", "expired")
    assert commune.emergencies.on == []


def test_an_alert_that_names_no_end_is_over_after_a_day(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(expires="")))
    clock.advance(timedelta(hours=23, minutes=54))
    commune.work()
    assert commune.emergencies.on == ["Bão"]
    clock.advance(timedelta(minutes=2))
    commune.work()
    assert commune.emergencies.on == []


def test_an_alert_of_later_waits_for_its_time(commune: AlertCommune, clock: ManualClock) -> None:
    commune.send(alert(info(effective="2026-11-24T06:00:00+07:00")))
    assert commune.emergencies.on == []
    clock.advance(timedelta(hours=1))
    commune.work()
    assert commune.emergencies.on == ["Bão"]


def test_a_cancel_ends_what_is_on_and_what_waits(commune: AlertCommune) -> None:
    commune.send(alert())
    commune.send(CANCEL)
    assert commune.state() == "cancelled"
    assert commune.emergencies.on == []


def test_a_cancel_that_overtakes_its_alert_keeps_it_silent(commune: AlertCommune) -> None:
    commune.send(CANCEL)
    commune.send(alert())
    assert commune.state() == "cancelled"
    assert commune.emergencies.started == {}


def test_an_update_replaces_also_when_it_overtakes(commune: AlertCommune) -> None:
    update = alert(info(event="Lũ"), type_="Update", identifier="VN-2", sent=LATER, references=reference())
    commune.send(alert())
    commune.send(update)
    assert (commune.state(), commune.emergencies.on) == ("replaced", ["Lũ"])
    late = {"identifier": "a", "sent": LATER}
    commune.send(alert(type_="Update", identifier="b", sent=LATER, references=reference("a", sent=LATER)))
    commune.send(alert(info(event="Muộn"), **late))
    assert commune.state("a") == "replaced"
    assert "Muộn" not in commune.emergencies.on


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
    assert commune.emergencies.on == ["Bão"]


def test_the_same_alert_from_two_sources_sounds_once(commune: AlertCommune) -> None:
    commune.send(alert())
    again = commune.send(alert(), commune.add_source("Khác", **GRAVE))
    assert again.taken is Taken.DUPLICATE
    assert len(commune.emergencies.started) == 1
    with pytest.raises(Refusal, match="another alert with the same sender"):
        commune.send(alert(info(headline="Khác")))


def test_two_messages_that_replace_each_other_leave_nothing_on(commune: AlertCommune) -> None:
    commune.send(alert(type_="Update", identifier="a", references=reference("b")))
    commune.send(alert(type_="Update", identifier="b", references=reference("a")))
    assert (commune.state("a"), commune.state("b")) == ("replaced", "replaced")
    assert commune.emergencies.on == []


def test_nobody_passes_for_a_sender_that_signs(commune: AlertCommune) -> None:
    signer = Signer()
    signed = commune.add_source("Có chữ ký", certificate=signer.certificate, **GRAVE)
    commune.send(alert(info(event="Giả", headline="Giả")))  # it comes first, and is on
    commune.send(signer.sign(alert()), signed)
    assert commune.emergencies.on == ["Bão"]
    commune.send(CANCEL)
    assert commune.emergencies.on == ["Bão"]
    commune.send(signer.sign(CANCEL.replace(b"VN-2", b"VN-3")), signed)
    assert commune.emergencies.on == []


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
    assert len(commune.emergencies.started) == 2


def test_one_that_nobody_would_hear_says_why_and_is_tried_again(commune: AlertCommune, clock: ManualClock) -> None:
    commune.emergencies.refuses = True
    commune.send(alert())
    assert commune.state() == "waiting"
    assert "no receivers" in str(commune.row().refusal)
    commune.emergencies.refuses = False
    commune.work()
    assert (commune.state(), commune.row().refusal) == ("started", None)
