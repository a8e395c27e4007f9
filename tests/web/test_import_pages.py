"""The import on the page: looked at first, then taken; credentials are fetched once; who may."""

import html
import io
import json
import re
import wave
import zipfile
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlmodel import select

from broadcast.clips import Clip
from broadcast.ingest_jobs import IngestJob
from broadcast.programmes import Item, ItemKind, add_programme
from devices.receivers import receivers
from people.audit import AuditEntry, Deed
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.transfer.table_files import packed, xlsx
from tests.web.office import Office
from tests.web.test_rights_of_pages import Guest
from transfer.cell_values import role
from transfer.columns import COLUMNS, ImportKind, guess

TABLE = "Tên cụm loa;IMEI;Thôn;Loại\nCụm chợ;8675;Thôn 2;có dây\nCụm đình;8676;Thôn 3;FM\n"


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


def upload(office: Office, kind: str, content: bytes, name: str = "cum-loa.csv") -> str:
    """Send a file; gives the page that it leads to."""
    answer = office.browser.post(
        f"/import/{kind}", data={"form_token": office.form_token}, files={"file": (name, content)}
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_table_is_looked_at_then_taken_and_its_credentials_are_fetched_once(office: Office) -> None:
    assert "/import" in office.browser.get("/receivers").text
    assert office.browser.get("/import").status_code == 200
    at = upload(office, "receivers", TABLE.encode())
    seen = office.browser.get(at).text
    assert "Cụm chợ · Cụm đình" in seen
    assert 'value="external_id" selected' in seen
    with office.database.session() as session:
        assert receivers(session, COMMUNE) == []
    done = office.browser.post(f"{at}/do", data={"form_token": office.form_token})
    assert done.status_code == 200
    word = re.search(r'name="word" value="([^"]+)"', done.text)
    assert word is not None
    fetch = {"form_token": office.form_token, "word": word[1]}
    credentials = office.browser.post("/import/receivers/credentials", data=fetch)
    with zipfile.ZipFile(io.BytesIO(credentials.content)) as file:
        told = {name: json.loads(file.read(name)) for name in file.namelist()}
    with office.database.session() as session:
        known = {f"{r.id}.json": r.id for r in receivers(session, COMMUNE)}
        deeds = [(entry.action, entry.detail) for entry in session.exec(select(AuditEntry))]
    assert {name: one["receiver"] for name, one in told.items()} == known
    assert [action for action, _ in deeds].count(Deed.RECEIVER_ADDED) == 2
    assert (Deed.IMPORTED, "receivers, cum-loa.csv: new 2, changed 0, same 0, wrong 0") in deeds
    assert office.browser.post("/import/receivers/credentials", data=fetch).status_code == 404
    assert sum(topic.endswith("/config") for topic, *_ in office.broker.log) == 2
    assert "Đã nhập" in office.browser.get("/import").text or "Mới: 2" in office.browser.get("/import").text


def test_wrong_rows_are_shown_with_line_and_column_and_left_out_only_when_asked(office: Office) -> None:
    at = upload(office, "receivers", (TABLE + "Cụm lạ;8677;;loa kéo\n").encode())
    seen = office.browser.get(at).text
    assert "“loa kéo” không phải loại đài" in seen
    assert office.post(f"{at}/do") == 422
    assert office.post(f"{at}/do", good_rows_only="1") == 200
    with office.database.session() as session:
        assert len(receivers(session, COMMUNE)) == 2


def test_columns_and_letters_can_be_chosen(office: Office) -> None:
    at = upload(office, "receivers", "A;B\nCụm chợ;FM\n".encode())
    assert "dấu sao" in office.browser.get(at).text
    sent = {"form_token": office.form_token, "encoding": "utf-8", "default_kind": "", "column": ["name", "kind"]}
    assert office.browser.post(at, data=sent).status_code == 303
    assert "Nhập 1 dòng" in office.browser.get(at).text
    office.browser.post(at, data={**sent, "encoding": "utf-16"})
    assert "không phải bảng mã UTF-16" in office.browser.get(at).text


def test_a_file_that_is_no_table_is_refused_in_a_sentence(office: Office) -> None:
    answer = office.browser.post(
        "/import/schedules", data={"form_token": office.form_token}, files={"file": ("a.pdf", b"%PDF-1.7")}
    )
    assert answer.status_code == 422
    assert "Đây là tệp PDF" in answer.text


def test_the_sheet_is_chosen_on_the_page(office: Office) -> None:
    content = xlsx([["Tên cụm loa", "Loại"], ["Cụm 1", "IP"]], [["Tên cụm loa", "Loại"], ["Cụm 2", "FM"]])
    at = upload(office, "receivers", content, "a.xlsx")
    assert re.search(r'value="0" selected>\s*Trang 1', office.browser.get(at).text)
    sent = {"form_token": office.form_token, "encoding": "utf-8", "default_kind": "", "column": ["name", "kind"]}
    assert office.browser.post(at, data={**sent, "sheet_number": "1", "from_sheet": "0"}).status_code == 303
    seen = office.browser.get(at).text
    assert re.search(r'value="1" selected>\s*Trang 2', seen)
    assert "Cụm 2" in seen
    assert "Cụm 1" not in seen


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"ID3\x04" + b"\0" * 99, "Đây là một bản ghi âm, không phải tệp ZIP"),
        (b"Rar!\x1a\x07\x01\x00" + b"x" * 99, "nén kiểu RAR, Loa không mở được"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "nén kiểu 7z, Loa không mở được"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Đây là ảnh"),
        (packed({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), "Đây là văn bản"),
        (xlsx([["Tên"], ["Cụm 1"]]), "Đây là bảng tính, không phải tệp ZIP"),
        (b"no zip at all", "Đây không phải tệp ZIP"),
    ],
)
def test_what_is_no_zip_of_recordings_is_refused_for_what_it_is(office: Office, content: bytes, reason: str) -> None:
    answer = office.browser.post(
        "/import/recordings", data={"form_token": office.form_token}, files={"file": ("a.zip", content)}
    )
    assert answer.status_code == 422
    assert reason in answer.text


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.TECHNICIAN, {"receivers"}),
        (Role.OPERATOR, {"schedules", "recordings"}),
        (Role.VIEWER, set()),
        (Role.CHAIR, {"receivers", "schedules", "operators", "recordings"}),
    ],
)
def test_each_kind_is_for_whom_it_concerns(office: Office, role: Role, kinds: set[str]) -> None:
    guest = Guest(office, role)
    shown = guest.browser.get("/import").text
    assert {
        k for k in ("receivers", "schedules", "operators", "recordings") if f'action="/import/{k}"' in shown
    } == kinds
    answer = guest.browser.post(
        "/import/operators", data={"form_token": guest.form_token}, files={"file": ("a.csv", b"a;b\nc;d\n")}
    )
    assert answer.status_code == (303 if "operators" in kinds else 403)


