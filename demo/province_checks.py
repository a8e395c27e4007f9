"""What the simulated province accepts: by kind of message and field, a check of the value. All are required."""

import re
from collections.abc import Callable
from typing import Any

ValueCheck = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _any_text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(low: int, high: int) -> ValueCheck:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _moment(value: Any) -> bool:
    return _whole(1_500_000_000, 4_000_000_000)(value)


def _length(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d{2}:[0-5]\d:[0-5]\d", value))


def _bulletins(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(b, dict) and _text(b.get("BanTinID")) and isinstance(b.get("DanhSachNgayPhat"), list) for b in value
    )


_IDENTITY: dict[str, ValueCheck] = {
    "NguonID": _text,
    "TenNguon": _text,
    "DichID": _any_text,
    "TenDich": _any_text,
    "CumLoaID": _text,
    "TenThietBi": _text,
    "TenLoaiThietBi": _any_text,
    "MaNhaCungCap": _text,
    "TenNhaCungCap": _text,
}
FIELD_CHECKS: dict[str, dict[str, ValueCheck]] = {
    "heartbeat": _IDENTITY
    | {
        "AmLuong": _whole(0, 100),
        "TrangThaiHoatDong": _whole(0, 2),
        "TrangThaiKetNoi": _whole(0, 1),
        "ViDo": _number,
        "KinhDo": _number,
        "ThongTinThietBi": lambda v: isinstance(v, dict),
        "ThoiDiemBatDau": lambda v: v == 0 or _moment(v),
        "NoiDungPhat": _any_text,
        "PhienBanUngDung": _any_text,
    },
    "play_log": _IDENTITY
    | {
        "BanTinID": _text,
        "LoaiBanTin": _whole(1, 5),
        "MucDoUuTien": _whole(1, 3),
        "TieuDe": _text,
        "LoaiLinhVuc": _whole(1, 6),
        "ThoiGianSanXuat": _moment,
        "ThoiLuong": _length,
        "ThoiDiemBatDau": _moment,
        "AmLuong": _whole(0, 100),
        "TacGia": lambda v: isinstance(v, dict),
    },
    "schedule_created": {"LichPhatID": _text, "TenLichPhat": _any_text, "DanhSachBanTin": _bulletins},
    "schedule_cancelled": {"LichPhatID": _text},
    "answer": {"TraLoiCho": _text, "TrangThaiGui": _whole(0, 1), "MaLoi": _whole(0, 99), "MoTa": _any_text},
}

_WHOLE_NUMBERS = (
    "AmLuong",
    "TrangThaiHoatDong",
    "TrangThaiKetNoi",
    "LoaiBanTin",
    "LoaiLinhVuc",
    "TrangThaiGui",
    "MaLoi",
    "TiepAm",
)


def as_numbers(entry: Any) -> Any:
    """The same message with whole numbers as int: some provinces write them as text."""
    if not isinstance(entry, dict):
        return entry
    text = {k: v for k, v in entry.items() if k in _WHOLE_NUMBERS and isinstance(v, str) and v.lstrip("-").isdigit()}
    return entry | {k: int(v) for k, v in text.items()}
