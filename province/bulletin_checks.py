"""Checks of a bulletin from the province: a recording, of known class and field, at an HTTP address."""

from province.codes import URGENCY, BulletinKind, RefusalCode, Unacceptable
from province.messages import Bulletin
from runtime.refusal import N_


def check_audio(message: Bulletin) -> None:
    """Raises Unacceptable."""
    if message.MucDoUuTien not in URGENCY:
        raise unknown_code("MucDoUuTien", message.MucDoUuTien)
    if message.LoaiLinhVuc not in range(1, 7):
        raise unknown_code("LoaiLinhVuc", message.LoaiLinhVuc)
    if message.LoaiBanTin not in list(BulletinKind):
        raise unknown_code("LoaiBanTin", message.LoaiBanTin)
    if message.LoaiBanTin != BulletinKind.AUDIO:
        raise Unacceptable(
            RefusalCode.NOT_POSSIBLE,
            N_("Loa takes recordings only: LoaiBanTin 3, not {kind}."),
            kind=message.LoaiBanTin,
        )
    for name in ("BanTinID", "TieuDe", "NoiDung"):
        if not getattr(message, name).strip():
            raise Unacceptable(RefusalCode.MISSING_FIELD, N_("The field {field} is empty."), field=name)
    if not message.NoiDung.startswith(("http://", "https://")):
        raise Unacceptable(
            RefusalCode.WRONG_TYPE,
            N_("The field {field} is no address: {value}"),
            field="NoiDung",
            value=message.NoiDung[:80],
        )


def unknown_code(field: str, value: object) -> Unacceptable:
    """The refusal of a code that is in no table."""
    return Unacceptable(
        RefusalCode.UNKNOWN_CODE, N_("The field {field} has the unknown code {value}."), field=field, value=value
    )
