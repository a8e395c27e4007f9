"""Reports on paper: PDF with Vietnamese letters. With `web.typefaces` the only home of fpdf2."""

from datetime import date, datetime
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from broadcast.monthly_report import MonthlyReport
from runtime.refusal import N_
from web.formatting import Wording
from web.labels.broadcasts import CLASSES, FIELDS
from web.labels.causes import cause
from web.typefaces import FONT_FOLDERS, Typeface, installed_typeface

_MOST_LINES = 400
_COUNTRY, _MOTTO = N_("SOCIALIST REPUBLIC OF VIET NAM"), N_("Independence - Freedom - Happiness")
#: The height of the signatures with the list of addressees, and how many rows must stand above them on their page.
_SIGNATURES_MM, _ROWS_KEPT = 62.0, 3


def monthly_pdf(report: MonthlyReport, w: Wording, today: date, folders: tuple[Path, ...] = FONT_FOLDERS) -> bytes:
    """The month on A4 as an administrative paper (Decree 30/2020/NĐ-CP, annex I): a commune's report to its province.

    today: the date on the paper. Raises Refusal when the font is missing.
    """
    page = ReportPage(*installed_typeface(folders))
    t = w.t
    page.letterhead(w, report.commune.name, today)
    page.heading(t("REPORT"), t("Broadcasting in {month}", month=f"{report.first:%m/%Y}"))
    page.say(t("Counted up to {when}.", when=w.exact(report.until)))
    share = report.heard_share
    page.section(
        t("Total"),
        [t("What"), t("Quantity")],
        [
            [t("Broadcasts"), w.number(report.broadcasts)],
            [t("Minutes on air"), w.number(report.minutes, 1)],
            [t("Heard, of all intended loudspeakers"), _percent(w, share)],
            [t("Played, of the audio due at the loudspeakers"), _percent(w, report.played_share)],
            [t("Withdrawn beforehand"), w.number(report.withdrawn)],
        ],
    )
    page.section(
        t("By class"),
        [t("Class"), t("Broadcasts"), t("Minutes")],
        [
            [
                t(word),
                w.number(report.broadcasts_by_class.get(name, 0)),
                w.number(report.minutes_by_class.get(name, 0.0), 1),
            ]
            for name, word in CLASSES.items()
        ],
    )
    fields = {**FIELDS, 0: N_("Chimes, pauses, live audio")}
    page.section(
        t("By field"),
        [t("Field"), t("Minutes")],
        [[t(word), w.number(report.minutes_by_field.get(number, 0.0), 1)] for number, word in fields.items()],
        widths=(120, 50),
    )
    page.section(
        t("By zone"),
        [t("Zone"), t("Broadcasts"), t("Minutes"), t("Heard at")],
        [[z.name, w.number(z.broadcasts), w.number(z.minutes, 1), _percent(w, z.heard_share)] for z in report.by_zone],
        widths=(74, 32, 32, 32),
        empty=t("No zones yet."),
    )
    page.section(
        t("Broadcasts"),
        [t("When"), t("What"), t("Minutes"), t("Heard at")],
        [
            [
                _day_and_time(w, line.broadcast.starts_at),
                line.broadcast.title,
                w.number(line.minutes, 1),
                f"{line.heard.heard}/{line.heard.meant}",
            ]
            for line in report.listed[:_MOST_LINES]
        ],
        widths=(36, 87, 22, 25),
        empty=t("Nothing was broadcast."),
    )
    if len(report.listed) > _MOST_LINES:
        page.say(t("And {n} more, listed in the play log.", n=w.number(len(report.listed) - _MOST_LINES)))
    page.section(
        t("Not heard everywhere in full"),
        [t("When"), t("What"), t("Heard at"), t("Why")],
        [
            [
                _day_and_time(w, line.broadcast.starts_at),
                line.broadcast.title,
                f"{line.heard.heard}/{line.heard.meant}",
                "; ".join(f"{cause(t, word)}: {count}" for word, count in line.causes.items()),
            ]
            for line in report.not_fully_heard[:_MOST_LINES]
        ],
        widths=(36, 60, 24, 50),
        empty=t("All broadcasts were heard everywhere in full."),
    )
    if len(report.not_fully_heard) > _MOST_LINES:
        page.say(t("And {n} more, listed in the play log.", n=w.number(len(report.not_fully_heard) - _MOST_LINES)))
    page.section(
        t("Loudspeakers: connected time"),
        [t("Receiver"), t("Place"), t("Connected")],
        [[a.receiver.name, a.receiver.place, _percent(w, a.share)] for a in report.availability],
        widths=(75, 65, 30),
        empty=t("No loudspeakers yet."),
        below_mm=_SIGNATURES_MM,
    )
    page.signatures(w)
    return bytes(page.output())


