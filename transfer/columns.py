"""Columns: what an import understands, which column of a file means it, and what was chosen before for such a file."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Field, Session, SQLModel

from parsing.names import folded
from runtime.refusal import N_
from transfer.sheets import SheetRow, texts

#: Titles and letterheads stand above a table, but not higher than this.
_HEADER_WITHIN = 20


class ImportKind(StrEnum):
    """What is imported."""

    RECEIVERS = "receivers"
    SCHEDULES = "schedules"
    OPERATORS = "operators"


@dataclass(frozen=True)
class Column:
    """One thing that may stand in a column. words: how its heading may read, without diacritics. needed: in each row."""

    key: str
    title: str
    words: tuple[str, ...]
    needed: bool = False


COLUMNS: dict[ImportKind, tuple[Column, ...]] = {
    ImportKind.RECEIVERS: (
        Column(
            "name", N_("Name"), ("ten cum loa", "ten thiet bi", "ten diem", "ten cum", "cum loa", "ten", "name"), True
        ),
        Column(
            "external_id",
            N_("Serial number, IMEI or code"),
            (
                "imei",
                "serial",
                "so seri",
                "seri",
                "s/n",
                "ma thiet bi",
                "ma cum loa",
                "ma so",
                "ma",
                "device id",
                "id",
            ),
        ),
        Column("receiver_id", N_("Short name"), ("ten ngan", "ma rut gon", "short name", "receiver")),
        Column("place", N_("Place"), ("dia chi", "vi tri", "noi lap dat", "dia diem", "noi dat", "place", "address")),
        Column(
            "zones",
            N_("Zones"),
            ("vung", "thon", "to dan pho", "khu vuc", "khu", "nhom", "ban", "zone", "zones", "group"),
        ),
        Column("station", N_("Station"), ("ten dai", "dai", "tram", "station")),
        Column(
            "kind",
            N_("Kind of station"),
            ("loai thiet bi", "loai dai", "loai cum", "cong nghe", "loai", "kieu", "kind", "type"),
        ),
        Column("maker", N_("Maker"), ("nha cung cap", "hang san xuat", "hang", "nha san xuat", "maker", "vendor")),
        Column(
            "former_commune", N_("Former commune"), ("xa cu", "don vi cu", "xa phuong cu", "thuoc xa", "former commune")
        ),
        Column("latitude", N_("Latitude"), ("vi do", "latitude", "lat")),
        Column("longitude", N_("Longitude"), ("kinh do", "longitude", "long", "lng", "lon")),
        Column("volume", N_("Volume (%)"), ("am luong", "volume")),
        Column("path_delay", N_("Path delay (ms)"), ("do tre", "tre", "path delay", "delay")),
        Column(
            "alert_phone",
            N_("Telephone number for alerts"),
            ("so dien thoai", "dien thoai", "so sim", "sdt", "sim", "msisdn", "phone"),
        ),
    ),
    ImportKind.SCHEDULES: (
        Column(
            "programme",
            N_("Programme"),
            (
                "ten chuong trinh",
                "chuong trinh",
                "ten ban tin",
                "ban tin",
                "tieu de",
                "noi dung",
                "ten lich",
                "programme",
                "title",
            ),
            True,
        ),
        Column(
            "times",
            N_("Times of day"),
            (
                "gio phat",
                "thoi gian phat",
                "gio bat dau",
                "thoi diem phat",
                "thoi gian",
                "gio",
                "times",
                "time",
                "start",
            ),
            True,
        ),
        Column(
            "weekdays",
            N_("Weekdays"),
            (
                "ngay trong tuan",
                "thu trong tuan",
                "cac thu",
                "thu",
                "lap lai",
                "tan suat",
                "ngay phat",
                "weekdays",
                "days",
            ),
        ),
        Column("from_day", N_("From day"), ("tu ngay", "ngay bat dau", "bat dau", "from", "start date")),
        Column(
            "until_day", N_("Until day"), ("den ngay", "ngay ket thuc", "ket thuc", "het ngay", "until", "end date")
        ),
        Column(
            "zones",
            N_("Where"),
            ("noi phat", "o dau", "dia ban", "vung", "thon", "khu vuc", "cum loa", "zones", "zone", "where"),
        ),
        Column(
            "class", N_("Class"), ("muc do uu tien", "muc do", "uu tien", "loai ban tin", "loai", "class", "priority")
        ),
        Column(
            "external_id", N_("Code in the old system"), ("ma lich", "lich phat id", "lichphatid", "ma", "id", "code")
        ),
    ),
    ImportKind.OPERATORS: (
        Column(
            "name",
            N_("Sign-in name"),
            (
                "ten dang nhap",
                "sign-in name",
                "tai khoan",
                "ten tai khoan",
                "ten nguoi dung",
                "username",
                "user name",
                "user",
                "login",
            ),
            True,
        ),
        Column("role", N_("Role"), ("vai tro", "nhom quyen", "quyen", "chuc vu", "chuc danh", "role"), True),
    ),
}


class ColumnMapping(SQLModel, table=True):
    """Which column means what, as it was chosen for a file with such a heading. fingerprint: see `fingerprint`.

    columns: JSON, a key for each column of the file, "" for one that is not taken.
    """

    __tablename__ = "column_mapping"

    commune_id: str = Field(foreign_key="commune.id", primary_key=True)
    kind: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    columns: str


def header_of(rows: Sequence[SheetRow], kind: ImportKind) -> int:
    """The index of the row with the headings: the one in which most are known; else the first that is no title."""
    candidates = range(min(len(rows), _HEADER_WITHIN))
    matches = {k: sum(bool(key) for key in guess(list(texts(rows[k].cells)), kind)) for k in candidates}
    best = max(candidates, key=lambda k: (matches[k], -k), default=0)
    if matches.get(best):
        return best
    return next((k for k in candidates if sum(1 for text in texts(rows[k].cells) if text) > 1), 0)


def guess(headings: Sequence[str], kind: ImportKind) -> list[str]:
    """For each column what it likely means, "" for nothing known; nothing twice."""
    words = [_plain(heading) for heading in headings]
    keys = [""] * len(headings)
    # A heading that is one of our words goes before one that only holds it.
    for holds in (lambda heading, word: heading == word, _has_word):
        for column in COLUMNS[kind]:
            if column.key in keys:
                continue
            for word in column.words:
                at = next((k for k, heading in enumerate(words) if not keys[k] and holds(heading, word)), None)
                if at is not None:
                    keys[at] = column.key
                    break
    return keys


def fingerprint(headings: Sequence[str]) -> str:
    """The same for files with the same headings, however they are written in large and small letters."""
    return hashlib.sha256("|".join(_plain(heading) for heading in headings).encode()).hexdigest()[:32]


def remembered(session: Session, commune_id: str, kind: ImportKind, headings: Sequence[str]) -> list[str] | None:
    """What was chosen for such a file before."""
    row = session.get(ColumnMapping, (commune_id, kind.value, fingerprint(headings)))
    keys = {column.key for column in COLUMNS[kind]}
    return [key if key in keys else "" for key in json.loads(row.columns)] if row is not None else None


def remember(
    session: Session, commune_id: str, kind: ImportKind, headings: Sequence[str], columns: Sequence[str]
) -> None:
    """Keep a choice for the next file of this kind."""
    session.merge(
        ColumnMapping(
            commune_id=commune_id, kind=kind.value, fingerprint=fingerprint(headings), columns=json.dumps(list(columns))
        )
    )


def _plain(heading: str) -> str:
    return " ".join(folded(heading).replace("(*)", " ").replace("*", " ").replace("_", " ").split()).strip(" .:")


def _has_word(heading: str, word: str) -> bool:
    return f" {word} " in f" {heading.replace('(', ' ').replace(')', ' ').replace('/', ' ').replace(',', ' ')} "
