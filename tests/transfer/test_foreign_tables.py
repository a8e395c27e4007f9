"""Tables of any office: every program's format is read, or the true reason is said with what to do."""

import io
import zipfile
from datetime import date, time
from pathlib import Path

import pytest
import xlwt

from runtime.refusal import Refusal
from tests.transfer.table_files import changed, ods, ods_table, packed, strict_xlsx, xlsb, xlsx
from transfer.sheet_reading import read_sheet
from transfer.sheets import MOST_COLUMNS, Sheet
from transfer.texts import Encoding

ROWS = [["Tên cụm loa", "IMEI"], ["Cụm 1", 867500001], ["Cụm 2", 867500002], ["Cụm 3", 867500003]]
PAGE = (
    "<table><tr><td colspan=2>DANH SÁCH</td></tr></table><table border=1><tr><th>Tên cụm loa</th><th>Thôn</th>"
    "<th>IMEI</th></tr><tr><td>Cụm\n 1</td><td rowspan=2>Thôn 1<br>Thôn 2</td><td>867500001</td></tr>"
    "<tr><td>Cụm&nbsp;2</td><td>867500002</td></tr></table>"
)


def read(folder: Path, content: bytes, number: int | None = None) -> Sheet:
    path = folder / "bang"
    path.write_bytes(content)
    return read_sheet(path, "bảng.xls", number=number)


def values(sheet: Sheet) -> list[list[object]]:
    return [[str(c) if isinstance(c, Refusal) else c for c in row.cells] for row in sheet.rows]


# F1


@pytest.mark.parametrize("size", ["A1:G2", "A1", "XFD1048576"])
def test_the_size_that_a_sheet_says_it_has_is_not_believed(tmp_path: Path, size: str) -> None:
    content = changed(
        xlsx(ROWS), ("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'ref="A1:B4"', f'ref="{size}"'.encode()))
    )
    assert size.encode() in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert values(read(tmp_path, content)) == ROWS


# F20: what an office has is read


@pytest.mark.parametrize(
    "content",
    [strict_xlsx(ROWS), xlsb(ROWS), ods(ods_table("Bảng", ROWS)), xlsx(ROWS)],
    ids=["strict", "xlsb", "ods", "xlsx"],
)
def test_every_kind_of_workbook_is_read(tmp_path: Path, content: bytes) -> None:
    assert values(read(tmp_path, content)) == ROWS


def test_opendocument_says_its_errors_its_formulas_without_a_value_and_its_merged_cells(tmp_path: Path) -> None:
    error = (
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
        'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )
    rows = [
        ["Đài", "Tên", "Giờ", "Ngày"],
        [
            '<table:table-cell office:value-type="string" table:number-rows-spanned="2"><text:p>FM</text:p>'
            "</table:table-cell>",
            "Cụm 1",
            '<table:table-cell office:value-type="time" office:time-value="PT05H30M00S"/>',
            '<table:table-cell office:value-type="date" office:date-value="2026-11-25"/>',
        ],
        ["<table:covered-table-cell/>", error, '<table:table-cell table:formula="of:=1+1"/>', "x"],
    ]
    [_, first, second] = values(read(tmp_path, ods(ods_table("Bảng", rows))))
    assert first == ["FM", "Cụm 1", time(5, 30), date(2026, 11, 25)]
    assert second == [
        "FM",
        "B3 shows the error #DIV/0!. Correct it in Excel.",
        "C3 holds a formula without its value. Open the file in Excel and save it again.",
        "x",
    ]


def test_a_binary_workbook_says_its_errors_and_its_merged_cells(tmp_path: Path) -> None:
    rows = [["Đài", "Tên"], ["FM", "Cụm 1"], [None, b"\x07"]]
    assert values(read(tmp_path, xlsb(rows, [(1, 2, 0, 0)]))) == [
        ["Đài", "Tên"],
        ["FM", "Cụm 1"],
        ["FM", "B3 shows the error #DIV/0!. Correct it in Excel."],
    ]


def test_a_strict_workbook_says_its_formulas_without_a_value(tmp_path: Path) -> None:
    [_, row] = values(read(tmp_path, strict_xlsx([["Tên", "Số"], ["Cụm 1", "=1+1"]])))
    assert row == ["Cụm 1", "B2 holds a formula without its value. Open the file in Excel and save it again."]


@pytest.mark.parametrize(
    "content",
    [
        PAGE.encode(),
        b"\xef\xbb\xbf" + PAGE.encode(),
        b'<meta http-equiv="Content-Type" content="text/html; charset=utf-8">' + PAGE.encode(),
        b"\xef\xbb\xbf\r\n<!-- a --><style>td {}</style>" + PAGE.encode(),
        f'<?xml version="1.0"?><html xmlns:x="urn:schemas-microsoft-com:office:excel"><body>{PAGE}'.encode(),
        f"<html><body><table><tr><td>{PAGE}</td></tr></table>".encode("utf-16"),
    ],
    ids=["bare", "BOM", "meta", "BOM and comment", "XHTML", "UTF-16 in a layout"],
)
def test_a_web_page_called_xls_is_read(tmp_path: Path, content: bytes) -> None:
    sheet = read(tmp_path, content)
    assert values(sheet) == [
        ["Tên cụm loa", "Thôn", "IMEI"],
        ["Cụm 1", "Thôn 1\nThôn 2", "867500001"],
        ["Cụm 2", "Thôn 1\nThôn 2", "867500002"],
    ]
    assert len(sheet.names) == 2


def xls(*sheets: list[list[object]]) -> bytes:
    book, made = xlwt.Workbook(), io.BytesIO()
    for number, rows in enumerate(sheets, start=1):
        sheet = book.add_sheet(f"Trang {number}")
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(line, column, cell)
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        xlsx([["Hướng dẫn"]], ROWS, [["Tên"], ["Cụm 9"]]),
        xls([["Hướng dẫn"]], ROWS, [["Tên"], ["Cụm 9"]]),
        ods(
            ods_table("Trang 1", [["Hướng dẫn"]]),
            ods_table("Trang 2", ROWS),
            ods_table("Trang 3", [["Tên"], ["Cụm 9"]]),
        ),
    ],
    ids=["xlsx", "xls", "ods"],
)
def test_the_first_sheet_with_rows_is_read_and_another_can_be_chosen(tmp_path: Path, content: bytes) -> None:
    sheet = read(tmp_path, content)
    assert (values(sheet), sheet.number, sheet.names) == (ROWS, 1, ["Trang 1", "Trang 2", "Trang 3"])
    assert values(read(tmp_path, content, 2)) == [["Tên"], ["Cụm 9"]]
    assert values(read(tmp_path, content, 0)) == [["Hướng dẫn"]]


