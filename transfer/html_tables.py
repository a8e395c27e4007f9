"""Tables of web pages, which old systems export under the name .xls: the home of Beautiful Soup."""

from pathlib import Path

from bs4 import BeautifulSoup, Tag

from runtime.refusal import N_, Refusal
from runtime.sandbox import too_costly
from transfer.sheets import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, Sheet, too_many_columns
from transfer.texts import Encoding, decode, detect
from transfer.workbooks import Workbook

#: A page with a thousand rows is far smaller.
_MOST_BYTES = 5_000_000
#: The parser makes an object of each; a full table has half as many.
_MOST_TAGS = 400_000
#: The line breaks of the page's text are blanks in a browser; these are none.
_LINE_BREAK = "\N{LINE SEPARATOR}"


class WebPage(Workbook):
    """The tables of a page that hold no other table; those are there for the layout. The one with most cells first."""

    def __init__(self, path: Path, encoding: Encoding | None) -> None:
        content = path.read_bytes()
        if len(content) > _MOST_BYTES or content.count(b"<") > _MOST_TAGS:
            raise too_costly()
        self._encoding = encoding or detect(content)
        page = BeautifulSoup(decode(content, self._encoding), "html.parser")
        tables = [table for table in page.find_all("table") if table.find("table") is None]
        self._tables = sorted(tables, key=lambda table: -len(table.find_all(("td", "th"))))
        if not self._tables:
            raise Refusal(N_("This web page holds no table. Open it in Excel, save it as .xlsx, and choose that one."))
        self.names = [_name(table, k) for k, table in enumerate(self._tables, start=1)]

    def read(self, number: int) -> Sheet:
        sheet, covered, merged, count = Sheet([], self._encoding), set[tuple[int, int]](), [], 0
        for line, row in enumerate(self._tables[number].find_all("tr"), start=1):
            cells: list[str] = []
            for cell in row.find_all(("td", "th"), recursive=False):
                _step_over(cells, line, covered)
                column = len(cells) + 1
                width, height = _span(cell, "colspan", MOST_COLUMNS), _span(cell, "rowspan", MOST_ROWS)
                cells += [_text(cell), *[""] * (width - 1)]
                count += width * height
                if count > MOST_CELLS:
                    raise too_costly()
                if column > MOST_COLUMNS:
                    raise too_many_columns(line)
                if width > 1 or height > 1:
                    merged.append((column, line, column + width - 1, line + height - 1))
                covered |= {
                    (below, at) for below in range(line + 1, line + height) for at in range(column, len(cells) + 1)
                }
            _step_over(cells, line, covered)
            sheet.keep(line, cells)
        sheet.spread(merged)
        return sheet

    def close(self) -> None:
        """Nothing is open: the page was read whole."""


def _step_over(cells: list[str], line: int, covered: set[tuple[int, int]]) -> None:
    """Past the places that a cell from above takes."""
    while (line, len(cells) + 1) in covered:
        cells.append("")


def _name(table: Tag, number: int) -> str:
    caption = table.find("caption")
    return (_text(caption) if isinstance(caption, Tag) else "")[:60] or str(number)


def _text(cell: Tag) -> str:
    for line_break in cell.find_all("br"):
        line_break.replace_with(_LINE_BREAK)
    lines = (" ".join(line.split()) for line in cell.get_text().split(_LINE_BREAK))
    return "\n".join(lines).strip()


def _span(cell: Tag, name: str, most: int) -> int:
    number = str(cell.get(name, "1")).strip()
    return min(max(int(number), 1), most) if number.isdecimal() and len(number) < 6 else 1
