"""The controller is killed between publishing an alert and writing it: the next one finds it at a real broker."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import AlertState, EmergencyAlert
from alerts.journal import AlertJournal
from alerts.templates import EndKind
from broadcast.broadcasts import Broadcast
from people.audit import AuditEntry, Deed
from runtime.broker import MqttBroker
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password
from tests.alerts.watch_room import KEY, STORM, WatchRoom
from tests.cast import COMMUNE
from tests.contracts.test_broker import until
from tests.fakes.broker import FakeBroker
from usecases.actors import CONTROLLER
from usecases.alert_recovery import AlertRecovery
from usecases.emergencies import end_emergency, start_emergency
from wire import topics
from wire.alerts import open_alert
from wire.broadcasts import Targets
from wire.sealing import PublicKey

PUBLIC = PublicKey(KEY.public)


class Lives:
    """Controllers, one after the other, on one database and one broker."""

    def __init__(self, folder: Path, database: Database, clock: ManualClock) -> None:
        self.room = WatchRoom(database, clock, FakeBroker())
        self.database, self.clock = database, clock
        self._mosquitto = Mosquitto(folder, host="127.0.0.1", port=0, controller_user="controller", acl=[])
        self._mosquitto.set_accounts({"controller": hash_password("secret")})
        self._mosquitto.start()
        self._ends: list[Callable[[], None]] = [self._mosquitto.stop, self.room.close]

    def begin(self, *, writes: bool = True) -> tuple[EmergencyDesk, AlertRecovery]:
        """A new controller. writes: whether it lives long enough to write."""
        url = self._mosquitto.controller_url
        broker = MqttBroker(url, user="controller", password="secret", client_id=f"loa:{len(self._ends)}", clean=True)
        self._ends.append(broker.close)
        until(lambda: broker.connected)
        journal = AlertJournal(self.database)
        if writes:
            journal.start()
            self._ends.append(journal.close)
        desk = EmergencyDesk(self.database, broker, KEY, self.clock, journal)
        recovery = AlertRecovery(desk, PUBLIC)
        recovery.listen(broker)
        return desk, recovery

    def close(self) -> None:
        for end in reversed(self._ends):
            end()


@pytest.fixture
def lives(tmp_path: Path, database: Database, clock: ManualClock) -> Iterator[Lives]:
    lives = Lives(tmp_path / "broker", database, clock)
    yield lives
    lives.close()


def test_an_alert_that_was_sent_and_not_written_is_found_and_can_be_ended(lives: Lives) -> None:
    killed, _ = lives.begin(writes=False)
    order = replace(STORM, targets=Targets(zones=["thon-2"], receivers=["loa-0"]))
    sent = start_emergency(killed, CONTROLLER, COMMUNE, order)
    assert sent.delivery.wait(5)

    desk, recovery = lives.begin()
    assert desk.current(COMMUNE) == []
    until(recovery.is_due)
    recovery.step()
    (row,) = desk.current(COMMUNE)
    assert (row.id, row.title, row.level) == (sent.alert.id, sent.alert.title, 4)
    assert (row.issued_at, row.expires_at) == (sent.alert.issued_at, sent.alert.expires_at)
    assert (row.text, row.lasts_us, row.audience) == (sent.alert.text, sent.alert.lasts_us, order.targets)
    with lives.database.session() as session:
        assert session.exec(select(Broadcast)).one().alert_id == row.id
        assert [entry.action for entry in session.exec(select(AuditEntry))] == [Deed.EMERGENCY_RECOVERED]

    ended = end_emergency(desk, CONTROLLER, COMMUNE, row.id, EndKind.CANCEL)
    assert desk.alert(COMMUNE, row.id).state(lives.clock.now()) is AlertState.ENDED
    kept = dict[str, bytes]()
    listener, _ = lives.begin()
    listener._broker.subscribe(
        topics.alert(COMMUNE, row.id, is_drill=False), lambda topic, payload, _: kept.update({topic: payload})
    )
    until(lambda: bool(kept))
    (payload,) = kept.values()
    assert open_alert(payload, {PUBLIC.kid: PUBLIC}, COMMUNE, None).is_end
    assert payload == ended.end_sealed


def test_an_end_that_was_sent_and_not_written_is_found_too(lives: Lives) -> None:
    desk, _ = lives.begin()
    alert = start_emergency(desk, CONTROLLER, COMMUNE, STORM).alert
    killed, _ = lives.begin(writes=False)
    delivery = killed.end(killed.alert(COMMUNE, alert.id), EndKind.ALL_CLEAR, "chu-tich", lambda _: None).delivery
    assert delivery.wait(5)

    desk, recovery = lives.begin()
    until(recovery.is_due)
    recovery.step()
    with lives.database.session() as session:
        row = session.exec(select(EmergencyAlert)).one()
        assert (row.end_kind, row.ended_at) == (EndKind.ALL_CLEAR, lives.clock.now())
        assert session.exec(select(Broadcast)).one().stopped_at is not None
