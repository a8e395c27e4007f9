"""What a file is, by its bytes and never by its name, and what to say of one that was brought to the wrong place."""

import codecs
import re
import zipfile
from collections.abc import Collection
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from runtime.refusal import N_, Refusal

_LOOKED_AT = 4096
#: Of a compound file of Microsoft, where the names of its streams may stand anywhere.
_MOST_SEARCHED = 30_000_000
_MOST_OF_A_PART = 200_000


class FileKind(Enum):
    """What a file is. TEXT: nothing else, and no control characters."""

    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"
    HTML = "html"
    TEXT = "text"
    WEB_ARCHIVE = "mht"
    XML_TABLE = "Excel 2003 XML"
    NUMBERS = "Numbers"
    LOCKED = "locked"
    DOCUMENT = "document"
    SLIDES = "slides"
    PDF = "PDF"
    PICTURE = "picture"
    RECORDING = "recording"
    CALENDAR = "calendar"
    ZIP = "ZIP"
    RAR = "RAR"
    SEVEN_ZIP = "7z"
    GZIP = "gzip"
    DAMAGED = "damaged"
    OTHER = "other"


TABLES = frozenset({FileKind.XLSX, FileKind.XLSB, FileKind.XLS, FileKind.ODS, FileKind.HTML, FileKind.TEXT})
_PACKED = (FileKind.RAR, FileKind.SEVEN_ZIP, FileKind.GZIP)
_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"%PDF", FileKind.PDF),
    (b"{\\rtf", FileKind.DOCUMENT),
    (b"Rar!", FileKind.RAR),
    (b"7z\xbc\xaf", FileKind.SEVEN_ZIP),
    (b"\x1f\x8b", FileKind.GZIP),
    (b"BEGIN:VCALENDAR", FileKind.CALENDAR),
    (b"\x89PNG", FileKind.PICTURE),
    (b"\xff\xd8\xff", FileKind.PICTURE),
    (b"GIF8", FileKind.PICTURE),
    (b"II*\0", FileKind.PICTURE),
    (b"MM\0*", FileKind.PICTURE),
    (b"ID3", FileKind.RECORDING),
    (b"OggS", FileKind.RECORDING),
    (b"fLaC", FileKind.RECORDING),
    (b"#!AMR", FileKind.RECORDING),
    (b"\x1aE\xdf\xa3", FileKind.RECORDING),
    (b"0&\xb2u\x8ef\xcf\x11", FileKind.RECORDING),  # Windows Media
)
_BLANK = " \t\r\n"
#: Streams of compound files.
_STREAMS = (
    ("EncryptedPackage", FileKind.LOCKED),
    ("WordDocument", FileKind.DOCUMENT),
    ("PowerPoint Document", FileKind.SLIDES),
    ("Workbook", FileKind.XLS),
    ("Book", FileKind.XLS),
)
_HTML = re.compile(r"<(!doctype\s+html|html|head|body|meta|table|style|div|script|p|b|font|center)\b")
_TABLE_REASONS = {
    FileKind.WEB_ARCHIVE: N_("This is a web archive (.mht). Open it in Excel, save it as .xlsx, and choose that one."),
    FileKind.XML_TABLE: N_(
        "This is an XML table of Excel 2003. Open it in Excel, save it as .xlsx, and choose that one."
    ),
    FileKind.NUMBERS: N_(
        "This is a table of Apple Numbers, which Loa cannot read. Export it from Numbers as Excel and choose that file."
    ),
    FileKind.LOCKED: N_(
        "This file is locked by a password. Open it in Excel, save it without a password, and choose that one."
    ),
    FileKind.DOCUMENT: N_(
        "This is a text document (Word, for example). Copy its table into Excel, save it as .xlsx, and choose that one."
    ),
    FileKind.SLIDES: N_(
        "This is a presentation (PowerPoint). Copy its table into Excel, save it as .xlsx, and choose that one."
    ),
    FileKind.PDF: N_("This is a PDF. Ask for the table from which it was made, as Excel or CSV, and choose that one."),
    FileKind.PICTURE: N_(
        "This is a picture, and Loa reads no tables from pictures. Type the table in Excel and choose that file."
    ),
    FileKind.RECORDING: N_("This is a recording, no table. Add it to the audio library."),
    FileKind.CALENDAR: N_("This is a calendar file. Open *Timetable* and import it there."),
    FileKind.DAMAGED: N_("This file is damaged. Open it in Excel and save it again as .xlsx."),
    FileKind.ZIP: N_("This file is packed, but no table of Excel. Recordings in a zip go to *Recordings*."),
}
_ZIP_REASONS = {
    FileKind.RECORDING: N_("This is a recording itself, no ZIP file. Add it to the audio library."),
    FileKind.DOCUMENT: N_("This is a text document (Word, for example), no ZIP file of recordings."),
    FileKind.SLIDES: N_("This is a presentation (PowerPoint), no ZIP file of recordings."),
    FileKind.PDF: N_("This is a PDF, no ZIP file of recordings."),
    FileKind.PICTURE: N_("This is a picture, no ZIP file of recordings."),
    FileKind.LOCKED: N_("This file is locked by a password, and it is no ZIP file of recordings."),
}


def kind_of(file: BinaryIO) -> FileKind:
    """What a file is. file: is read from its beginning and left there."""
    file.seek(0)
    beginning = file.read(_LOOKED_AT)
    try:
        if beginning.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return _zip_kind(file)
        if beginning.startswith(b"\xd0\xcf\x11\xe0"):
            return _compound_kind(beginning + file.read(_MOST_SEARCHED))
        return _kind_of_beginning(beginning)
    finally:
        file.seek(0)


