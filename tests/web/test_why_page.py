"""The page that says why something did (not) sound."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadcast.planning import put_on_air
from broadcast.play_reports import take_report
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.broadcasts import BroadcastClass, Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 22, 0, tzinfo=UTC))  # five in the morning of the 24th
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    with database.writing() as session:
        add_clip(session, "ban-tin", 60, now=clock.now())
    return made


def aired(office: Office) -> tuple[str, str]:
    """A broadcast that the first receiver could not play; gives its id and the receiver's."""
    now = office.clock.now()
    with office.database.writing() as session:
        told = put_on_air(
            session, COMMUNE, targets=ALL, class_=BroadcastClass.NORMAL, now=now, by="lan", clip_id="ban-tin"
        )
        receiver_id = "loa-0"
        report = PlayReport(
            to=CONTROLLER,
            revision=1,
            issued_at_us=1,
            expires_at_us=2,
            report="r1",
            receiver=receiver_id,
            broadcast=told.id,
            manifest_revision=1,
            outcome=Outcome.MISSED,
            cause="no_audio",
        )
        take_report(session, receiver_id, report)
        return told.id, receiver_id


def test_it_says_in_a_sentence_why_nothing_sounded(office: Office) -> None:
    broadcast_id, receiver_id = aired(office)
    office.clock.set(office.clock.now() + timedelta(minutes=5))
    shown = office.browser.get(f"/why?receiver={receiver_id}&at=2026-11-24T05:00").text
    assert "Đã không phát</strong>: âm thanh chưa về kịp" in shown
    assert f'href="/play-log/{broadcast_id}"' in shown


def test_the_play_log_leads_to_it_for_each_that_did_not_play(office: Office) -> None:
    broadcast_id, receiver_id = aired(office)
    shown = office.browser.get(f"/play-log/{broadcast_id}").text
    assert f"/why?receiver={receiver_id}&amp;at=2026-11-24T05:00" in shown
    assert "/why?receiver=" in office.browser.get(f"/receivers/{receiver_id}").text


def test_the_play_log_names_a_cut_only_where_it_was_and_volume_zero_as_not_heard(office: Office) -> None:
    with office.database.writing() as session:
        told = put_on_air(
            session, COMMUNE, targets=ALL, class_=BroadcastClass.NORMAL, now=office.clock.now(), clip_id="ban-tin"
        )
        put_on_air(
            session,
            COMMUNE,
            targets=Targets(receivers=["loa-0"]),
            class_=BroadcastClass.EMERGENCY,
            now=office.clock.now() + timedelta(seconds=20),
            clip_id="ban-tin",
        )
        for receiver_id, outcome, cause in (
            ("loa-0", Outcome.PARTLY, "cut"),
            ("loa-1", Outcome.PARTLY, "late"),
            ("loa-2", Outcome.PLAYED, "volume_zero"),
        ):
            take_report(
                session,
                receiver_id,
                PlayReport(
                    to=CONTROLLER,
                    revision=1,
                    issued_at_us=1,
                    expires_at_us=2,
                    report=receiver_id,
                    receiver=receiver_id,
                    broadcast=told.id,
                    manifest_revision=1,
                    outcome=outcome,
                    cause=cause,
                ),
            )
    shown = office.browser.get(f"/play-log/{told.id}").text
    rows = {k: shown.split(f'href="/receivers/loa-{k}"')[1].split("</tr>")[0] for k in range(3)}
    assert "Nhường cho «Ban-Tin»\n05:00:28–05:01:08" in rows[0]
    assert "05:00:28" not in rows[1]
    assert "âm lượng ở mức không" in rows[2]
    assert "state ready" not in rows[2]
    assert "Nghe được tại 2/3 cụm loa" in shown


def test_without_a_question_the_page_asks_one_and_an_empty_answer_says_so(office: Office) -> None:
    assert "Hãy chọn cụm loa và thời điểm" in office.browser.get("/why").text
    receiver_id = "loa-0"
    shown = office.browser.get(f"/why?receiver={receiver_id}&at=2026-11-20T05:00").text
    assert "không có lịch phát nào" in shown


def test_day_and_time_are_typed_as_people_write_them(office: Office) -> None:
    shown = office.browser.get("/why", params={"receiver": "loa-0", "day": "20/11/2026", "time": "17h30"}).text
    assert 'value="20/11/2026"' in shown
    assert 'value="17:30"' in shown
    refused = office.browser.get("/why", params={"receiver": "loa-0", "day": "32/11/2026", "time": "17h30"})
    assert (refused.status_code, "“32/11/2026”" in refused.text) == (422, True)


def test_a_time_that_is_none_and_a_receiver_of_others_are_refused(office: Office) -> None:
    receiver_id = "loa-0"
    for none in ("yesterday", "0001-01-01T00:00", "9999-12-31T23:59"):
        answer = office.browser.get(f"/why?receiver={receiver_id}&at={none}")
        assert answer.status_code == 422
        assert "Hãy chọn ngày và giờ" in answer.text
    assert office.browser.get("/why?receiver=no-such&at=2026-11-24T05:00").status_code == 404
