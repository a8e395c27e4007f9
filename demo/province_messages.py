"""Example messages of a province, and how a province posts them to a commune's endpoint."""

import json
import secrets
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any


def post_down(
    url: str, token: str, kind: str, content: dict[str, Any], message_id: str = "", timeout_s: float = 10
) -> tuple[int, dict[str, Any]]:
    """Post a message to the commune's endpoint, as provinces that push do. Returns HTTP status and answer."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("the commune's endpoint must be http or https")
    body = json.dumps({"Loai": kind, "MaGoiTin": message_id, "NoiDung": content}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


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