def kind_of_path(path: Path) -> FileKind:
    with path.open("rb") as file:
        return kind_of(file)


def no_table(kind: FileKind, name: str) -> Refusal:
    """Why a file is no table, and what to do. name: as it was called."""
    if kind in _PACKED:
        return Refusal(
            N_("This file is packed ({format}). Unpack it and choose the table that is in it."), format=kind.value
        )
    reason = _TABLE_REASONS.get(kind)
    if reason is not None:
        return Refusal(reason)
    return Refusal(
        N_("{name} is no table. Choose a file of Excel (.xlsx, .xls), OpenDocument (.ods) or a CSV file."), name=name
    )


def no_zip(kind: FileKind) -> Refusal:
    """Why a file is no ZIP of recordings, and what to do."""
    if kind in _PACKED:
        return Refusal(
            N_("This file is packed as {format}, which Loa cannot open. Unpack it and pack the recordings as ZIP."),
            format=kind.value,
        )
    if kind in TABLES - {FileKind.TEXT, FileKind.HTML} or kind is FileKind.NUMBERS:
        return Refusal(N_("This is a table, no ZIP file of recordings. Import it above."))
    return Refusal(_ZIP_REASONS.get(kind, N_("This is no ZIP file. Pack the recordings as ZIP and choose that file.")))


def _kind_of_beginning(beginning: bytes) -> FileKind:
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = beginning.decode("utf-16", "ignore")
    else:
        text = beginning.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    bare = text.lstrip(_BLANK).encode("latin-1", "replace")
    for signature, kind in _SIGNATURES:
        if bare.startswith(signature):
            return kind
    if _is_media(beginning):
        return _media_kind(beginning)
    lowered = text.lstrip(_BLANK).lower()
    if lowered.startswith(("mime-version:", "from: <saved by")) and "multipart/related" in lowered:
        return FileKind.WEB_ARCHIVE
    if lowered.startswith("<"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in lowered and "<workbook" in lowered:
            return FileKind.XML_TABLE
        return FileKind.HTML if _HTML.search(lowered) else FileKind.OTHER if "<?xml" in lowered else FileKind.TEXT
    return FileKind.OTHER if _is_binary(beginning) else FileKind.TEXT


def _is_media(beginning: bytes) -> bool:
    # An MPEG frame begins with eleven bits that are set, then a layer, a rate and a sampling rate that exist.
    is_mpeg = (
        len(beginning) > 3 and beginning[0] == 0xFF and beginning[1] & 0xE0 == 0xE0 and beginning[1] & 0x18 != 0x08
    )
    is_frame = is_mpeg and beginning[2] & 0xF0 != 0xF0 and beginning[2] & 0x0C != 0x0C and beginning[1:2] != b"\xfe"
    return is_frame or beginning[4:8] == b"ftyp" or beginning[:4] in (b"RIFF", b"RIFX", b"FORM", b"\x00\x00\x01\xba")


def _media_kind(beginning: bytes) -> FileKind:
    pictures = (beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP") or beginning[8:12] in (
        b"heic",
        b"mif1",
        b"avif",
    )
    return FileKind.PICTURE if pictures else FileKind.RECORDING


def _is_binary(beginning: bytes) -> bool:
    if beginning.startswith(b"BM") and b"\0" in beginning:
        return True
    zeros, controls = beginning.count(0), sum(byte < 32 and byte not in b"\0\t\n\r\x0b\x0c\x1b" for byte in beginning)
    # Text in UTF-16 has a zero in every other byte, and only there.
    is_utf16 = zeros * 5 > len(beginning) and (not any(beginning[::2]) or not any(beginning[1::2]) or controls == 0)
    return controls * 20 > len(beginning) or (zeros * 20 > len(beginning) and not is_utf16)


def kind_of_parts(names: Collection[str], media_type: bytes = b"") -> FileKind:
    """What a packed file is, by the names of its parts. media_type: what its part *mimetype* says."""
    if b"opendocument.spreadsheet" in media_type:
        return FileKind.ODS
    if b"opendocument" in media_type or any(name.startswith("word/") for name in names):
        return FileKind.DOCUMENT
    if any(name.startswith("ppt/") for name in names):
        return FileKind.SLIDES
    if "xl/workbook.bin" in names:
        return FileKind.XLSB
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return FileKind.XLSX
    if "content.xml" in names and "META-INF/manifest.xml" in names:
        return FileKind.DOCUMENT
    if any(name.endswith(".iwa") or name == "Index.zip" for name in names):
        return FileKind.NUMBERS
    return FileKind.ZIP


def _zip_kind(file: BinaryIO) -> FileKind:
    try:
        with zipfile.ZipFile(file) as packed:
            names = set(packed.namelist())
            kind = kind_of_parts(names, _part(packed, names, "mimetype"))
            if kind is FileKind.ODS and b"encryption-data" in _part(packed, names, "META-INF/manifest.xml"):
                return FileKind.LOCKED
            return kind
    except Exception:  # damaged bytes raise any error in zipfile and zlib
        return FileKind.DAMAGED


def _part(packed: zipfile.ZipFile, names: Collection[str], name: str) -> bytes:
    if name not in names:
        return b""
    with packed.open(name) as part:
        return part.read(_MOST_OF_A_PART)


def _compound_kind(content: bytes) -> FileKind:
    """Of a compound file of Microsoft: old Office files, and new ones that a password locks."""
    for stream, kind in _STREAMS:
        if stream.encode("utf-16-le") in content:
            return kind
    return FileKind.DAMAGED