def test_passwords_of_new_people_are_shown_once(office: Office) -> None:
    at = upload(office, "operators", "Tên đăng nhập;Vai trò\nhoa;kỹ thuật\n".encode())
    done = office.browser.post(f"{at}/do", data={"form_token": office.form_token}).text
    assert re.search(r"hoa</td><td[^>]*>\w{4}-\w{4}-\w{4}-\w{4}<", done)
    assert "one-time" not in office.browser.get(at).text
    assert not re.search(r"\w{4}-\w{4}-\w{4}-\w{4}<", office.browser.get(at).text)


def tone(seconds: float) -> bytes:
    """A recording."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(
            b"".join(
                (8000 if n % 20 < 10 else -8000).to_bytes(2, "little", signed=True) for n in range(int(8000 * seconds))
            )
        )
    return kept.getvalue()


def test_a_zip_of_recordings_becomes_clips_and_a_second_time_none(office: Office) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("Bản tin/Thời sự sáng.wav", tone(2))
        file.writestr("Bản tin/ghi chú.txt", "không phải âm thanh")
        file.writestr("__MACOSX/._x.wav", b"x")
        file.writestr("Thumbs.db", b"x")
    for _ in range(2):
        answer = office.browser.post(
            "/import/recordings", data={"form_token": office.form_token}, files={"file": ("a.zip", made.getvalue())}
        )
        assert answer.status_code == 200
        with office.database.session() as session:
            waiting = [job.id for job in session.exec(select(IngestJob)) if not job.finished]
        for job_id in waiting:
            office.deps.ingest.work_one(job_id)
    with office.database.session() as session:
        assert [clip.title for clip in session.exec(select(Clip))] == ["Thời sự sáng"]
        states = sorted((job.file_name, job.state, job.same_as_before) for job in session.exec(select(IngestJob)))
    assert states == [
        ("Thời sự sáng.wav", "ready", False),
        ("Thời sự sáng.wav", "ready", True),
        ("ghi chú.txt", "refused", False),
        ("ghi chú.txt", "refused", False),
    ]


def test_a_folder_that_lies_ready_is_taken_and_no_other(office: Office, tmp_path: Path) -> None:
    ready = office.deps.settings.data_dir / "recordings-to-import" / "thang-11"
    ready.mkdir(parents=True)
    (ready / "a.wav").write_bytes(tone(1))
    assert "thang-11" in office.browser.get("/import").text
    assert office.post("/import/recordings", folder="..") == 404
    assert office.post("/import/recordings", folder="thang-11") == 200
    with office.database.session() as session:
        assert [job.file_name for job in session.exec(select(IngestJob))] == ["a.wav"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"no zip at all"])
def test_a_broken_zip_is_refused_in_a_sentence(office: Office, content: bytes) -> None:
    answer = office.browser.post(
        "/import/recordings", data={"form_token": office.form_token}, files={"file": ("a.zip", content)}
    )
    assert answer.status_code == 422


def send_zip(office: Office, content: bytes) -> str:
    answer = office.browser.post(
        "/import/recordings", data={"form_token": office.form_token}, files={"file": ("a.zip", content)}
    )
    return html.unescape(answer.text)


def nothing_is_left(office: Office) -> bool:
    with office.database.session() as session:
        unfinished = [job for job in session.exec(select(IngestJob)) if not job.finished]
    return not unfinished and list((office.deps.originals.folder / "incoming").iterdir()) == []


def test_a_zip_that_would_fill_the_disk_is_refused_before_it_is_unpacked(office: Office) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for number in range(4):
            file.writestr(f"{number}.wav", bytes(30_000_000))
    assert "Tệp zip này giải nén ra đến 120 MB" in send_zip(office, made.getvalue())
    assert nothing_is_left(office)


def test_a_zip_with_zeroed_bytes_is_refused_entry_by_entry(office: Office) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.wav", bytes(number * number % 251 for number in range(20_000)))
        file.writestr("b.wav", tone(2))
    for at in (200, 35):
        damaged = bytearray(made.getvalue())
        damaged[at : at + 60] = bytes(60)
        text = send_zip(office, bytes(damaged))
        assert "a.wav</strong>: Tệp này bị hỏng trong zip" in text, at
        assert "b.wav</strong>" not in text
        with office.database.session() as session:
            [waiting] = [job for job in session.exec(select(IngestJob)) if not job.finished]
        assert waiting.file_name == "b.wav"
        office.deps.ingest.work_one(waiting.id)
        assert nothing_is_left(office)


def test_a_zip_packed_by_a_method_that_takes_much_memory_is_refused_entry_by_entry(office: Office) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.wav", tone(1))
    assert "a.wav</strong>: Tệp này được nén theo kiểu lạ" in send_zip(office, made.getvalue())
    assert nothing_is_left(office)


def test_a_zip_for_which_the_commune_has_no_room_is_refused_as_a_whole(office: Office) -> None:
    office.deps.ingest.storage_bytes = 50_000
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("a.wav", tone(0.2))
        file.writestr("b.wav", tone(5))
    assert "nên không nhận được bản ghi này" in send_zip(office, made.getvalue())
    assert nothing_is_left(office)
    assert "Đã dùng 0 B trên 50 kB" in office.browser.get("/clips").text


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", list(ImportKind))
def test_a_template_can_be_filled_in_and_imported_as_it_is(office: Office, kind: ImportKind, language: str) -> None:
    with office.database.writing() as session:
        add_clip(session, "ban-tin", 600, now=office.clock.now())
        add_programme(session, COMMUNE, "=Bản tin sáng", [Item(ItemKind.CLIP, "ban-tin")], now=office.clock.now())
    office.browser.cookies.set("language", language)
    assert f"/import/{kind.value}/template.xlsx" in office.browser.get("/import").text
    answer = office.browser.get(f"/import/{kind.value}/template.xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    headings = [str(cell.value) for cell in sheet[1]]
    assert guess(headings, kind) == [column.key for column in COLUMNS[kind]]
    assert [h for h in headings if h.endswith(" *")] == [
        h for h, column in zip(headings, COLUMNS[kind], strict=True) if column.needed
    ]
    assert sheet.data_validations.dataValidation
    at = upload(office, kind.value, answer.content, "mau.xlsx")
    assert office.post(f"{at}/do") == 200


def test_a_template_offers_what_there_is_and_keeps_long_numbers_and_dates(office: Office) -> None:
    receivers_sheet, schedules_sheet, people_sheet = (
        load_workbook(io.BytesIO(office.browser.get(f"/import/{kind.value}/template.xlsx").content))
        for kind in ImportKind
    )
    assert receivers_sheet.worksheets[0]["B2"].number_format == "@"
    assert receivers_sheet.worksheets[0].column_dimensions["B"].number_format == "@"
    assert (schedules_sheet.worksheets[0]["D2"].is_date, schedules_sheet.worksheets[0]["D2"].number_format) == (
        True,
        "dd/mm/yyyy",
    )
    [roles] = people_sheet.worksheets[0].data_validations.dataValidation
    assert (roles.formula1, str(roles.sqref)) == ("_!$B$1:$B$4", "B2:B1000")
    offered = [people_sheet["_"][f"B{line}"].value for line in range(1, 5)]
    assert offered == ["Cán bộ văn hóa", "Kỹ thuật viên", "Trưởng thôn", "Chủ tịch, phó chủ tịch"]
    assert [role(name) for name in offered] == [Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER, Role.CHAIR]
