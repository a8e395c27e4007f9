"""The play log as files and the month on paper, read back by what opens such files."""

import csv
import io
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from re import DOTALL, findall

import pytest
from openpyxl import load_workbook

from broadcast.planning import put_on_air
from broadcast.play_reports import take_report
from broadcast.stopping import withdraw
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from web.printed_reports import monthly_pdf
from web.spreadsheets import csv_file, xlsx_file
from wire.broadcasts import BroadcastClass, Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport

FORMULA = '=HYPERLINK("http://evil","x")'


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 22, 0, tzinfo=UTC))  # five in the morning of the 24th
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    with database.writing() as session:
        add_clip(session, "ban-tin", 90, now=clock.now())
        put_on_air(
            session, COMMUNE, targets=ALL, class_=BroadcastClass.NORMAL, now=clock.now(), by="lan", clip_id="ban-tin"
        )
    clock.set(clock.now() + timedelta(hours=1))
    return made


def test_the_log_comes_as_csv_that_an_office_program_reads(office: Office) -> None:
    answer = office.browser.get("/play-log.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "nhat-ky-phat-thieu-trung-2026-11-24.csv" in answer.headers["content-disposition"]
    header, row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert header[:4] == ["Bắt đầu", "Kết thúc", "Số phút", "Tên"]
    assert row[:4] == ["24/11/2026 05:00:08", "24/11/2026 05:01:38", "1.5", "Ban-Tin"]
    assert row[7:9] == ["0", "3"]


def test_and_as_a_workbook_with_times_that_are_times(office: Office) -> None:
    sheet = load_workbook(io.BytesIO(office.browser.get("/play-log.xlsx").content)).active
    assert sheet is not None
    assert sheet.freeze_panes == "A2"
    header, row = list(sheet.iter_rows(values_only=True))
    assert header[3] == "Tên"
    assert str(row[0]) == "2026-11-24 05:00:08"
    assert isinstance(row[0], datetime)
    assert (sheet["A2"].number_format, sheet["A2"].is_date) == ("dd/mm/yyyy hh:mm:ss", True)
    assert row[2] == 1.5
    # What is counted is a number, and what was not measured is empty.
    assert (row[7], row[8], row[12]) == (0, 3, None)


def test_a_row_has_the_minutes_that_sounded_the_places_by_name_and_the_worst_of_all_receivers(office: Office) -> None:
    now = office.clock.now()
    with office.database.writing() as session:
        told = put_on_air(
            session,
            COMMUNE,
            targets=Targets(zones=["thon-1"], receivers=["loa-2"]),
            class_=BroadcastClass.NORMAL,
            now=now,
            clip_id="ban-tin",
        )
        for k, (played, p99_us) in enumerate([(480, 120), (480, 2400), (0, 9_000_000)]):
            take_report(
                session,
                f"loa-{k}",
                PlayReport(
                    to=CONTROLLER,
                    revision=1,
                    issued_at_us=1,
                    expires_at_us=2,
                    report=f"r{k}",
                    receiver=f"loa-{k}",
                    broadcast=told.id,
                    manifest_revision=1,
                    outcome=Outcome.PARTLY,
                    frames_played=played,
                    error_p99_us=p99_us,
                ),
            )
        later = now + timedelta(minutes=9)
        gone = put_on_air(session, COMMUNE, targets=ALL, class_=BroadcastClass.NORMAL, now=later, clip_id="ban-tin")
        withdraw(session, gone.id, now, cause="by_operator")
    office.clock.set(told.starts_at + timedelta(seconds=30))
    (half, _) = table(office)
    office.clock.set(now + timedelta(hours=1))
    (withdrawn, whole, first) = table(office)
    assert (half["Số phút"], whole["Số phút"], withdrawn["Số phút"]) == ("0.5", "1.5", "0.0")
    assert whole["Ở đâu"] == "Thôn 1, Thôn 2"
    assert (whole["Lệch nhiều nhất (ms)"], first["Lệch nhiều nhất (ms)"]) == ("2.4", "")


def test_the_files_hold_what_is_filtered_and_nothing_more(office: Office) -> None:
    assert office.browser.get("/play-log.csv?class_=emergency").content.count(b"\n") == 1
    assert "Ban-Tin" in office.browser.get("/play-log?field=1&place=thon-1&outcome=lacking").text
    assert "bớt điều kiện lọc" in office.browser.get("/play-log?field=2").text
    assert "/play-log.xlsx?class_=normal" in office.browser.get("/play-log?class_=normal&since=").text


@pytest.mark.parametrize(
    "asked",
    [
        "field=²",
        "field=x",
        "since=0001-01-01",
        "until=9999-12-31",
        "since=never",
        "class_=loud",
        "outcome=x",
        "page=-1",
    ],
)
def test_a_filter_that_is_none_asks_for_nothing(office: Office, asked: str) -> None:
    answer = office.browser.get(f"/play-log?{asked}")
    assert (answer.status_code, "Ban-Tin" in answer.text) == (200, True)
    assert office.browser.get(f"/play-log.csv?{asked}").content.count(b"\n") == 2


def test_days_are_typed_as_people_write_them_and_a_wrong_one_is_named(office: Office) -> None:
    for typed, played in (("24/11/2026", True), ("25/11/2026", False), ("2026-11-24", True)):
        page = office.browser.get("/play-log", params={"since": typed}).text
        assert ("Ban-Tin" in page, "không phải ngày có thật" in page) == (played, False)
        assert f'value="{typed}"' in page
    assert "“31/02/2026”" in office.browser.get("/play-log", params={"until": "31/02/2026"}).text


def test_a_page_beyond_the_end_is_empty(office: Office) -> None:
    answer = office.browser.get(f"/play-log?page={10**18}")
    assert (answer.status_code, "Ban-Tin" in answer.text) == (200, False)


def test_what_looks_like_a_formula_stays_a_text() -> None:
    assert csv_file(["a"], [[FORMULA], ["-1"], ["an toàn"]]).decode("utf-8-sig").splitlines()[1].startswith("\"'=")
    where_semicolons_separate = csv_file(["a"], [["x;=cmd|' /C calc'!A0"], ["x; -1"], ["a; b"]]).decode("utf-8-sig")
    assert where_semicolons_separate.splitlines()[1:] == ["\"x;'=cmd|' /C calc'!A0\"", '"x; \'-1"', '"a; b"']
    sheet = load_workbook(io.BytesIO(xlsx_file("x", ["a"], [[FORMULA], ["bell\x07"]]))).active
    assert sheet is not None
    assert (sheet["A2"].data_type, sheet["A2"].value) == ("s", FORMULA)
    assert sheet["A3"].value == "bell"


def test_the_month_is_a_pdf_with_its_letters_in_it(office: Office) -> None:
    answer = office.browser.get("/play-log.pdf?month=2026-11")
    assert answer.headers["content-type"] == "application/pdf"
    assert b"LiberationSerif" in answer.content
    assert answer.content.startswith(b"%PDF-")
    said = text_of(answer.content)
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "XÃ THIỆU TRUNG",
        "Số: ....../BC-UBND",
        "Thiệu Trung, ngày 24 tháng 11 năm 2026",
        "BÁO CÁO",
        "Hoạt động truyền thanh tháng 11/2026",
        "24/11/2026 05:00",
        "TM. ỦY BAN NHÂN DÂN",
        "(Ký, ghi rõ họ tên)",
        "1,5",
        "Ban-Tin",
        "0/3",
        "Thôn 2",
        "Theo thôn, vùng",
    ):
        assert words in said


