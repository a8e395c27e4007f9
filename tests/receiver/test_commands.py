"""Commands: obeyed once, only while they hold, and answered."""

from pathlib import Path

import pytest

from receiver.commands import CommandHandler
from receiver.link.outbox import Outbox
from receiver.playout.cues import ClickSpec, Cue
from receiver.timing.local_clock import local_us
from receiver.timing.station_time import StationTime
from wire.commands import Action, Command, Identify, Reboot, ReportsHeard, SetVolume, ToneSound
from wire.commands import TestTone as Clicks
from wire.messages import CONTROLLER
from wire.reports import CommandDone, FaultReport
from wire.sealing import PublicKey, SealingKey, open_sealed
from wire.time import Exchange

KEY, OWN = SealingKey(bytes(range(32))), SealingKey(bytes(32))
NOW_US = 1_764_000_000_000_000


class Desk:
    """A commander with all it needs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.outbox = Outbox(folder, OWN)
        self.restart()
        self.station = StationTime()
        for k in range(10, 0, -1):
            self.station.add(Exchange(local_us() - k * 100_000, NOW_US - local_us(), 200))

    def restart(self) -> None:
        """The program begins again on the same disk."""
        self.commander = CommandHandler("thon-1", {KEY.kid: PublicKey(KEY.public)}, self.outbox, self._folder)

    def told(
        self, action: Action, revision: int = 1, now_us: int | None = NOW_US, to: str = "r/thon-1", command: str = ""
    ) -> int | None:
        sealed = Command(
            to=to,
            revision=revision,
            issued_at_us=NOW_US,
            expires_at_us=NOW_US + 120_000_000,
            command=command or f"c{revision}",
            action=action,
        )
        return self.commander.take(KEY.seal(sealed), now_us, self.station)

    def answers(self) -> list[str]:
        waiting = self.outbox.due(local_us())
        keys = {OWN.kid: PublicKey(OWN.public)}
        reports: list[CommandDone] = [
            open_sealed(pending.payload, CommandDone, keys, to=CONTROLLER, now_us=NOW_US) for pending in waiting
        ]
        assert all(report.done and report.receiver == "thon-1" for report in reports)
        return [report.command for report in reports]


class Silence:
    def cues(self, controller_us: int, horizon_us: int) -> list[Cue]:
        return []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_each_is_done_and_answered(desk: Desk) -> None:
    assert desk.told(SetVolume(volume_percent=30), 1) == 30
    assert desk.told(Identify(seconds=3), 2) is None
    assert desk.told(Clicks(starts_at_us=NOW_US + 5_000_000), 3) is None
    assert desk.commander.sounds(NOW_US, 6_000_000)
    assert not desk.commander.reboot
    desk.told(Reboot(), 4)
    assert desk.commander.reboot
    assert desk.answers() == ["c1", "c2", "c3", "c4"]


def test_sweeps_sound_where_a_train_of_clicks_would(desk: Desk) -> None:
    start_us = NOW_US + 5_000_000
    desk.told(Clicks(starts_at_us=start_us, clicks=3, period_us=2_500_000, sound=ToneSound.FALLING), 1)
    [cue] = desk.commander.over(Silence()).cues(NOW_US, 20_000_000)
    assert cue.source == ClickSpec(3, 2_500_000, sound=ToneSound.FALLING)
    assert (cue.starts_at_us, cue.until_us - start_us) == (start_us, 5_000_000 + 200_000 + 45_000)


@pytest.mark.parametrize(("revision", "command"), [(5, "again"), (4, "older"), (6, "c5")])
def test_what_came_already_is_not_done_again(desk: Desk, revision: int, command: str) -> None:
    desk.told(SetVolume(volume_percent=30), 5)
    assert desk.told(SetVolume(volume_percent=90), revision, command=command) is None
    assert desk.answers() == ["c5"]


@pytest.mark.parametrize(
    ("to", "now_us", "reason"),
    [
        ("r/thon-2", NOW_US, "not_for_us"),
        ("c/thon-1", NOW_US, "not_for_us"),
        ("r/thon-1", NOW_US + 120_000_000, "expired"),
    ],
)
def test_what_is_for_another_or_too_late_is_refused(desk: Desk, to: str, now_us: int, reason: str) -> None:
    desk.told(Reboot(), now_us=now_us, to=to)
    assert not desk.commander.reboot
    assert desk.commander.refused == {reason: 1}
    assert desk.answers() == []


@pytest.mark.parametrize("action", [Reboot(), SetVolume(volume_percent=0), Identify(), Clicks(starts_at_us=NOW_US)])
def test_an_old_one_played_at_every_start_does_nothing_while_the_time_is_not_known(desk: Desk, action: Action) -> None:
    desk.station = StationTime()
    assert desk.told(action, now_us=None) is None
    assert not desk.commander.reboot
    assert desk.commander.refused == {"expired": 1}
    desk.told(Reboot(), revision=1)
    assert desk.commander.reboot, "and it may come again, once the time is known"


@pytest.mark.parametrize("now_us", [None, NOW_US])
def test_what_was_heard_is_forgotten_with_and_without_the_time(desk: Desk, now_us: int | None) -> None:
    for report in ("a", "b"):
        fault = FaultReport(
            to=CONTROLLER,
            revision=1,
            issued_at_us=1,
            expires_at_us=2,
            report=report,
            receiver="thon-1",
            fault="card",
            present=True,
            at_us=1,
        )
        desk.outbox.put(fault)
    desk.told(ReportsHeard(reports=["a", "unknown"]), now_us=now_us)
    assert [pending.report for pending in desk.outbox.due(local_us())] == ["b"]


@pytest.mark.parametrize("action", [Reboot(), SetVolume(volume_percent=0), Identify(), Clicks(starts_at_us=NOW_US)])
def test_a_command_replayed_after_a_restart_within_its_time_is_not_obeyed_again(desk: Desk, action: Action) -> None:
    desk.told(action, 5, command="c1")
    desk.restart()
    assert desk.told(action, 5, NOW_US + 60_000_000, command="c1") is None
    assert not desk.commander.reboot
    assert not desk.commander.sounds(NOW_US, 120_000_000)
    assert desk.answers() == ["c1"]


def test_a_new_command_is_obeyed_after_a_restart(desk: Desk) -> None:
    desk.told(Reboot(), 5, command="c1")
    desk.restart()
    desk.told(Reboot(), 5, command="c2")
    assert desk.commander.reboot


def test_a_damaged_memory_of_commands_stops_no_receiver(desk: Desk, tmp_path: Path) -> None:
    desk.told(Reboot(), 5, command="c1")
    (tmp_path / "obeyed.json").write_bytes(b"{")
    desk.restart()
    desk.told(Reboot(), 5, command="c2")
    assert desk.commander.reboot
