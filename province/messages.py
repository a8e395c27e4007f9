"""The messages of the provincial exchange, as fielded products write them: field names are theirs, times epoch seconds.

Not checked against the ministry's annex. What one province writes otherwise is said in its profile
(`province.profile`) and does not come this far. Unknown fields are left out;
`province.message_parser` reads tolerantly.
"""

import msgspec


class ProvinceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Any message."""


class Author(ProvinceMessage, frozen=True, kw_only=True):
    """TacGia."""

    TenDayDu: str = ""
    ButDanh: str = ""
    Email: str = ""


class ProvincePlace(ProvinceMessage, frozen=True, kw_only=True):
    """One of DanhSachDiaBanNhan: a commune, or a zone of it."""

    DichID: str
    TenDich: str = ""


class ReceiverList(ProvinceMessage, frozen=True, kw_only=True):
    """DanhSachThietBi."""

    CumLoaID: list[str] = []


class AiringTime(ProvinceMessage, frozen=True, kw_only=True):
    """One of ThoiDiemPhat: when it airs."""

    ThoiGianBatDau: int
    ThoiGianKetThuc: int


class AiringDay(ProvinceMessage, frozen=True, kw_only=True):
    """One of DanhSachNgayPhat."""

    ThoiDiemPhat: list[AiringTime]
    NgayPhat: str = ""


# -- province → commune


class Bulletin(ProvinceMessage, frozen=True, kw_only=True):
    """A bulletin sent down. NoiDung: where its audio is fetched."""

    BanTinID: str
    TieuDe: str
    MucDoUuTien: int
    NoiDung: str
    LoaiBanTin: int = 3
    LoaiLinhVuc: int = 1
    NoiDungTomTat: str = ""
    ThoiLuong: str = ""
    NguonID: str = ""
    TenNguon: str = ""
    DanhSachDiaBanNhan: list[ProvincePlace] = []
    DanhSachThietBi: ReceiverList = ReceiverList()


class ScheduledBulletin(Bulletin, frozen=True, kw_only=True):
    """A bulletin of a schedule."""

    DanhSachNgayPhat: list[AiringDay]


class ProvinceSchedule(ProvinceMessage, frozen=True, kw_only=True):
    """A schedule sent down."""

    LichPhatID: str
    DanhSachBanTin: list[ScheduledBulletin]
    TenLichPhat: str = ""
    NguonID: str = ""
    TenNguon: str = ""
    DanhSachDiaBanNhan: list[ProvincePlace] = []
    DanhSachThietBi: ReceiverList = ReceiverList()


class ScheduleCancelled(ProvinceMessage, frozen=True, kw_only=True):
    """A schedule taken back; the same up and down."""

    LichPhatID: str


class Control(ProvinceMessage, frozen=True, kw_only=True):
    """DieuKhienThietBi."""

    MaLenh: int
    ThamSo: int = 0


class ProvinceCommand(ProvinceMessage, frozen=True, kw_only=True):
    """A command sent down."""

    DieuKhienThietBi: Control
    NguonID: str = ""
    TenNguon: str = ""
    DanhSachDiaBanNhan: list[ProvincePlace] = []
    DanhSachThietBi: ReceiverList = ReceiverList()


MessageFromProvince = Bulletin | ProvinceSchedule | ScheduleCancelled | ProvinceCommand

#: Loai of a message in the province's list of what waits for us.
MESSAGES_FROM_PROVINCE: dict[str, type[MessageFromProvince]] = {
    "BanTin": Bulletin,
    "LichPhat": ProvinceSchedule,
    "HuyLichPhat": ScheduleCancelled,
    "LenhDieuKhien": ProvinceCommand,
}


# -- commune → province


class ProvinceIdentity(ProvinceMessage, frozen=True, kw_only=True):
    """Sender and addressee: a receiver of a commune, and the province. CumLoaID: its IMEI, or our short name."""

    NguonID: str
    TenNguon: str
    DichID: str
    TenDich: str
    CumLoaID: str
    TenThietBi: str
    TenLoaiThietBi: str
    MaNhaCungCap: str
    TenNhaCungCap: str


class DeviceState(ProvinceMessage, frozen=True, kw_only=True):
    """ThongTinThietBi. CongSuat: W; NhietDo: °C; DungLuongSuDung: percent of the store. None: not measured."""

    CongSuat: float | None = None
    NhietDo: float | None = None
    DungLuongSuDung: int | None = None


class ProvinceHeartbeat(ProvinceIdentity, frozen=True, kw_only=True):
    """A receiver's state. ThoiDiemBatDau: of what sounds, 0 for nothing."""

    AmLuong: int
    TrangThaiHoatDong: int
    TrangThaiKetNoi: int
    ViDo: float | None = None
    KinhDo: float | None = None
    ThongTinThietBi: DeviceState = DeviceState()
    ThoiDiemBatDau: int = 0
    NoiDungPhat: str = ""
    PhienBanUngDung: str = ""


class BulletinDetail(ProvinceMessage, frozen=True, kw_only=True):
    """One of ThongTinChiTietBanTin."""

    Ten: str
    GiaTri: str


class PlayLogEntry(ProvinceIdentity, frozen=True, kw_only=True):
    """One item that sounded at one receiver. ThoiLuong: "HH:MM:SS". TiepAm: 1 for a relay."""

    BanTinID: str
    LoaiBanTin: int
    MucDoUuTien: int
    TieuDe: str
    LoaiLinhVuc: int
    NoiDungTomTat: str = ""
    ThoiGianSanXuat: int
    ThoiLuong: str
    TacGia: Author = Author()
    ThoiDiemBatDau: int
    TiepAm: int = 0
    NguonTiepAm: str = ""
    NoiDung: str = ""
    ThongTinChiTietBanTin: list[BulletinDetail] = []
    NguonTin: str = ""
    AmLuong: int
    CongSuat: float | None = None


class CreatedBulletin(ProvinceMessage, frozen=True, kw_only=True):
    """A bulletin of a schedule of ours."""

    BanTinID: str
    TieuDe: str
    LoaiBanTin: int
    MucDoUuTien: int
    LoaiLinhVuc: int
    ThoiLuong: str
    DanhSachNgayPhat: list[AiringDay]


class ScheduleCreated(ProvinceMessage, frozen=True, kw_only=True):
    """A schedule of ours."""

    LichPhatID: str
    TenLichPhat: str
    NguonID: str
    TenNguon: str
    DichID: str
    TenDich: str
    DanhSachBanTin: list[CreatedBulletin]


class ProvinceAnswer(ProvinceMessage, frozen=True, kw_only=True):
    """How a message of the province was met. TraLoiCho: its id. MaLoi: `province.codes.RefusalCode`, 0 for none."""

    TraLoiCho: str
    TrangThaiGui: int
    MaLoi: int = 0
    MoTa: str = ""


def clock_length(duration_us: int) -> str:
    """ThoiLuong: "HH:MM:SS", to the nearest second."""
    minutes, seconds = divmod(round(duration_us / 1e6), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"
