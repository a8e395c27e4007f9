"""Heartbeats: the last of each is kept, and one a minute for the plots."""

from datetime import timedelta

import pytest

from devices.heartbeats import HISTORY_KEPT, ReceivedHeartbeat, forget_old_samples, keep, last_heartbeats, samples
from runtime.database import Database
from tests.cast import MORNING
from tests.devices.test_receivers import counted
from wire.reports import ClockState, Heartbeat, PlayoutState


def heard(receiver_id: str = "thon-1", after_s: float = 0, sequence: int = 0, **more: object) -> ReceivedHeartbeat:
    beat = Heartbeat(
        session=1,
        sequence=sequence,
        clock=ClockState(locked=True, error_us=300, offset_us=-5),
        playout=PlayoutState(error_p50_us=10, error_p99_us=20, error_max_us=30, steering_ppm=-1.5, lost=4, underruns=2),
        **more,  # type: ignore[arg-type]
    )
    return ReceivedHeartbeat(receiver_id, MORNING + timedelta(seconds=after_s), beat)


def test_the_last_of_each_receiver_is_kept_whole(database: Database) -> None:
    keep(database, [heard(sequence=1), heard("thon-2", sequence=7), heard(after_s=20, sequence=2, broadcast="b1")])
    with database.session() as session:
        found = last_heartbeats(session)
    assert {name: row.sequence for name, row in found.items()} == {"thon-1": 2, "thon-2": 7}
    assert found["thon-1"].message == heard(sequence=2, broadcast="b1").message
    assert found["thon-1"].heard_at == MORNING + timedelta(seconds=20)


def test_one_a_minute_is_kept_for_the_plots(database: Database) -> None:
    for after_s in range(0, 180, 20):
        keep(database, [heard(after_s=after_s, sequence=after_s, broadcast="b1" if after_s == 100 else "")])
    with database.session() as session:
        found = samples(session, "thon-1", MORNING)
        assert [(s.minute_at - MORNING).seconds for s in found] == [0, 60, 120]
        assert [s.playing for s in found] == [False, True, False], "the last of a minute stands for it"
        first = found[0]
        assert (first.clock_error_us, first.clock_offset_us, first.steering_ppm) == (300, -5, -1.5)
        assert (first.playout_p50_us, first.playout_p99_us, first.playout_max_us) == (10, 20, 30)
        assert (first.lost, first.underruns) == (4, 2)
        assert samples(session, "thon-2", MORNING) == []
        assert len(samples(session, "thon-1", MORNING + timedelta(seconds=60))) == 2


@pytest.mark.parametrize(("older_s", "kept"), [(-60, 1), (0, 1), (60, 0)])
def test_the_history_is_kept_for_a_week(database: Database, older_s: int, kept: int) -> None:
    keep(database, [heard()])
    with database.writing() as session:
        forget_old_samples(session, MORNING + HISTORY_KEPT + timedelta(seconds=older_s))
    with database.session() as session:
        assert len(samples(session, "thon-1", MORNING)) == kept
        assert list(last_heartbeats(session)) == ["thon-1"], "the last one stays"


def test_a_thousand_are_written_in_a_handful_of_statements(database: Database) -> None:
    with counted(database) as statements:
        keep(database, [heard(f"r-{k}") for k in range(1000)])
    assert len(statements) <= 4
    with counted(database) as statements:
        keep(database, [])
    assert statements == []


def test_large_numbers_are_held(database: Database) -> None:
    keep(
        database,
        [
            ReceivedHeartbeat(
                "thon-1", MORNING, Heartbeat(session=2**62, sequence=2**62, clock=ClockState(locked=False))
            )
        ],
    )
    with database.session() as session:
        assert last_heartbeats(session)["thon-1"].session == 2**62
