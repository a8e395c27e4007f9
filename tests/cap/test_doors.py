"""The doors of alerts: the POST with a token, the page where a person decides, and the feed of what was aired."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from alerts.hazards import Hazard
from alerts.templates import AlertMessage, EndKind
from broadcast.clips import order_of
from broadcast.ingest_jobs import IngestJob
from cap.alerts import CapAlert
from cap.feeds import read_feed
from cap.messages import CapMessage, CommunePlaces, MessageType, Status
from cap.reading import read_message
from cap.sources import cap_source
from devices.communes import commune
from people.audit import AuditEntry, Deed
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.alerts.watch_room import make_book_ready
from tests.cap.alert_commune import GRAVE, settle
from tests.cap.cap_files import Signer, alert, info, reference
from tests.cast import COMMUNE
from tests.web.office import PASSWORD, Office
from tests.web.page_forms import form_of
from tests.web.test_emergency_page import DEPUTYS, Second
from tests.web.test_rights_of_pages import Guest
from usecases.actors import CONTROLLER
from usecases.cap_alerts import work_alerts
from usecases.emergencies import EmergencyOrder, end_emergency, start_emergency
from usecases.emergency_follow_up import EmergencyFollowUp
from wire.broadcasts import Targets

SOURCE = {"name": "Đài KTTV", "kind": "post"}
LATER = "2026-11-24T04:57:00+07:00"
CANCEL = alert("", type_="Cancel", identifier="VN-2", sent=LATER, references=reference())


class AlertOffice(Office):
    """An office with one source and its token."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        super().__init__(database, clock, folder, public_url="https://loa.xa.example")
        self.add_receivers(2)
        with database.writing() as session:
            settle(session)
        make_book_ready(database)
        assert self.post("/cap/sources", **SOURCE) == 303
        self.token = self.new_token()

    def new_token(self) -> str:
        page = self.browser.post("/cap/sources/1/token", data={"form_token": self.form_token})
        assert page.status_code == 200
        return page.text.rpartition("<pre")[2].partition(">")[2].partition("<")[0]

    def send(self, file: bytes, token: str = "") -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/cap+xml"}
        answer = self.stranger.post("/api/v1/cap", content=file, headers=headers)
        return answer.status_code, answer.json()

    def alerts(self) -> list[CapAlert]:
        with self.database.session() as session:
            return list(session.exec(select(CapAlert)))


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> AlertOffice:
    return AlertOffice(database, clock, tmp_path)


def test_an_alert_with_the_token_of_a_source_comes_into_the_inbox_once(office: AlertOffice) -> None:
    assert office.send(alert()) == (200, {"taken": "kept", "alert": 1, "state": "waiting"})
    assert office.send(alert()) == (200, {"taken": "duplicate", "alert": 1, "state": "waiting"})
    assert office.send(alert("", type_="Ack")) == (200, {"taken": "ignored"})
    page = office.browser.get("/cap").text
    assert "Bão số 9 đổ bộ" in page
    assert "1 cảnh báo từ bên ngoài đang chờ" in office.browser.get("/").text


def test_a_wrong_file_is_refused_in_a_sentence_and_nothing_is_kept(office: AlertOffice) -> None:
    status, said = office.send(alert(before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'))
    assert (status, "DOCTYPE" in str(said["error"])) == (422, True)
    status, said = office.send(b"<alert>" + b"x" * 4_100_000)
    assert (status, "4 MB" in str(said["error"])) == (422, True)
    assert office.alerts() == []


def test_without_a_valid_token_nothing_is_read(office: AlertOffice) -> None:
    before = office.token
    assert office.send(alert(), "x" * 43)[0] == 401
    assert office.stranger.post("/api/v1/cap", content=alert()).status_code == 401
    office.token = office.new_token()
    assert office.send(alert(), before)[0] == 401
    assert office.post("/cap/sources/1/retire") == 303
    assert office.send(alert())[0] == 401
    assert office.post("/cap/sources/1/restore") == 303
    assert office.send(alert())[0] == 200
    assert len(office.alerts()) == 1


def test_a_source_with_a_certificate_takes_only_what_it_signed(office: AlertOffice) -> None:
    signer = Signer()
    assert office.post("/cap/sources/1", **SOURCE, certificate=signer.certificate) == 303
    assert office.send(alert())[0] == 422
    assert office.send(signer.sign(alert()))[0] == 200
    assert office.alerts()[0].is_signed


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "đài kttv"},
        {"kind": "mail"},
        {"kind": "feed", "address": "file:///etc/passwd"},
        {"kind": "feed", "address": ""},
        {"certificate": "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----"},
        {"codes": "1 = thon-9"},
        {"languages": "tiếng Việt"},
        {"least_severity": "Extreme"},
        {**GRAVE, "least_urgency": "Past?"},
    ],
)
def test_what_is_no_source_is_refused_and_nothing_is_kept(office: AlertOffice, fields: dict[str, str]) -> None:
    assert office.post("/cap/sources", **{"name": "Khác", "kind": "post", **fields}) == 422
    assert "Khác" not in office.browser.get("/cap/sources").text


