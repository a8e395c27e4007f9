"""The typeface of printed reports: the one the decree wants where it is installed and has Vietnamese letters."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fpdf import FPDF

from runtime.refusal import N_, Refusal

#: Debian's fonts-liberation (of Debian 12 fonts-liberation2) and fonts-dejavu-core, and where others keep the same.
FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/liberation2"),
    Path("/usr/share/fonts/truetype/liberation"),
    Path("/usr/share/fonts/liberation-serif"),
    Path("/usr/share/fonts/liberation"),
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/dejavu-sans-fonts"),
    Path("/usr/share/fonts/TTF"),
)


@dataclass(frozen=True)
class Typeface:
    """larger_by: points added to each size, since its letters are smaller than those of DejaVu Sans."""

    regular: str
    bold: str
    larger_by: float


#: The decree wants Times New Roman; Liberation Serif has its widths. DejaVu Sans is what every installation has.
_TYPEFACES = (
    Typeface("LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf", 2.0),
    Typeface("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", 0.0),
)


@cache
def _has_vietnamese(font: Path) -> bool:
    """Liberation before its version 2 has not."""
    if not font.exists():
        return False
    probe = FPDF()
    probe.add_font("probe", "", font)
    added: Any = probe.fonts["probe"]
    try:
        return all(ord(letter) in added.cmap for letter in "đĐệỆữỮ")
    finally:
        added.ttfont.close()


def installed_typeface(folders: tuple[Path, ...]) -> tuple[Path, Typeface]:
    for typeface in _TYPEFACES:
        for folder in folders:
            if all(_has_vietnamese(folder / name) for name in (typeface.regular, typeface.bold)):
                return folder, typeface
    raise Refusal(N_("The print font is missing. Install the package fonts-dejavu-core on the Loa server."))
