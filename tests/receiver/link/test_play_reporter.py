"""Why nothing sounded while the time was not known, or while the program did not run."""

from pathlib import Path

import msgspec
import pytest

from receiver.link.outbox import Outbox
from receiver.link.play_reporter import AFTER_END_US, PlayReporter
from receiver.live.live_input import LiveInput
from receiver.playout.playout import Playout
from receiver.sensing.output_monitor import OutputMonitor
from receiver.sensing.sensors import NoSensors
from receiver.store.plan import Plan
from receiver.timing.station_time import StationTime
from tests.fakes.speaker import FakeSpeaker
from tests.receiver.plans import KEY, KEYS, NOW_US, SECOND_US, config, manifest
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass
from wire.messages import CONTROLLER
from wire.reports import AcousticProof, ElectricalProof, Outcome, PlayReport
from wire.sealing import PublicKey, SealingKey, open_sealed

OWN = SealingKey(bytes(32))


def reported(
    folder: Path,
    *,
    runs_for_us: int,
    knows_us: int,
    class_: str = "normal",
    hours: list[AllowedHours] | None = None,
    monitor: OutputMonitor | None = None,
) -> PlayReport:
    """What is reported of a broadcast of 10 s that ended when nothing had sounded.

    runs_for_us: how long the program has run; knows_us: how long after the end it learns the time.
    """
    plan = Plan(folder / "plan", "loa-1", "tt", KEYS)
    aired = manifest("b", 0, 10, class_=class_)
    assert plan.take_manifest("b", KEY.seal(msgspec.structs.replace(aired, expires_at_us=NOW_US + 10**12)), NOW_US)
    if hours is not None:
        assert plan.take_config(KEY.seal(config(allowed_hours=hours)), NOW_US)
    outbox = Outbox(folder / "outbox", OWN)
    playout = Playout(FakeSpeaker(), StationTime())
    live_input = LiveInput(KEYS, lambda: None)
    reporter = PlayReporter(folder, "loa-1", plan, playout, live_input, outbox, monitor=monitor, began_local_us=0)
    reporter.step(aired.ends_at_us + knows_us, runs_for_us, 80, "")
    if knows_us < AFTER_END_US:
        reporter.step(aired.ends_at_us + AFTER_END_US, runs_for_us + AFTER_END_US, 80, "")
    [pending] = outbox.due(0)
    public = PublicKey(OWN.public)
    report: PlayReport = open_sealed(pending.payload, PlayReport, {public.kid: public}, to=CONTROLLER, now_us=None)
    return report


@pytest.mark.parametrize(
    ("runs_for_us", "cause"),
    [(60 * SECOND_US, "clock_unknown"), (5 * SECOND_US + 1, "clock_unknown"), (5 * SECOND_US, "not_running")],
)
def test_a_program_that_ran_without_knowing_the_time_says_so(tmp_path: Path, runs_for_us: int, cause: str) -> None:
    report = reported(tmp_path, runs_for_us=runs_for_us, knows_us=5 * SECOND_US)
    assert (report.outcome, report.cause) == (Outcome.MISSED, cause)


def test_what_the_allowed_hours_forbid_is_refused_and_what_they_cut_says_so(tmp_path: Path) -> None:
    # NOW_US is 18:06:40 in Vietnam.
    never = [AllowedHours(weekdays=list(range(7)), from_minute=0, until_minute=60)]
    report = reported(tmp_path, runs_for_us=60 * SECOND_US, knows_us=-5 * SECOND_US, hours=never)
    assert (report.outcome, report.cause) == (Outcome.REFUSED, "allowed_hours")


def test_an_emergency_is_never_refused_by_the_hours(tmp_path: Path) -> None:
    never = [AllowedHours(weekdays=list(range(7)), from_minute=0, until_minute=60)]
    report = reported(
        tmp_path,
        runs_for_us=60 * SECOND_US,
        knows_us=-5 * SECOND_US,
        hours=never,
        class_=BroadcastClass.EMERGENCY.value,
    )
    assert (report.outcome, report.cause) == (Outcome.MISSED, "no_audio")


class Proved(OutputMonitor):
    """A monitor of one broadcast."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FakeSpeaker(), NoSensors(), None)
        self.drew = ElectricalProof(passed=True, readings=9, above=9, least=0.2, lowest=1.0, mean=1.5, highest=2.0)
        self.heard = AcousticProof(passed=False, windows=2, heard_in=0, correlation=0.03)
        self.over: list[str] = []

    def proof(self, broadcast: str) -> tuple[ElectricalProof | None, AcousticProof | None]:
        return (self.drew, self.heard) if broadcast == "b" else (None, None)

    def forget(self, broadcast: str) -> None:
        self.over.append(broadcast)


def test_what_meters_and_microphone_prove_stands_in_the_report(tmp_path: Path) -> None:
    monitor = Proved(tmp_path)
    report = reported(tmp_path, runs_for_us=60 * SECOND_US, knows_us=-5 * SECOND_US, monitor=monitor)
    assert (report.electrical, report.acoustic) == (monitor.drew, monitor.heard)
    assert monitor.over == ["b"]


def test_without_them_nothing_is_claimed(tmp_path: Path) -> None:
    report = reported(tmp_path, runs_for_us=60 * SECOND_US, knows_us=-5 * SECOND_US)
    assert (report.electrical, report.acoustic) == (None, None)