def test_a_technician_sets_sources_up_but_not_what_starts_by_itself(office: AlertOffice) -> None:
    technician, operator = Guest(office, Role.TECHNICIAN), Guest(office, Role.OPERATOR)
    assert technician.post("/cap/sources", name="Hai", kind="post") == 303
    assert technician.post("/cap/sources", name="Ba", kind="post", **GRAVE) == 403
    assert operator.post("/cap/sources", name="Ba", kind="post") == 403
    assert office.post("/cap/sources/1", **SOURCE, **GRAVE) == 303
    for change in ("", "/retire", "/token"):
        assert technician.post(f"/cap/sources/1{change}", **SOURCE) == 403
    office.send(alert())
    assert technician.post("/cap/alerts/1/dismiss") == 403
    assert operator.post("/cap/alerts/1/start") == 403


def test_the_second_of_two_who_change_a_source_is_told(office: AlertOffice) -> None:
    first, second = (form_of(office, "/cap/sources/1", "/cap/sources/1", name=name) for name in ("Một", "Hai"))
    assert office.browser.post(first.action, data=first.fields).status_code == 303
    assert office.browser.post(second.action, data=second.fields).status_code == 409
    with office.database.session() as session:
        assert cap_source(session, 1).name == "Một"


def published(office: AlertOffice, path: str) -> bytes:
    answer = office.stranger.get(path)
    assert answer.status_code == 200
    return answer.content


def published_alerts(office: AlertOffice) -> list[CapMessage]:
    """What another Loa would read from our feed, validated against the schema."""
    links = read_feed(published(office, "/cap/feed.atom"), "https://loa.xa.example/cap/feed.atom").links
    paths = [link.url.removeprefix("https://loa.xa.example") for link in links]
    with office.database.session() as session:
        outline = commune(session, COMMUNE).outline
    places = CommunePlaces(outline=outline)
    return [read_message(published(office, path), places, "", office.clock.now()) for path in paths]


def ask_for(office: AlertOffice, number: int = 1) -> str:
    """The path of the emergency that now waits for a second person."""
    start = form_of(office, "/cap", f"/cap/alerts/{number}/start")
    answer = office.browser.post(start.action, data=start.fields)
    assert answer.status_code == 303
    return answer.headers["location"]


def test_an_alert_needs_two_people_and_the_requester_cannot_confirm_it(office: AlertOffice) -> None:
    office.send(alert())
    path = ask_for(office)
    assert "Bão số 9 đổ bộ" in office.browser.get(path).text
    assert office.post(f"{path}/confirm", password=PASSWORD) == 422  # the same person
    assert published_alerts(office) == []
    assert "người thứ hai" in office.browser.get("/cap").text
    deputy = Second(office)
    assert deputy.post(f"{path}/confirm", password=DEPUTYS) == 303
    work(office)
    assert office.alerts()[0].state == "started"
    (message,) = published_alerts(office)
    assert (message.type, message.status) == (MessageType.ALERT, Status.ACTUAL)
    assert message.key.sender == f"{COMMUNE}@loa.xa.example"
    assert (message.infos[0].severity, message.infos[0].urgency) == ("Extreme", "Immediate")
    assert message.infos[0].reached.is_whole
    assert message.origin is not None
    assert message.origin.identifier == "VN-1"
    office.clock.advance(timedelta(seconds=15))
    office.send(CANCEL)
    cancel, still = published_alerts(office)
    assert cancel.type is MessageType.CANCEL
    assert cancel.references == (still.key,)
    with office.database.session() as session:
        deeds = [entry.action for entry in session.exec(select(AuditEntry)) if entry.action.startswith("cap_alert")]
    assert deeds == [Deed.CAP_ALERT_REQUESTED, Deed.CAP_ALERT_STARTED, Deed.CAP_ALERT_ENDED]