# F20: what is no table is called by its name


def compound(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + stream.encode("utf-16-le") + b"\0" * 600


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed({"Index/Document.iwa": "x", "preview.jpg": "x"}), "Apple Numbers"),
        (packed({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), "text document (Word"),
        (packed({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}), "text document"),
        (packed({"[Content_Types].xml": "<x/>", "ppt/presentation.xml": "<x/>"}), "PowerPoint"),
        (compound("WordDocument"), "text document (Word"),
        (compound("EncryptedPackage"), "locked by a password"),
        (b"Rar!\x1a\x07\x01\x00" + b"x" * 99, "packed (RAR)"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "packed (7z)"),
        (b"\x1f\x8b\x08" + b"x" * 99, "packed (gzip)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "picture"),
        (b"BM\x36\0\x0c\0\0\0\0\0", "is no table"),
        (b"ID3\x04\0\0\0\0\0\0" + b"\0" * 99, "recording"),
        (b"\xff\xfb\x90\x64" + b"\0" * 99, "recording"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "recording"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0", "recording"),
        (
            b"From: <Saved by Microsoft Internet>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; x",
            "web archive",
        ),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n", "web archive"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>',
            "Excel 2003",
        ),
        (b"{\\rtf1\\ansi", "text document"),
        (b"BEGIN:VCALENDAR\r\n", "calendar file"),
        (ods(manifest="<encryption-data/>"), "locked by a password"),
        (bytes(range(256)) * 8, "is no table"),
    ],
)
def test_what_is_no_table_is_refused_for_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(tmp_path, content)
    assert reason in str(refused.value)


