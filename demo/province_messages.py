"""Example messages of a province, and how a province posts them to a commune's endpoint."""

import secrets
from datetime import UTC, datetime
from typing import Any


def example_bulletin(url: str, urgency: int, title: str, code: str = "") -> dict[str, Any]:
    return {
        "BanTinID": code or secrets.token_hex(6),
        "TieuDe": title,
        "MucDoUuTien": urgency,
        "LoaiBanTin": 3,
        "LoaiLinhVuc": 2 if urgency == 1 else 1,
        "NoiDung": url,
        "NguonID": "tinh",
        "TenNguon": "Đài tỉnh",
        "ThoiLuong": "00:01:00",
        "NoiDungTomTat": title,
    }


def example_schedule(url: str, urgency: int, title: str, starts: list[datetime], code: str = "") -> dict[str, Any]:
    """A schedule with one bulletin. starts: aware datetimes."""
    moments = [{"ThoiGianBatDau": int(at.timestamp()), "ThoiGianKetThuc": int(at.timestamp()) + 600} for at in starts]
    day = {"NgayPhat": f"{starts[0].astimezone(UTC):%Y-%m-%d}", "ThoiDiemPhat": moments}
    bulletin = example_bulletin(url, urgency, title) | {"DanhSachNgayPhat": [day]}
    return {"LichPhatID": code or secrets.token_hex(6), "TenLichPhat": title, "DanhSachBanTin": [bulletin]}


def example_command(code: int, value: int, receivers: list[str] | None = None) -> dict[str, Any]:
    return {
        "NguonID": "tinh",
        "TenNguon": "Đài tỉnh",
        "DanhSachDiaBanNhan": [],
        "DanhSachThietBi": {"CumLoaID": receivers or []},
        "DieuKhienThietBi": {"MaLenh": code, "ThamSo": value},
    }
