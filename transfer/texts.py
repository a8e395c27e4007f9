"""Text files of unknown encoding: UTF-8, UTF-16, Windows-1258, or bytes typed for VNI or TCVN3 fonts."""

import codecs
import csv
from enum import StrEnum

from runtime.refusal import N_, Refusal
from transfer.vietnamese_fonts import Font, is_evident, likely_font, plausible, to_unicode

#: So much of a file is looked at to find out.
_LOOKED_AT = 200_000
DELIMITERS = ";,\t"


class Encoding(StrEnum):
    """How the letters of a file are kept; what people choose from when the guess is wrong."""

    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    WINDOWS_1258 = "windows-1258"
    VNI = "vni"
    TCVN3 = "tcvn3"


FONTS = {Encoding.VNI: Font.VNI, Encoding.TCVN3: Font.TCVN3}


def detect(content: bytes) -> Encoding:
    """The likeliest encoding of a text file."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _utf16_without_mark(content):
        font = likely_font(decode(content, Encoding.UTF_16)[:_LOOKED_AT])
        return Encoding.UTF_16 if font is Font.UNICODE else Encoding(font.value)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        beginning = content[:_LOOKED_AT]
        signs = beginning.decode("cp1252", "replace")
        readings = [Encoding.WINDOWS_1258, *(e for e in (Encoding.TCVN3, Encoding.VNI) if is_evident(signs, FONTS[e]))]
        return max(readings, key=lambda encoding: plausible(decode(beginning, encoding)))
    font = likely_font(text[:_LOOKED_AT])
    return Encoding.UTF_8 if font is Font.UNICODE else Encoding(font.value)


def decode(content: bytes, encoding: Encoding) -> str:
    """The text, composed (NFC). Raises Refusal when it cannot be read so."""
    try:
        if encoding in FONTS:
            return to_unicode(_bytes_of_fonts(content), FONTS[encoding])
        name = {Encoding.UTF_8: "utf-8-sig", Encoding.UTF_16: _utf16(content), Encoding.WINDOWS_1258: "cp1258"}[
            encoding
        ]
        errors = "replace" if encoding is Encoding.WINDOWS_1258 else "strict"  # it has five holes
        return to_unicode(content.decode(name, errors), Font.UNICODE)
    except UnicodeDecodeError as error:
        raise Refusal(
            N_("This file is not written in {encoding} (byte {at}). Choose another encoding above."),
            encoding=encoding.value.upper(),
            at=error.start + 1,
        ) from error


def delimiter_of(text: str) -> str:
    """What stands between the cells: semicolon, comma or tab."""
    beginning = text[:20_000]
    try:
        return csv.Sniffer().sniff(beginning, DELIMITERS).delimiter
    except csv.Error:
        return max(DELIMITERS, key=beginning.count)


def _bytes_of_fonts(content: bytes) -> str:
    """Text typed for the old fonts is kept as single bytes, or, by a newer program, as Unicode of the odd letters."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _utf16_without_mark(content):
        return content.decode(_utf16(content))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _utf16(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-16-be" if content[:1] == b"\0" else "utf-16-le"


def _utf16_without_mark(content: bytes) -> bool:
    """Every other byte of Latin text in UTF-16 is zero; in the others none is."""
    return content[:2000].count(0) * 5 > len(content[:2000]) > 0
