"""What receivers tell of supply and network: kept thinly, kept at once when it matters, and not for ever."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from devices.heartbeats import ReceivedHeartbeat, keep
from devices.telemetry import AT_MOST_EVERY, EVERY, KEPT, TelemetryHistory, TelemetrySample, forget_old, history
from runtime.database import Database
from tests.cast import MORNING
from tests.devices.test_receivers import counted
from wire.reports import ClockState, Heartbeat, Link, Supply


def beat(**more: Any) -> Heartbeat:
    return Heartbeat(session=1, sequence=0, clock=ClockState(locked=True), **more)


class Office:
    """A controller that hears one receiver."""

    def __init__(self, database: Database) -> None:
        self.database, self.telemetry, self.at = database, TelemetryHistory(), MORNING

    def hear(self, after: timedelta = timedelta(seconds=20), **more: Any) -> None:
        self.at += after
        keep(self.database, [ReceivedHeartbeat("thon-1", self.at, beat(**more))], self.telemetry)

    @property
    def rows(self) -> list[TelemetrySample]:
        with self.database.session() as session:
            return list(history(session, "thon-1", MORNING))


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_all_that_is_told_is_kept(office: Office) -> None:
    office.hear(
        temperature_c=51.5,
        supply=Supply(mains_v=229.5, battery_v=12.6, on_battery=False),
        link=Link(signal_dbm=-73, operator="Viettel", sim="ready"),
    )
    [row] = office.rows
    assert (row.at, row.mains_v, row.battery_v, row.on_battery) == (office.at, 229.5, 12.6, False)
    assert (row.temperature_c, row.signal_dbm, row.operator, row.sim) == (51.5, -73, "Viettel", "ready")


def test_of_a_receiver_without_meters_nothing_is_kept(office: Office) -> None:
    office.hear()
    assert office.rows == []


def test_what_stays_as_it_is_takes_a_row_each_five_minutes(office: Office) -> None:
    for k in range(3 * 60 * 3):  # three hours, a heartbeat each 20 s
        office.hear(supply=Supply(mains_v=230.0 + k % 4))
    assert len(office.rows) == 3 * 60 // 5
    assert {b.at - a.at for a, b in zip(office.rows, office.rows[1:], strict=False)} == {EVERY}


def test_a_mains_that_wavers_takes_no_more_than_a_row_a_minute(office: Office) -> None:
    for k in range(3 * 60):
        office.hear(supply=Supply(mains_v=180.0 + 40 * (k % 2)))
    assert min(b.at - a.at for a, b in zip(office.rows, office.rows[1:], strict=False)) >= AT_MOST_EVERY


@pytest.mark.parametrize(("volts", "rows"), [(224.9, 2), (225.0, 2), (225.1, 1), (235.0, 2)])
def test_a_step_is_kept_after_a_minute_and_less_is_not(office: Office, volts: float, rows: int) -> None:
    office.hear(supply=Supply(mains_v=230.0))
    office.hear(after=AT_MOST_EVERY, supply=Supply(mains_v=volts))
    assert len(office.rows) == rows


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"supply": Supply(on_battery=False)}, {"supply": Supply(on_battery=True)}),
        ({"link": Link(sim="ready", operator="Viettel")}, {"link": Link(sim="absent", operator="Viettel")}),
        ({"link": Link(sim="ready", operator="Viettel")}, {"link": Link(sim="ready", operator="VinaPhone")}),
    ],
    ids=["power cut", "sim", "operator"],
)
def test_what_switches_is_kept_at_once(office: Office, before: dict[str, Any], after: dict[str, Any]) -> None:
    office.hear(**before)
    office.hear(**after)
    office.hear(**before)
    assert len(office.rows) == 3


def test_a_meter_that_falls_silent_is_seen_in_the_history(office: Office) -> None:
    office.hear(supply=Supply(mains_v=230.0, battery_v=12.0))
    office.hear(after=AT_MOST_EVERY, supply=Supply(mains_v=None, battery_v=12.0))
    assert [row.mains_v for row in office.rows] == [230.0, None]


@pytest.mark.parametrize(("older", "kept"), [(timedelta(0), 1), (timedelta(seconds=1), 0)])
def test_the_history_is_forgotten_after_two_weeks(office: Office, older: timedelta, kept: int) -> None:
    office.hear(after=timedelta(0), temperature_c=40.0)
    with office.database.writing() as session:
        forget_old(session, MORNING + KEPT + older)
    assert len(office.rows) == kept


def test_a_thousand_receivers_are_written_in_one_more_statement(database: Database) -> None:
    heard = [ReceivedHeartbeat(f"r-{k}", MORNING, beat(temperature_c=40.0)) for k in range(1000)]
    with counted(database) as statements:
        keep(database, heard, TelemetryHistory())
    assert sum("telemetrysample" in statement for statement in statements) == 1
    with database.session() as session:
        assert len(history(session, "r-999", datetime.min.replace(tzinfo=MORNING.tzinfo) + timedelta(days=2))) == 1
