"""Tables are read as people see them; what cannot be read is a sentence that names the cell."""

import io
import zipfile
from contextlib import suppress
from datetime import datetime, time
from pathlib import Path

import openpyxl
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.refusal import Refusal
from tests.transfer.test_texts import AS_TCVN3, AS_VNI, MOTTO
from transfer.sheet_reading import read_sheet
from transfer.sheets import MOST_ROWS
from transfer.texts import Encoding


def kept(tmp_path: Path, content: bytes, name: str = "bang") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def excel(tmp_path: Path, rows: list[list[object]], *merged: str) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for ref in merged:
        book.active.merge_cells(ref)
    book.save(tmp_path / "bang.xlsx")
    return tmp_path / "bang.xlsx"


def test_csv_with_semicolons_quotes_and_lines_in_cells(tmp_path: Path) -> None:
    sheet = read_sheet(
        kept(tmp_path, 'Tên;Địa chỉ\n"Cụm 1; cũ";"Nhà văn hóa\nthôn 1"\n\nCụm 2;UBND\n'.encode()), "a.csv"
    )
    assert [row.cells for row in sheet.rows] == [
        ["Tên", "Địa chỉ"],
        ["Cụm 1; cũ", "Nhà văn hóa\nthôn 1"],
        ["Cụm 2", "UBND"],
    ]
    assert (sheet.delimiter, sheet.encoding) == (";", Encoding.UTF_8)
    assert [row.line for row in sheet.rows] == [1, 3, 5]


@pytest.mark.parametrize(("text", "encoding"), [(AS_VNI, Encoding.VNI), (AS_TCVN3, Encoding.TCVN3)])
def test_a_spreadsheet_typed_for_an_old_font_is_read_and_can_be_chosen(
    tmp_path: Path, text: str, encoding: Encoding
) -> None:
    path = excel(tmp_path, [["Ten", "Dia chi"], [text, 3]])
    sheet = read_sheet(path, "a.xlsx")
    assert sheet.rows[1].cells == [MOTTO, 3]
    assert sheet.encoding is encoding
    assert read_sheet(path, "a.xlsx", Encoding.UTF_8).rows[1].cells == [text, 3]


def test_dates_times_and_numbers_keep_their_kind(tmp_path: Path) -> None:
    row = [datetime(2026, 11, 25), time(5, 30), 0.8, 80, True, None, "x"]  # noqa: DTZ001 - a cell has no zone
    assert read_sheet(excel(tmp_path, [row]), "a.xlsx").rows[0].cells == row


def test_cells_merged_downwards_are_all_meant_and_a_merged_title_is_not_spread(tmp_path: Path) -> None:
    rows = [
        ["DANH SÁCH CỤM LOA"],
        ["Đài", "Tên"],
        ["FM Hậu Hiền", "Cụm 1"],
        [None, "Cụm 2"],
        [None, "Cụm 3"],
        ["IP", "Cụm 4"],
    ]
    sheet = read_sheet(excel(tmp_path, rows, "A1:B1", "A3:A5"), "a.xlsx")
    assert [row.cells[0] for row in sheet.rows] == ["DANH SÁCH CỤM LOA", "Đài", *["FM Hậu Hiền"] * 3, "IP"]
    assert sheet.rows[0].cells == ["DANH SÁCH CỤM LOA"]
    assert sheet.merged == ["A1:B1", "A3:A5"]


def test_a_formula_without_its_value_names_its_cell_and_the_others_are_read(tmp_path: Path) -> None:
    sheet = read_sheet(excel(tmp_path, [["Tên", "Số"], ["Cụm 1", "=1+1"]]), "a.xlsx")
    refusal = sheet.rows[1].cells[1]
    assert isinstance(refusal, Refusal)
    assert "B2 holds a formula" in str(refusal)
    assert sheet.rows[1].cells[0] == "Cụm 1"


def test_a_formula_with_its_value_is_its_value(tmp_path: Path) -> None:
    path = excel(tmp_path, [["Tên", "Số"], ["Cụm 1", "=1+1"]])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"<v></v>" in sheet or b"<v />" in sheet or b"<v/>" in sheet
    for empty in (b"<v></v>", b"<v />", b"<v/>"):
        sheet = sheet.replace(empty, b"<v>2</v>")
    parts["xl/worksheets/sheet1.xml"] = sheet
    with zipfile.ZipFile(path, "w") as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    assert read_sheet(path, "a.xlsx").rows[1].cells == ["Cụm 1", 2]