class ReportPage(FPDF):
    """A4 upright, with the margins of the decree."""

    def __init__(self, folder: Path, typeface: Typeface) -> None:
        super().__init__(format="A4")
        self.set_margins(25, 20, 15)
        self.set_auto_page_break(True, 20)
        self.add_font("report", "", folder / typeface.regular)
        self.add_font("report", "B", folder / typeface.bold)
        self._larger_by = typeface.larger_by
        self._write_in(10)
        self.add_page()

    def _write_in(self, points: float, style: Literal["", "B"] = "") -> None:
        self.set_font("report", style, points + self._larger_by)

    def letterhead(self, w: Wording, commune: str, today: date) -> None:
        """On the left who writes and the number, which the office fills in; on the right the country, place and day."""
        t, top, left_mm, right_mm = w.t, self.get_y(), 68.0, 102.0
        written = t(
            "{place}, {day}/{month}/{year}",
            place=_place(commune),
            day=f"{today:%d}",
            month=f"{today:%m}",
            year=f"{today:%Y}",
        )
        self._column(self.l_margin, top, left_mm, t("PEOPLE'S COMMITTEE"), commune.upper(), t("No.: ....../BC-UBND"))
        right = self.l_margin + left_mm
        self._column(right, top, right_mm, t(_COUNTRY), t(_MOTTO), written)

    def _column(self, x: float, y: float, width: float, first: str, underlined: str, last: str) -> None:
        """Three centred lines, with a rule below the second."""
        self.set_xy(x, y)
        self._write_in(9, "B" if first.isupper() and underlined != underlined.upper() else "")
        self.multi_cell(width, 5, first, align="C", new_x=XPos.LEFT, new_y=YPos.NEXT)
        self._write_in(9.5, "B")
        self.multi_cell(width, 5, underlined, align="C", new_x=XPos.LEFT, new_y=YPos.NEXT)
        rule = min(self.get_string_width(underlined), width) * (1 if underlined != underlined.upper() else 0.4)
        self.line(x + (width - rule) / 2, self.get_y() + 0.8, x + (width + rule) / 2, self.get_y() + 0.8)
        self._write_in(9)
        self.set_xy(x, self.get_y() + 3)
        self.multi_cell(width, 5, last, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def heading(self, kind: str, subject: str) -> None:
        self.ln(6)
        self._write_in(13, "B")
        self.cell(0, 7, kind, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._write_in(11, "B")
        self.cell(0, 6, subject, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        middle = self.l_margin + self.epw / 2
        self.line(middle - 20, self.get_y() + 1, middle + 20, self.get_y() + 1)
        self._write_in(10)
        self.ln(5)

    def say(self, text: str) -> None:
        self.multi_cell(0, 6, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def section(
        self,
        title: str,
        header: list[str],
        rows: list[list[str]],
        *,
        widths: tuple[int, ...] | None = None,
        empty: str = "",
        below_mm: float = 0.0,
    ) -> None:
        """below_mm: height of what follows and must not stand on a page without the last rows."""
        self.ln(3)
        if self.will_page_break(30 + (below_mm if len(rows) <= _ROWS_KEPT else 0)):
            self.add_page()
        self._write_in(11, "B")
        self.say(title)
        self._write_in(9)
        last = len(rows) - _ROWS_KEPT if below_mm else len(rows)
        if not rows:
            self.say(empty)
        elif last <= 0:
            self._table([header, *rows], widths)
        else:
            self._table([header, *rows[:last]], widths)
            if rows[last:]:
                broken = self.will_page_break(below_mm + 12 * _ROWS_KEPT)
                if broken:
                    self.add_page()
                self._table([*([header] if broken else []), *rows[last:]], widths, headed=broken)
        self._write_in(10)

    def _table(self, rows: list[list[str]], widths: tuple[int, ...] | None, *, headed: bool = True) -> None:
        with self.table(
            align="LEFT",
            col_widths=widths,
            first_row_as_headings=headed,
            line_height=6,
            repeat_headings=1,
            text_align="LEFT",
            width=self.epw,
        ) as made:
            for row in rows:
                written = made.row()
                for cell in row:
                    written.cell(cell)

    def signatures(self, w: Wording) -> None:
        t, half = w.t, self.epw / 2
        self.ln(8)
        top = self.get_y()
        for x, lines in (
            (self.l_margin, [t("Prepared by")]),
            (self.l_margin + half, [t("ON BEHALF OF THE PEOPLE'S COMMITTEE"), t("CHAIR")]),
        ):
            self.set_xy(x, top)
            self._write_in(10, "B")
            for line in lines:
                self.cell(half, 6, line, align="C", new_x=XPos.LEFT, new_y=YPos.NEXT)
            self._write_in(9)
            self.cell(half, 6, t("(Signature and full name)"), align="C", new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.set_xy(self.l_margin, top + 36)
        self._write_in(8, "B")
        self.cell(0, 4, t("Sent to:"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._write_in(8)
        for line in (t("- People's Committee of the province;"), t("- Archive.")):
            self.cell(0, 4, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        self.set_y(-14)
        self._write_in(8)
        self.cell(0, 6, f"{self.page_no()}/{{nb}}", align="C")


def _place(commune: str) -> str:
    """The name of the place in a commune's name: "Xã Thiệu Trung" is in Thiệu Trung."""
    kind, _, place = commune.partition(" ")
    return place if kind.casefold() in ("xã", "phường") and place else commune


def _day_and_time(w: Wording, at: datetime) -> str:
    return f"{at.astimezone(w.zone):%d/%m/%Y %H:%M}"


def _percent(w: Wording, share: float | None) -> str:
    return "–" if share is None else f"{w.number(share * 100, 1)} %"