def work(office: AlertOffice) -> None:
    work_alerts(office.deps.services, office.deps.emergencies)


def test_by_the_rule_the_siren_goes_before_the_answer_and_the_words_follow(office: AlertOffice) -> None:
    assert office.post("/cap/sources/1", **SOURCE, **GRAVE) == 303
    assert office.send(alert())[1]["state"] == "started"
    assert [topic for topic in office.broker.retained if "/alert/" in topic]
    follow_up = EmergencyFollowUp(office.deps.services, office.deps.desk, office.deps.speech)
    follow_up.speak_free_messages()
    with office.database.session() as session:
        (job,) = session.exec(select(IngestJob))
    order = order_of(job.speech)
    assert order is not None
    assert (order.text, order.repeats) == ("Bão số 9 đổ bộ.\nGió cấp 12.", 3)
    assert len(published_alerts(office)) == 1


def test_an_exercise_is_a_drill_that_says_so_and_is_published_as_exercise(office: AlertOffice) -> None:
    assert office.post("/cap/sources/1", **SOURCE, **GRAVE, drills="1") == 303
    assert office.send(alert(status="Exercise"))[1]["state"] == "started"
    assert [topic for topic in office.broker.retained if "/drill/" in topic]
    assert not [topic for topic in office.broker.retained if "/alert/" in topic]
    follow_up = EmergencyFollowUp(office.deps.services, office.deps.desk, office.deps.speech)
    follow_up.speak_free_messages()
    with office.database.session() as session:
        assert session.exec(select(IngestJob)).one().speech.count("Đây là diễn tập") == 2
    (message,) = published_alerts(office)
    assert message.status is Status.EXERCISE


def test_an_emergency_of_the_page_and_its_all_clear_are_published(office: AlertOffice) -> None:
    storm = AlertMessage(Hazard.STORM, 4)
    row = start_emergency(office.deps.desk, CONTROLLER, COMMUNE, EmergencyOrder(storm, Targets(all=True))).alert
    (message,) = published_alerts(office)
    assert (message.infos[0].category, message.infos[0].severity) == ("Met", "Extreme")
    assert message.infos[0].event.startswith("Bão")
    assert message.origin is None
    end_emergency(office.deps.desk, CONTROLLER, COMMUNE, row.id, EndKind.ALL_CLEAR)
    update, still = published_alerts(office)
    assert (update.type, update.references) == (MessageType.UPDATE, (still.key,))
    assert update.infos[0].response_types == ("AllClear",)


def test_without_a_public_address_the_sender_is_a_name_of_the_installation(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    office = Office(database, clock, tmp_path)
    host = office.deps.own_host
    assert (host.startswith("loa-"), host.endswith(".invalid"), len(host)) == (True, True, 28)


def test_an_alert_in_a_language_that_no_voice_reads_says_so(office: AlertOffice) -> None:
    office.send(alert(info(language="fr")))
    start = form_of(office, "/cap", "/cap/alerts/1/start")
    answer = office.browser.post(start.action, data=start.fields)
    assert answer.status_code == 422
    assert "Chưa cài giọng" in answer.text
    assert office.alerts()[0].state == "waiting"


def test_the_open_feed_knows_only_emergencies_and_answers_so_often(office: AlertOffice) -> None:
    assert office.stranger.get("/cap/loa-nothing.xml").status_code == 404
    assert office.stranger.get("/cap/%2e%2e%2fetc.xml").status_code == 404
    statuses = [office.stranger.get("/cap/feed.atom").status_code for _ in range(125)]
    assert (statuses[0], statuses[-1]) == (200, 429)
