"""The night test and the backup recording on the pages."""

from hashlib import sha256
from pathlib import Path

import pytest

from broadcast.backup_clip import backup_of
from broadcast.clips import Clip, ClipRendition
from devices import self_tests
from devices.self_tests import SelfTestPart
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.messages import CONTROLLER
from wire.reports import SelfTestReport


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.advance(seconds=7 * 3600)  # noon: no night's test is due any more
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    return made


def answer(office: Office, receiver_id: str, failed_step: str = "") -> None:
    with office.database.writing() as session:
        test = self_tests.latest(session, [receiver_id], office.clock.now())[receiver_id].test_id
        report = SelfTestReport(
            to=CONTROLLER,
            revision=1,
            issued_at_us=1,
            expires_at_us=2,
            report="r",
            receiver=receiver_id,
            test=test,
            ok=not failed_step,
            failed_step=failed_step,
            at_us=office.clock.now_us(),
        )
        self_tests.take_report(session, receiver_id, report)
    office.deps.nightly_test.step()


@pytest.mark.parametrize(
    ("failed_step", "said"), [("", "đạt 12:00"), ("level", "không đạt: âm thanh sai mức âm lượng")]
)
def test_a_test_by_hand_is_asked_for_and_its_result_is_shown(office: Office, failed_step: str, said: str) -> None:
    assert "chưa kiểm tra" in office.browser.get("/receivers/loa-1").text
    assert office.post("/receivers/loa-1/self-test") == 303
    assert "đang kiểm tra" in office.browser.get("/receivers/loa-1").text
    answer(office, "loa-1", failed_step)
    for path in ("/receivers/loa-1", "/receivers"):
        assert f"Kiểm tra đêm: {said}" in office.browser.get(path).text
    assert ("Kiểm tra đêm không đạt" in office.browser.get("/receivers").text) == bool(failed_step)


def test_all_are_tested_at_once(office: Office) -> None:
    assert office.post("/receivers/self-test/all") == 303
    with office.database.session() as session:
        assert {r for r in ("loa-0", "loa-1") if self_tests.latest(session, [r], office.clock.now())} == {
            "loa-0",
            "loa-1",
        }
        parts = [session.get(SelfTestPart, (p.test_id, p.receiver_id)) for p in _parts(office)]
    assert [p.asked for p in parts if p is not None] == [1, 1]


def _parts(office: Office) -> list[SelfTestPart]:
    with office.database.session() as session:
        return list(self_tests.latest(session, ["loa-0", "loa-1"], office.clock.now()).values())


def test_a_clip_is_chosen_as_the_backup_and_no_longer(office: Office) -> None:
    digest = sha256(b"spare").hexdigest()
    with office.database.writing() as session:
        session.add(
            Clip(
                id="spare",
                commune_id=COMMUNE,
                title="Dự phòng",
                original_name="s.mp3",
                original_sha256=digest,
                original_bytes=1,
                uploaded_at=office.clock.now(),
                duration_us=1_000_000,
                peaks=b"",
            )
        )
        session.flush()
        session.add(ClipRendition(clip_id="spare", codec="opus", sha256=digest, bytes=1, extension="opus"))
    for path, chosen, shown in (
        ("/clips/spare/backup", "spare", "Đây là bản dự phòng"),
        ("/clips/spare/no-backup", None, "Dùng làm bản dự phòng"),
    ):
        assert office.post(path) == 303
        assert shown in office.browser.get("/clips/spare").text
        with office.database.session() as session:
            assert backup_of(session, COMMUNE) == chosen
    assert office.post("/clips/nothing/backup") == 404