def test_an_old_xls_is_read_with_its_dates_and_merged_cells(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    sheet.write_merge(0, 0, 0, 2, "DANH SÁCH")
    for column, heading in enumerate(("Đài", "Tên", "Giờ", "Ngày", "Số")):
        sheet.write(1, column, heading)
    sheet.write_merge(2, 3, 0, 0, "FM Hậu Hiền")
    hours, days = xlwt.easyxf(num_format_str="hh:mm"), xlwt.easyxf(num_format_str="dd/mm/yyyy")
    for line, name in ((2, "Cụm 1"), (3, "Cụm 2")):
        sheet.write(line, 1, name)
        sheet.write(line, 2, time(5, 30), hours)
        sheet.write(line, 3, datetime(2026, 11, 25), days)  # noqa: DTZ001
        sheet.write(line, 4, 7)
    sheet.write(4, 1, AS_VNI)
    sheet.write(4, 4, xlwt.Formula("1/0"))
    book.save(tmp_path / "a.xls")
    read = read_sheet(tmp_path / "a.xls", "a.xls", Encoding.UTF_8)
    assert read.rows[2].cells == ["FM Hậu Hiền", "Cụm 1", time(5, 30), datetime(2026, 11, 25), 7]  # noqa: DTZ001
    assert read.rows[3].cells[0] == "FM Hậu Hiền"
    assert read_sheet(tmp_path / "a.xls", "a.xls").rows[4].cells[1] in (MOTTO, AS_VNI)
    whole = (tmp_path / "a.xls").read_bytes()
    for length in (100, 600, len(whole) // 2):
        with pytest.raises(Refusal, match="damaged"):
            read_sheet(kept(tmp_path, whole[:length]), "a.xls")


def a_million_rows(path: Path) -> None:
    """As a program that never stops would write it: half a gigabyte unpacked, two megabytes on disk."""
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet().append(["Tên"])
    book.save(path)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    head, _, tail = parts["xl/worksheets/sheet1.xml"].partition(b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, part in parts.items():
            if name != "xl/worksheets/sheet1.xml":
                packed.writestr(name, part)
        with packed.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(head)
            for k in range(2, 1_000_002, 1000):
                sheet.write(
                    b"".join(
                        b'<row r="%d"><c r="A%d" t="n"><v>%d</v></c></row>' % (n, n, n) for n in range(k, k + 1000)
                    )
                )
            sheet.write(b"</sheetData>" + tail)


def test_a_million_rows_are_refused_before_they_are_read(tmp_path: Path) -> None:
    a_million_rows(tmp_path / "a.xlsx")
    with pytest.raises(Refusal, match=f"More than {MOST_ROWS} rows"):
        read_sheet(tmp_path / "a.xlsx", "a.xlsx")
    lines = kept(tmp_path, b"Ten,So\n" + b"Cum,1\n" * 1_000_000)
    with pytest.raises(Refusal, match=f"More than {MOST_ROWS} rows"):
        read_sheet(lines, "a.csv")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"<html><p>x", "web page holds no table"),
        (b"%PDF-1.7", "This is a PDF"),
        (b"PK\x03\x04 not really", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "damaged"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, content: bytes, match: str) -> None:
    with pytest.raises(Refusal, match=match):
        read_sheet(kept(tmp_path, content), "a.xls")


def test_a_zip_of_recordings_is_sent_where_it_belongs(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.mp3", b"x")
    with pytest.raises(Refusal, match="Recordings in a zip"):
        read_sheet(kept(tmp_path, packed.getvalue()), "a.zip")


def test_an_excel_file_cut_short_is_refused(tmp_path: Path) -> None:
    whole = excel(tmp_path, [["Tên"], ["Cụm 1"]]).read_bytes()
    for length in (10, 200, len(whole) // 2, len(whole) - 5):
        with pytest.raises(Refusal, match="damaged"):
            read_sheet(kept(tmp_path, whole[:length]), "a.xlsx")


@given(
    magic=st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]), content=st.binary(max_size=1200)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_table_or_a_sentence(tmp_path: Path, magic: bytes, content: bytes) -> None:
    with suppress(Refusal):
        read_sheet(kept(tmp_path, magic + content), "a.xls")