@pytest.mark.parametrize("content", [xlsx(ROWS), strict_xlsx(ROWS), xlsb(ROWS), ods(ods_table("x", ROWS)), xls(ROWS)])
def test_a_damaged_workbook_is_refused_without_the_words_of_a_library(tmp_path: Path, content: bytes) -> None:
    for length in (len(content) // 3, len(content) - 30):
        with pytest.raises(Refusal) as refused:
            read(tmp_path, content[:length])
        assert refused.value.values == {}
        assert str(refused.value) == "This file is damaged. Open it in Excel and save it again as .xlsx."


def test_a_line_that_cannot_be_read_is_named_without_the_words_of_a_library(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refused:
        read(tmp_path, b'Ten;IMEI\nCum 1;"' + b"x" * 200_000)
    assert refused.value.values == {"line": 2}


# F10


def test_a_cell_at_the_far_corner_of_an_old_sheet_costs_nothing(tmp_path: Path) -> None:
    book, made = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("x")
    for line, row in enumerate(ROWS):
        for column, cell in enumerate(row):
            sheet.write(line, column, cell)
    sheet.write(65535, 255, "x")
    book.save(made)
    assert values(read(tmp_path, made.getvalue())) == ROWS


def test_a_sheet_formatted_to_its_last_row_is_read_to_its_last_value(tmp_path: Path) -> None:
    end = b'<row r="1048576" s="1"><c r="A1048576" s="0"/></row></sheetData>'
    content = changed(xlsx(ROWS), ("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</sheetData>", end)))
    assert values(read(tmp_path, content)) == ROWS
    empty = (
        '<table:table-cell/></table:table-row><table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/>'
    )
    assert values(read(tmp_path, ods(ods_table("x", [*ROWS, [empty]])))) == ROWS


@pytest.mark.parametrize("column", [MOST_COLUMNS + 1, 16384])
def test_a_value_beyond_the_last_column_is_named_and_not_lost(tmp_path: Path, column: int) -> None:
    rows = [ROWS[0], [*ROWS[1], *[None] * (column - 3), "x"]]
    for content in (xlsx(rows), strict_xlsx(rows), ods(ods_table("x", rows))):
        with pytest.raises(Refusal, match="Line 2 has more than 100 columns"):
            read(tmp_path, content)


# F15


@pytest.mark.parametrize("sign", ["×", "£", "©", "±", "µ", "«", "®"])
@pytest.mark.parametrize("text", ["Loa 3m{}2m", "Cum {}1", "Loa{}50W", "{} 2026", "a{}b"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_one_sign_in_a_sheet_without_diacritics_is_no_old_font(
    tmp_path: Path, sign: str, text: str, encoding: str
) -> None:
    rows = f"Ten;Dia chi\nCum 1;{text.format(sign)}\nCum 2;Thon 2\n"
    sheet = read(tmp_path, rows.encode(encoding))
    assert values(sheet)[1] == ["Cum 1", text.format(sign)]


def test_several_signs_in_a_sheet_without_diacritics_are_no_old_font(tmp_path: Path) -> None:
    text = "3m×2m £5 © 2026 25°C ±1 2µm « a »"
    assert values(read(tmp_path, xlsx([["Ten"], [text]])))[1] == [text]


def test_one_village_typed_for_an_old_font_is_evidence(tmp_path: Path) -> None:
    sheet = read(tmp_path, "Ten;Dia chi\nCum 1;Th«n 1\n".encode())
    assert (values(sheet)[1], sheet.encoding) == (["Cum 1", "Thôn 1"], Encoding.TCVN3)


def test_characters_that_no_screen_shows_are_cleaned(tmp_path: Path) -> None:
    rows = "Tên;Nơi\nCụm\0 1\x1b;\u202eNhà\u200b\ufeff \u00advăn hóa\u202c\n".encode()
    assert values(read(tmp_path, rows))[1] == ["Cụm 1", "Nhà văn hóa"]


def test_what_excel_escapes_is_the_character(tmp_path: Path) -> None:
    content = changed(
        xlsx([["Tên"], ["Cum DAU 1"]]),
        ("xl/*", lambda xml: xml.replace(b"Cum DAU 1", b"Cum_x000D_\n1 _x005F_x0041_")),
    )
    assert values(read(tmp_path, content))[1] == ["Cum\n1 _x0041_"]
