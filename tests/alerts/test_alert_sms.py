"""Alerts by SMS: who is sent one and when, its end, retries, the limit, restarts, and that nothing holds it up."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from alerts.alert_settings import set_sms_settings
from alerts.alert_sms import AlertSms
from alerts.emergency_alerts import AlertReceipt, EmergencyAlert, receipts_of, take_receipt
from alerts.templates import EndKind
from devices.receivers import Receiver, change_receiver
from notifications.channels import DeliveryFailed
from people.audit import AuditEntry
from people.rights import NotAllowed
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal, from_text
from tests.alerts.watch_room import KEY, PASSWORD, STORM, WatchRoom
from tests.cast import COMMUNE
from tests.fakes.broker import FakeBroker
from usecases.emergencies import EmergencyOrder, confirm_emergency, end_emergency, request_emergency
from usecases.emergency_sms import send_by_sms
from wire.alerts import open_alert
from wire.reports import AlertReport
from wire.sealing import PublicKey

AFTER = timedelta(seconds=10)


class Gateway:
    """sent: numbers and bytes, in order.

    failures: raised by the next sends. outbox: what waits, by name; None without one.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.failures: list[DeliveryFailed] = []
        self.outbox: dict[str, bytes] | None = None

    def send(self, phone: str, data: bytes, name: str) -> bool:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((phone, data))
        if self.outbox is not None:
            self.outbox[name] = data
        return self.outbox is None

    def is_sent(self, phone: str, name: str) -> bool:
        return self.outbox is not None and name not in self.outbox

    def withdraw(self, phone: str, name: str) -> bool:
        return self.outbox is not None and self.outbox.pop(name, None) is not None


class SmsRoom(WatchRoom):
    """loa-0 and loa-1 have a telephone number, loa-2 has none. The threads do not run: `turn` does their work."""

    def __init__(self, database: Database, clock: ManualClock, broker: FakeBroker) -> None:
        super().__init__(database, clock, broker)
        self.gateway, self.away = Gateway(), set[str]()
        self.desk.sms = self.new_sms()
        with database.writing() as session:
            for number in range(2):
                change_receiver(session, f"loa-{number}", alert_phone=f"+8491234567{number}")

    def new_sms(self, most_a_minute: int = 600) -> AlertSms:
        return AlertSms(
            self.database,
            self.journal,
            self.clock,
            self.gateway,
            away=lambda _now: self.away,
            most_a_minute=most_a_minute,
        )

    def automatic(self) -> None:
        with self.database.writing() as session:
            set_sms_settings(session, COMMUNE, after_s=10, is_automatic=True, price_vnd=350)

    def alert(self, order: EmergencyOrder = STORM) -> EmergencyAlert:
        row = request_emergency(self.desk, self.chair, COMMUNE, order)
        return row if row.is_drill else confirm_emergency(self.desk, self.deputy, COMMUNE, row.id, PASSWORD).alert

    def turn(self) -> None:
        self.desk.sms.decide()
        while self.desk.sms.send_next() == 0:
            pass

    def confirm(self, row: EmergencyAlert, receiver_id: str) -> None:
        now_us = self.clock.now_us()
        report = AlertReport(
            to="controller",
            revision=1,
            issued_at_us=now_us,
            expires_at_us=now_us + 1,
            report="r",
            receiver=receiver_id,
            alert=row.id,
            bearer="mqtt",
            arrived_at_us=now_us,
        )
        with self.database.writing() as session:
            take_receipt(session, receiver_id, report)

    def kinds(self) -> list[tuple[str, bool]]:
        """Last digit of the number, and whether it is an end; each opened as a receiver does."""
        keys = {KEY.kid: PublicKey(KEY.public)}
        return [(p[-1], open_alert(data, keys, COMMUNE, self.clock.now_us()).is_end) for p, data in self.gateway.sent]

    def written(self, row: EmergencyAlert) -> dict[tuple[str, bool], AlertReceipt]:
        self.desk.journal.close()
        with self.database.session() as session:
            return {(r.receiver_id, r.is_end): r for r in receipts_of(session, row.id)}


@pytest.fixture
def room(database: Database, clock: ManualClock, broker: FakeBroker) -> Iterator[SmsRoom]:
    room = SmsRoom(database, clock, broker)
    yield room
    room.close()


