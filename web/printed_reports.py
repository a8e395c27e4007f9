"""Reports on paper: PDF with Vietnamese letters. The only home of fpdf2."""

from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from broadcast.monthly_report import MonthlyReport
from runtime.refusal import N_, Refusal
from web.formatting import Wording
from web.labels.broadcasts import CLASSES, FIELDS
from web.labels.causes import cause

#: Debian's fonts-dejavu-core, and where others keep the same.
FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/dejavu-sans-fonts"),
    Path("/usr/share/fonts/TTF"),
)
_MOST_LINES = 400


def monthly_pdf(report: MonthlyReport, w: Wording, folders: tuple[Path, ...] = FONT_FOLDERS) -> bytes:
    """The month on A4, as a commune sends it to its province. Raises Refusal when the font is missing."""
    page = _Page(_font_folder(folders))
    t, month = w.t, f"{report.first:%m/%Y}"
    page.heading(report.commune.name, report.province, t("MONTHLY BROADCASTING REPORT"), month)
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
        widths=(130, 50),
    )
    page.section(
        t("By zone"),
        [t("Zone"), t("Broadcasts"), t("Minutes"), t("Heard at")],
        [[z.name, w.number(z.broadcasts), w.number(z.minutes, 1), _percent(w, z.heard_share)] for z in report.by_zone],
        widths=(84, 32, 32, 32),
        empty=t("No zones yet."),
    )
    page.section(
        t("Not heard everywhere in full"),
        [t("When"), t("What"), t("Heard at"), t("Why")],
        [
            [
                f"{line.broadcast.starts_at.astimezone(w.zone):%d/%m %H:%M}",
                line.broadcast.title,
                f"{line.heard.heard}/{line.heard.meant}",
                "; ".join(f"{cause(t, word)}: {count}" for word, count in line.causes.items()),
            ]
            for line in report.not_fully_heard[:_MOST_LINES]
        ],
        widths=(22, 84, 22, 52),
        empty=t("All broadcasts were heard everywhere in full."),
    )
    if len(report.not_fully_heard) > _MOST_LINES:
        page.say(t("And {n} more, listed in the play log.", n=w.number(len(report.not_fully_heard) - _MOST_LINES)))
    page.section(
        t("Loudspeakers: connected time"),
        [t("Receiver"), t("Place"), t("Connected")],
        [[a.receiver.name, a.receiver.place, _percent(w, a.share)] for a in report.availability],
        widths=(80, 70, 30),
        empty=t("No loudspeakers yet."),
    )
    page.signatures(t("Prepared by"), t("Chair of the commune People's Committee"))
    return bytes(page.output())


class _Page(FPDF):
    """A4 upright, DejaVu Sans, 15 mm of margin."""

    def __init__(self, fonts: Path) -> None:
        super().__init__(format="A4")
        self.set_margin(15)
        self.set_auto_page_break(True, 18)
        self.add_font("dejavu", "", fonts / "DejaVuSans.ttf")
        self.add_font("dejavu", "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_font("dejavu", size=10)
        self.add_page()

    def heading(self, commune: str, province: str, title: str, month: str) -> None:
        self.set_font("dejavu", "B", 11)
        self.say(commune + (f" · {province}" if province else ""))
        self.set_font("dejavu", "B", 15)
        self.ln(4)
        self.cell(0, 9, f"{title} {month}", align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("dejavu", size=10)
        self.ln(2)

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
    ) -> None:
        self.ln(3)
        self.set_font("dejavu", "B", 11)
        self.say(title)
        self.set_font("dejavu", size=9)
        if not rows:
            self.say(empty)
            return
        with self.table(col_widths=widths, line_height=6, repeat_headings=1) as made:
            for row in [header, *rows]:
                written = made.row()
                for cell in row:
                    written.cell(cell)
        self.set_font("dejavu", size=10)

    def signatures(self, left: str, right: str) -> None:
        if self.will_page_break(45):
            self.add_page()
        self.ln(10)
        self.set_font("dejavu", "B", 10)
        half = self.epw / 2
        self.cell(half, 6, left, align="C")
        self.cell(half, 6, right, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("dejavu", size=8)
        self.cell(0, 6, f"Loa · {self.page_no()}", align="C")


def _font_folder(folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        if (folder / "DejaVuSans.ttf").exists() and (folder / "DejaVuSans-Bold.ttf").exists():
            return folder
    raise Refusal(N_("The print font is missing. Install the package fonts-dejavu-core on the Loa server."))


def _percent(w: Wording, share: float | None) -> str:
    return "–" if share is None else f"{w.number(share * 100, 1)} %"
