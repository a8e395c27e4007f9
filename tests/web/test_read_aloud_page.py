"""The page that reads a text aloud: what is shown, corrected, listened to, taken from a file and made a recording."""

import io
import wave
from pathlib import Path

import docx
import pytest
from httpx2 import Response
from sqlmodel import select

from broadcast.clips import Clip
from broadcast.ingest_jobs import IngestJob, JobState
from people.audit import AuditEntry, Deed
from runtime.clock import ManualClock
from runtime.database import Database
from speech.pronunciations import corrections
from tests.cast import COMMUNE
from tests.web.office import Office

VOICE = "espeak:vi"


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


def send(office: Office, path: str, *, part: bool = False, **fields: str) -> Response:
    headers = {"HX-Request": "true"} if part else {}
    return office.browser.post(path, data={**fields, "form_token": office.form_token}, headers=headers)


def test_what_will_be_read_stands_beside_what_was_typed_with_marks(office: Office) -> None:
    part = send(office, "/read-aloud/reading", part=True, text="UBND họp\nHọp dân 5/6 <b>x</b>\u202e", voice=VOICE).text
    assert "<html" not in part
    assert "ủy ban nhân dân họp" in part
    assert part.count("<mark>5/6</mark>") == 2
    assert "<mark>mùng năm tháng sáu</mark>" in part
    assert "Luôn đọc là “năm phần sáu”" in part
    assert "Đã bỏ 1 ký tự ẩn" in part
    assert "Đã bỏ 2 thẻ của trang web" in part
    page = send(office, "/read-aloud/reading", text="Họp dân 5/6", title="Mời họp").text
    assert "Họp dân 5/6</textarea>" in page
    assert 'value="Mời họp"' in page


def test_a_corrected_reading_is_shown_at_once_remembered_and_removed(office: Office) -> None:
    part = send(office, "/read-aloud/correct", part=True, text="Họp dân 5/6", choice="5/6 → năm phần sáu").text
    assert "Họp dân năm phần sáu" in part
    with office.database.session() as session:
        assert corrections(session, COMMUNE) == {"5/6": "năm phần sáu"}
        assert session.exec(select(AuditEntry)).one().action == Deed.READING_CORRECTED
    refused = send(office, "/read-aloud/correct", part=True, text="a", piece="TT", spoken="12")
    assert "bằng chữ" in refused.text
    assert send(office, "/read-aloud/corrections/1/forget").status_code == 303
    with office.database.session() as session:
        assert corrections(session, COMMUNE) == {}
    assert send(office, "/read-aloud/corrections/1/forget").status_code == 404


def test_a_line_is_listened_to(office: Office) -> None:
    answer = send(office, "/read-aloud/preview", text="Xin chào.", part_="", voice=VOICE)
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.getnframes() > file.getframerate() // 3
    too_long = office.browser.post(
        "/read-aloud/preview",
        data={"part": "a" * 501, "voice": VOICE, "form_token": office.form_token},
        headers={"Accept": "application/json"},
    )
    assert (too_long.status_code, "500 ký tự" in too_long.json()["error"]) == (422, True)


def test_a_text_is_queued_shown_stopped_and_found_in_the_audit(office: Office) -> None:
    order = {"title": "Mời họp", "text": "Mời bà con.", "voice": VOICE, "speed": "125"}
    assert send(office, "/read-aloud", **order).headers["location"] == "/clips"
    page = office.browser.get("/clips").text
    assert "Đang đọc" in page
    with office.database.session() as session:
        job = session.exec(select(IngestJob)).one()
        assert (job.state, job.title) == (JobState.SPEAKING, "Mời họp")
        assert [entry.action for entry in session.exec(select(AuditEntry))] == [Deed.TEXT_SPOKEN]
    assert send(office, f"/read-aloud/{job.id}/stop").status_code == 303
    office.deps.speech.step()
    assert "Đã dừng đọc văn bản này." in office.browser.get("/clips").text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": "", "text": "a"}, "cần có tên"),
        ({"title": "a", "text": " ?! "}, "không có gì để đọc"),
        ({"title": "a", "text": "a" * 100_001}, "100001"),
        ({"title": "a", "text": "a", "voice": "piper:none"}, "không còn trên máy"),
        ({"title": "a", "text": "a", "speed": "999"}, "Tốc độ"),
        ({"title": "a", "text": "a", "sentence_pause": "99999"}, "Khoảng nghỉ"),
    ],
)
def test_what_cannot_be_spoken_is_refused_and_begins_nothing(
    office: Office, fields: dict[str, str], sentence: str
) -> None:
    answer = send(office, "/read-aloud", **{"voice": VOICE, **fields})
    assert answer.status_code == 422
    assert sentence in answer.text
    with office.database.session() as session:
        assert session.exec(select(IngestJob)).all() == []


def test_the_text_of_a_recording_is_changed_and_read_again(office: Office) -> None:
    send(office, "/read-aloud", title="Mời họp", text="Mời bà con họp thôn.", voice="espeak:vi-vn-x-south")
    office.deps.speech.step()
    with office.database.session() as session:
        job_id = session.exec(select(IngestJob.id)).one()
    office.deps.ingest.work_one(job_id)
    with office.database.session() as session:
        clip = session.exec(select(Clip)).one()
    assert "Mời bà con họp thôn." in office.browser.get(f"/clips/{clip.id}").text
    assert clip.id in office.browser.get("/clips?q=ba+con+hop").text
    again = office.browser.get(f"/read-aloud?clip={clip.id}").text
    assert "Mời bà con họp thôn.</textarea>" in again
    assert f'name="replaces" value="{clip.id}"' in again
    assert '<option value="espeak:vi-vn-x-south" selected>' in again


def document() -> bytes:
    made, file = docx.Document(), io.BytesIO()
    made.add_paragraph("UBND xã thông báo")
    made.add_paragraph("Mang theo CCCD", style="List Bullet")
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Thôn 1", "7h30"
    made.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("thong-bao.docx", document(), "UBND xã thông báo\n- Mang theo CCCD\nThôn 1, 7h30"),
        ("a.txt", "Kính mời".encode("utf-16"), "Kính mời"),
        ("a.txt", b"K\xedn\xec m\xb6\xee", None),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Word đời cũ"),
        ("a.docx", b"PK\x03\x04" + bytes(600), None),
        ("a.zip", b"", "không có chữ nào"),
    ],
)
def test_a_file_is_read_into_the_field_or_refused(office: Office, name: str, content: bytes, shown: str | None) -> None:
    answer = office.browser.post(
        "/read-aloud/file", data={"form_token": office.form_token}, files={"file": (name, content)}
    )
    assert answer.status_code in (200, 422)
    if shown is not None:
        assert shown in answer.text