def test_without_a_confirmation_in_time_it_goes_by_itself_where_the_commune_chose_so(room: SmsRoom) -> None:
    room.automatic()
    row = room.alert()
    room.turn()
    assert room.gateway.sent == []
    room.confirm(row, "loa-1")
    room.clock.advance(AFTER - timedelta(seconds=1))
    room.turn()
    assert room.gateway.sent == []
    room.clock.advance(timedelta(seconds=1))
    for _ in range(2):
        room.turn()
    assert room.gateway.sent == [("+84912345670", row.sealed)]
    written = room.written(row)
    assert (written["loa-0", False].sms_state, written["loa-0", False].sms_tries) == ("sent", 1)
    assert written["loa-0", False].arrived_at is None  # it has reported nothing
    with room.database.session() as session:
        deeds = [(e.by, e.action, e.detail[:6]) for e in session.exec(select(AuditEntry))]
    assert deeds[-1] == ("loa", "emergency_by_sms", "1 SMS:")


def test_a_receiver_known_to_be_away_is_sent_it_at_once(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-1", "loa-2"}
    room.alert()
    room.turn()
    assert room.kinds() == [("1", False)]


def test_otherwise_it_is_offered_and_goes_when_a_person_wants_it(room: SmsRoom) -> None:
    row = room.alert()
    room.clock.advance(AFTER)
    room.turn()
    assert room.gateway.sent == []
    with room.database.session() as session:
        need = room.desk.sms.need(session, row)
    assert [[r.id for r in rows] for rows in (need.due, need.without_phone)] == [["loa-0", "loa-1"], ["loa-2"]]
    with pytest.raises(NotAllowed):
        send_by_sms(room.desk, room.officer, COMMUNE, row.id)
    assert send_by_sms(room.desk, room.chair, COMMUNE, row.id) == 2
    assert send_by_sms(room.desk, room.chair, COMMUNE, row.id) == 0
    room.turn()
    assert room.kinds() == [("0", False), ("1", False)]
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    with pytest.raises(Refusal, match="not in force"):
        send_by_sms(room.desk, room.chair, COMMUNE, row.id)


def test_without_a_gateway_it_is_refused_with_what_to_do(room: SmsRoom) -> None:
    room.desk.sms = AlertSms(room.database, room.journal, room.clock)
    row = room.alert()
    room.clock.advance(AFTER)
    with pytest.raises(Refusal, match="LOA_ALERT_SMS_URL"):
        send_by_sms(room.desk, room.chair, COMMUNE, row.id)


def test_the_end_goes_by_sms_to_those_that_got_the_alert_so(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    row = room.alert()
    room.turn()
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.ALL_CLEAR)
    room.turn()
    room.clock.advance(AFTER)
    room.turn()
    assert room.kinds() == [("0", False), ("0", True)]
    assert room.written(row)["loa-0", True].sms_state == "sent"


def test_what_was_not_sent_when_it_ended_is_not_sent_at_all(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    row = room.alert()
    room.desk.sms.decide()
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    room.turn()
    assert room.gateway.sent == []
    assert room.written(row)["loa-0", False].sms_state == "withdrawn"


def test_after_a_try_that_failed_the_end_is_sent_although_the_alert_is_not_tried_again(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    room.gateway.failures = [DeliveryFailed("no answer")]  # it may have been sent all the same
    row = room.alert()
    room.turn()
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    room.clock.advance(timedelta(seconds=60))
    room.turn()
    assert room.kinds() == [("0", True)]


def test_an_end_takes_a_message_out_of_the_outbox_in_which_it_waits(room: SmsRoom) -> None:
    room.automatic()
    room.away, room.gateway.outbox = {"loa-0", "loa-1"}, {}
    row = room.alert()
    room.turn()
    assert len(room.gateway.outbox) == 2
    del room.gateway.outbox[f"{row.id}-loa-0-alert"]  # sent meanwhile
    end_emergency(room.desk, room.chair, COMMUNE, row.id, EndKind.CANCEL)
    room.turn()
    assert list(room.gateway.outbox) == [f"{row.id}-loa-0-end"]
    room.gateway.outbox.clear()
    room.clock.advance(timedelta(seconds=2))
    room.turn()
    states = {key: receipt.sms_state for key, receipt in room.written(row).items()}
    assert states == {("loa-0", False): "sent", ("loa-1", False): "withdrawn", ("loa-0", True): "sent"}


def test_a_gateway_that_fails_is_tried_again_and_then_it_is_offered_again(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    room.gateway.failures = [DeliveryFailed("{host} is away", host="gw")] * 5
    row = room.alert()
    room.confirm(row, "loa-1")
    for pause_s in (0, 2, 5, 15, 30):
        room.clock.advance(timedelta(seconds=pause_s))
        room.turn()
    room.clock.advance(timedelta(seconds=600))
    room.turn()
    assert [d.state.value for key, d in room.desk.sms.states(row.id).items() if key.receiver_id == "loa-0"] == [
        "failed"
    ]
    assert room.desk.sms.counts["failed"] == 1
    assert send_by_sms(room.desk, room.chair, COMMUNE, row.id) == 1
    room.turn()
    assert room.gateway.sent[-1] == ("+84912345670", row.sealed)
    room.gateway.failures = []
    assert room.written(row)["loa-0", False].sms_error == ""


def test_what_the_gateway_refuses_for_good_is_not_tried_again(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    room.gateway.failures = [DeliveryFailed("{host} refuses", permanent=True, host="gw")]
    row = room.alert()
    room.turn()
    room.clock.advance(timedelta(seconds=9))
    room.turn()
    assert room.gateway.sent == []
    receipt = room.written(row)["loa-0", False]
    assert (receipt.sms_state, str(from_text(receipt.sms_error))) == ("failed", "gw refuses")


def test_no_more_than_the_limit_in_a_minute(room: SmsRoom) -> None:
    room.automatic()
    room.desk.sms = room.new_sms(most_a_minute=1)
    room.away = {"loa-0", "loa-1"}
    room.alert()
    room.turn()
    assert len(room.gateway.sent) == 1
    room.clock.advance(timedelta(seconds=60))
    room.turn()
    assert len(room.gateway.sent) == 2


def test_a_drill_goes_by_sms_only_when_that_was_asked_for(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    room.alert(replace(STORM, is_drill=True))
    room.turn()
    assert room.gateway.sent == []
    row = room.alert(replace(STORM, is_drill=True, by_sms=True, request_key="2"))
    room.turn()
    assert room.gateway.sent == [("+84912345670", row.sealed)]


def test_a_restart_goes_on_where_it_was(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0", "loa-1"}
    row = room.alert()
    room.gateway.failures = [DeliveryFailed("away"), DeliveryFailed("away")]
    room.turn()
    room.journal.close()
    room.gateway.sent.clear()
    again = room.new_sms()
    again._restore()
    while again.send_next() == 0:
        pass
    assert sorted(room.gateway.sent) == [("+84912345670", row.sealed), ("+84912345671", row.sealed)]


def test_one_that_confirms_before_it_is_tried_costs_nothing(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0", "loa-1"}
    row = room.alert()
    room.desk.sms.decide()
    room.desk.sms.confirmed(row.id, "loa-1", is_end=False)
    room.turn()
    assert room.kinds() == [("0", False)]


def test_a_database_that_another_process_holds_does_not_hold_it_up(room: SmsRoom) -> None:
    room.automatic()
    room.away = {"loa-0"}
    prepared = request_emergency(room.desk, room.chair, COMMUNE, STORM)
    other = sqlite3.connect(room.database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    row = confirm_emergency(room.desk, room.deputy, COMMUNE, prepared.id, PASSWORD).alert
    room.turn()
    assert room.gateway.sent == [("+84912345670", row.sealed)]
    other.execute("ROLLBACK")
    other.close()
    assert room.written(row)["loa-0", False].sms_state == "sent"


def test_a_number_is_as_people_type_it(room: SmsRoom) -> None:
    with room.database.writing() as session:
        change_receiver(session, "loa-2", alert_phone="0912 345.678")
        assert session.get_one(Receiver, "loa-2").alert_phone == "0912345678"
        with pytest.raises(Refusal, match="not a telephone number"):
            change_receiver(session, "loa-2", alert_phone="gọi chị Lan")