def test_the_signatures_stand_below_rows_and_never_alone_on_a_page(office: Office) -> None:
    for n in range(22):
        with office.database.writing() as session:
            put_on_air(
                session, COMMUNE, targets=ALL, class_=BroadcastClass.NORMAL, now=office.clock.now(), clip_id="ban-tin"
            )
        office.clock.advance(timedelta(minutes=5))
        if n < 13:
            continue  # from here on the page ends near the signatures
        pdf = office.browser.get("/play-log.pdf?month=2026-11").content
        signed = next(page for page in streams_of(pdf) if "(Ký, ghi rõ họ tên)" in page)
        assert "Thôn 2" in signed


def test_a_month_that_is_none_is_refused_and_so_is_a_machine_without_letters(office: Office, tmp_path: Path) -> None:
    for wrong in ("", "2026-13", "next", "0001-01", "9999-12"):
        assert office.browser.get(f"/play-log.pdf?month={wrong}").status_code == 422
    with pytest.raises(Refusal, match="fonts-dejavu-core"):
        monthly_pdf(None, None, None, (tmp_path,))  # type: ignore[arg-type]


def table(office: Office) -> list[dict[str, str]]:
    """The rows of the log's CSV."""
    return list(csv.DictReader(io.StringIO(office.browser.get("/play-log.csv").content.decode("utf-8-sig"))))


def text_of(pdf: bytes) -> str:
    return "".join(streams_of(pdf))


def streams_of(pdf: bytes) -> list[str]:
    """What a PDF of fpdf2's says: each shown string through the font's own table of characters (PDF 32000-1, 9.10)."""
    streams = []
    for raw in findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, DOTALL):
        try:
            streams.append(zlib.decompress(raw))
        except zlib.error:
            streams.append(raw)
    tables = []
    for stream in streams:
        if b"beginbfchar" in stream or b"beginbfrange" in stream:
            pairs = findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})>\r?\n", stream)
            tables.append({int(a, 16): chr(int(b, 16)) for a, b in pairs})
    texts = []
    for stream in streams:
        said = ""
        for shown in findall(rb"\(((?:\\.|[^\\()])*)\) ?Tj|\[\((.*?)\)\] TJ", stream, DOTALL):
            raw = (shown[0] or shown[1]).replace(b"\\(", b"(").replace(b"\\)", b")").replace(b"\\r", b"\r")
            raw = raw.replace(b"\\n", b"\n").replace(b"\\\\", b"\\")
            codes = [int.from_bytes(raw[k : k + 2], "big") for k in range(0, len(raw), 2)]
            # Which of its fonts a string is set in stands elsewhere; read in the wrong one it says nothing of ours.
            said += "".join("\n" + "".join(table.get(code, "") for code in codes) for table in tables)
        texts.append(said)
    return texts
