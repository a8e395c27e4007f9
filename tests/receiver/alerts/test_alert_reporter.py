"""Alert reports: sent once when the sound has left, with its bearer; with the cause when it has not."""

from pathlib import Path

import pytest

from receiver.alerts.alert_reporter import LATE_AFTER_US, AlertReporter
from receiver.link.outbox import Outbox
from receiver.playout.played import Played
from receiver.playout.volume_setting import VolumeSetting
from tests.receiver.alerts.station import ID, Station, alert, end
from tests.receiver.plans import NOW_US, SECOND_US, config
from wire.alerts import Alert
from wire.broadcasts import BroadcastClass, Manifest
from wire.reports import AlertReport
from wire.sealing import PublicKey, SealingKey, open_sealed

KEY = SealingKey(bytes(32))


class Office:
    """A reporter under a turned clock. sounded: as the playout tallies it; sounding: what is heard now."""

    def __init__(self, folder: Path, *, with_book: bool = True) -> None:
        self.station = Station(folder, with_book=with_book)
        self.outbox = Outbox(folder / "outbox", KEY)
        self.sounded: dict[str, Played] = {}
        self.sounding = ""
        self.reporter = AlertReporter("loa-1", self.station.inbox, self, self.outbox)

    def played(self, broadcast: str) -> Played | None:
        return self.sounded.get(broadcast)

    def now_broadcast(self) -> str:
        return self.sounding

    def reports(self, at_s: float) -> list[tuple[bool, str, float, str]]:
        """The new ones: end, bearer, the second of effect (0: none), cause."""
        now_us = NOW_US + round(at_s * SECOND_US)
        known = {pending.report for pending in self.outbox.due(now_us)}
        self.reporter.step(now_us)
        made = []
        for pending in self.outbox.due(now_us + 60 * SECOND_US):
            if pending.report not in known:
                report: AlertReport = open_sealed(
                    pending.payload, AlertReport, {KEY.kid: PublicKey(KEY.public)}, to="controller", now_us=None
                )
                effect_s = (report.took_effect_at_us - NOW_US) / SECOND_US if report.took_effect_at_us else 0
                made.append((report.is_end, report.bearer, effect_s, report.cause))
                self.outbox.acknowledge([pending.report])
        return made


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_first_sample_is_reported_once_with_its_bearer(office: Office) -> None:
    office.station.take(alert(), at_s=0.1, bearer="sms")
    assert office.reports(0.2) == []
    office.sounded[f"alert-{ID}"] = Played(first_frame_at_us=NOW_US + 400_000, last_frame_at_us=NOW_US + 400_000)
    assert office.reports(0.3) == [(False, "sms", 0.4, "")]
    assert office.reports(9) == []
    office.station.inbox.keep()
    assert Office(office.station.folder).reports(10) == []  # nor after a restart


def test_the_end_is_reported_when_the_last_sample_has_left(office: Office) -> None:
    office.station.take(alert())
    office.sounded[f"alert-{ID}"] = Played(first_frame_at_us=NOW_US + 300_000, last_frame_at_us=NOW_US + 7_250_000)
    office.reports(1)
    office.station.take(end(6.9), at_s=7)
    assert office.reports(7.1) == []
    assert office.reports(7.7) == [(True, "mqtt", 7.25, "")]


@pytest.mark.parametrize(
    ("with_book", "sounding", "cause"),
    [(True, "", "not_sounding"), (True, "b9", "superseded"), (False, "", "unknown_template")],
)
def test_what_does_not_sound_says_why_and_is_reported_again_when_it_does(
    tmp_path: Path, with_book: bool, sounding: str, cause: str
) -> None:
    office = Office(tmp_path, with_book=with_book)
    office.sounding = sounding
    office.station.take(alert(is_drill=not with_book))
    late_s = LATE_AFTER_US / SECOND_US
    assert office.reports(late_s - 0.1) == []
    assert office.reports(late_s) == [(False, "mqtt", 0, cause)]
    assert office.reports(late_s + 1) == []
    office.sounded[f"alert-{ID}"] = Played(first_frame_at_us=NOW_US + 5_000_000)
    assert office.reports(late_s + 2) == [(False, "mqtt", 5, "")]


def test_an_alert_that_its_end_overtook_says_so(office: Office) -> None:
    office.station.take(end(1), at_s=1)
    office.station.take(alert(), at_s=2)
    assert office.reports(2.1) == [(True, "mqtt", 1, ""), (False, "mqtt", 0, "overtaken")]


class Now:
    """A ladder on which one broadcast plays, at night."""

    def __init__(self, playing: Manifest | None) -> None:
        self._playing = playing

    def now(self, _controller_us: int) -> Manifest | None:
        return self._playing

    def loudest_percent(self, _controller_us: int) -> int:
        return 20


@pytest.mark.parametrize(
    ("told", "emergency_percent", "percent"),
    [(alert(), 100, 90), (alert(), 60, 60), (alert(is_drill=True), 100, 0), (None, 100, 0)],
)
def test_an_emergency_is_as_loud_as_set_for_emergencies_and_a_drill_is_not(
    office: Office, told: Alert | None, emergency_percent: int, percent: int
) -> None:
    if told is not None:
        office.station.take(told)
    playing = next(iter(office.station.plan.for_us()), None)
    assert playing is None or (playing.class_ is BroadcastClass.EMERGENCY) is (told is not None and not told.is_drill)
    volume = VolumeSetting()
    volume.command_percent = 0  # muted
    set_to = config(volume_percent=50, volume_ceiling_percent=90, emergency_volume_percent=emergency_percent)
    assert volume.percent(set_to, Now(playing), NOW_US) == percent  # type: ignore[arg-type]
