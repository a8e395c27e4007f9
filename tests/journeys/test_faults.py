"""kill -9 during a broadcast: planned broadcasts still play, no report is lost, nothing plays twice."""

import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.play_reports import PlayReportRow
from demo.browser import Browser
from demo.demo import Demo
from demo.horn_instants import skew_at_horns
from demo.offline import broker_pid, check_offline
from demo.operator_tasks import online_count, schedule_once, sign_in, upload, wait_for
from demo.sample_recording import make_mp3
from demo.sites import SITES
from runtime.database import Database
from runtime.mosquitto import free_port


class Stage:
    """A demo that plans one recording after another, each with a noise of its own."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.browser = Browser(demo.url)
        sign_in(self.browser, demo.operator, demo.password)
        self._seeds = itertools.count(1)

    def plan(self) -> None:
        """A twenty-second recording on the timetable, ten seconds ahead."""
        wait_for("three receivers online", lambda: online_count(self.browser) == len(SITES), 40)
        seed = next(self._seeds)
        self.file = self.demo.folder / f"uploaded-{seed}.mp3"
        make_mp3(self.file, seed=seed)
        clip, _ = upload(self.browser, self.file)
        made = {"title": f"Bản tin {seed}", "items": [{"kind": "clip", "clip": clip}]}
        programme = self.browser.api("/programmes", made)["programme"]
        self._broadcasts_before = self._broadcast_count()
        planned = schedule_once(self.browser, programme, time.time() + 10)
        self.broadcast = planned["broadcasts"][0]
        wait_for("the audio on every receiver", self._everywhere, 9)

    def _everywhere(self) -> bool:
        folder = self.demo.folder / "receivers"
        return all(
            any((folder / p.receiver_id / "data" / "plan" / "air").glob(f"{self.broadcast}.jws"))
            and not list((folder / p.receiver_id / "data" / "shelf").glob("*.part"))
            and any((folder / p.receiver_id / "data" / "shelf").glob("*.opus"))
            for p in SITES
        )

    def wait_until_sounding(self, seconds: float) -> None:
        """Until the broadcast has sounded for so long, by the recordings' own growth."""
        started = self.started_at()
        while time.time() < started + seconds:
            time.sleep(0.05)

    def started_at(self) -> float:
        """Epoch seconds of the start."""
        with self.database.session() as session:
            found = session.get(Broadcast, self.broadcast)
            assert found is not None
            return found.starts_at.timestamp()

    @property
    def database(self) -> Database:
        return Database(self.demo.settings.database)

    def reports(self) -> dict[str, PlayReportRow]:
        """What was written down at the controller."""
        with self.database.session() as session:
            rows = session.exec(select(PlayReportRow).where(PlayReportRow.broadcast_id == self.broadcast))
            return {row.receiver_id: row for row in rows}

    def all_reported(self) -> bool:
        return len(self.reports()) == len(SITES)

    def broadcasts_planned(self) -> int:
        """How many broadcasts came of the plan: one, or something was planned twice."""
        return self._broadcast_count() - self._broadcasts_before

    def _broadcast_count(self) -> int:
        with self.database.session() as session:
            return len(session.exec(select(Broadcast.id)).all())


@pytest.fixture(scope="module")
def shared_stage() -> Iterator[Stage]:
    with Demo(http_port=free_port()) as demo:
        yield Stage(demo)


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    shared_stage.plan()
    return shared_stage


def outcomes(stage: Stage) -> dict[str, Any]:
    return {name: (row.outcome, row.cause) for name, row in stage.reports().items()}


def test_the_controller_dies_before_the_instant_and_comes_back_after_it(stage: Stage) -> None:
    stage.demo.controller.kill()
    stage.wait_until_sounding(8)
    stage.demo.controller.start()
    wait_for("the reports", stage.all_reported, 60)
    assert set(outcomes(stage).values()) == {("played", "")}
    assert stage.broadcasts_planned() == 1
    assert skew_at_horns(stage.demo, stage.file, None).p99_ms < 5


def test_the_broker_dies_in_the_middle(stage: Stage) -> None:
    stage.wait_until_sounding(5)
    os.kill(broker_pid(stage.demo), signal.SIGKILL)
    wait_for("the reports", stage.all_reported, 60)
    assert set(outcomes(stage).values()) == {("played", "")}
    assert [row.microphone_heard for row in stage.reports().values()] == [True] * len(SITES)
    assert stage.broadcasts_planned() == 1
    wait_for("three receivers online", lambda: online_count(stage.browser) == len(SITES), 40)


def test_a_receiver_dies_in_the_middle_and_joins_again_in_step() -> None:
    with Demo(http_port=free_port()) as demo:  # of its own: the recordings that are searched stay short
        stage = Stage(demo)
        stage.plan()
        victim = stage.demo.receivers["fm-hau-hien"]
        stage.wait_until_sounding(6)
        victim.kill()
        victim.start()
        wait_for("the reports", stage.all_reported, 60)
        said = stage.reports()
        row = said.pop("fm-hau-hien")
        assert {r.outcome for r in said.values()} == {"played"}
        assert row.outcome == "partly"
        assert 0.5 * row.frames_due < row.frames_played < row.frames_due
        assert skew_at_horns(stage.demo, stage.file, None).p99_ms < 5


def test_an_emergency_cuts_a_programme_which_then_goes_on_where_it_would_have_been(stage: Stage) -> None:
    stage.wait_until_sounding(1)
    clips = stage.browser.api("/clips")
    sample = next(c for c in clips if c["title"] == "Lời chào của xã")
    asked = {"clip": sample["clip"], "targets": {"receivers": ["cum-ip-thon-1"]}, "class": "emergency"}
    emergency = stage.browser.api("/broadcasts", asked)["broadcast"]
    wait_for("the reports", stage.all_reported, 60)
    cut = stage.reports()["cum-ip-thon-1"]
    assert (cut.outcome, cut.cause) == ("partly", "cut")
    assert stage.reports()["fm-hau-hien"].outcome == "played"
    wait_for("the emergency's report", lambda: stage.browser.api(f"/broadcasts/{emergency}")["reported"] == 1, 30)
    assert stage.browser.api(f"/broadcasts/{emergency}")["heard"] == 1


def test_secrets_are_their_owners_alone_and_in_no_log(shared_stage: Stage) -> None:
    demo = shared_stage.demo
    secrets = demo.folder / "controller" / "secrets"
    held = [path.read_text() for path in secrets.iterdir()]
    held += [
        json.loads((demo.folder / "receivers" / p.receiver_id / "credentials.json").read_text())["broker_secret"]
        for p in SITES
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in [secrets, *secrets.iterdir()])
    written = "".join(path.read_text() for path in demo.folder.glob("*.log"))
    assert [secret for secret in held if secret in written] == []


def test_all_sounds_in_step_although_controller_and_broker_are_dead_and_nothing_is_left_running() -> None:
    with Demo(http_port=free_port()) as demo:
        figures, failed = check_offline(demo, None)
        pids = [demo.controller.pid, *(child.pid for child in demo.receivers.values()), broker_pid(demo)]
    assert failed == []
    assert (figures["sounded"], figures["reports_after"], figures["doubles"]) == (3, 3, 0)
    wait_for("every process to end", lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()], 10)
    assert not demo.folder.exists()


def test_the_broker_ends_with_a_controller_that_is_killed(shared_stage: Stage) -> None:
    broker = broker_pid(shared_stage.demo)
    shared_stage.demo.controller.kill()
    wait_for("the broker to end", lambda: not Path(f"/proc/{broker}").exists(), 10)
    shared_stage.demo.controller.start()
