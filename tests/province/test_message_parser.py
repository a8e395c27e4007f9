"""What a province sends is read tolerantly where it can be, and else named by its field."""

import pytest

from demo.province_messages import example_bulletin, example_command
from province.bulletin_checks import check_audio
from province.codes import RefusalCode, Unacceptable
from province.message_parser import parsed, read
from province.messages import Bulletin, ProvinceCommand, ProvinceSchedule
from province.profile import Profile, profile, profile_names, read_profile
from runtime.refusal import NotFound, Refusal

GOOD = example_bulletin("http://x.example/a.mp3", 3, "Bản tin", "7")


def test_numbers_as_text_and_text_as_numbers_are_read() -> None:
    found = read(Bulletin, {**GOOD, "BanTinID": 7, "MucDoUuTien": "2", "LoaiLinhVuc": "4", "NoiDungTomTat": None})
    assert (found.BanTinID, found.MucDoUuTien, found.LoaiLinhVuc, found.NoiDungTomTat) == ("7", 2, 4, "")


def test_an_imei_that_begins_with_zero_keeps_it() -> None:
    found = read(
        ProvinceCommand, {**example_command(0, 50), "DanhSachThietBi": {"CumLoaID": ["0123", 867000000000001]}}
    )
    assert found.DanhSachThietBi.CumLoaID == ["0123", "867000000000001"]


@pytest.mark.parametrize(
    ("changed", "why", "field"),
    [
        ({"TieuDe": ...}, RefusalCode.MISSING_FIELD, "TieuDe"),
        ({"MucDoUuTien": "gấp"}, RefusalCode.WRONG_TYPE, "MucDoUuTien"),
        ({"MucDoUuTien": 1.5}, RefusalCode.WRONG_TYPE, "MucDoUuTien"),
        ({"MucDoUuTien": True}, RefusalCode.WRONG_TYPE, "MucDoUuTien"),
        ({"TieuDe": ["a"]}, RefusalCode.WRONG_TYPE, "TieuDe"),
        ({"DanhSachDiaBanNhan": [{"TenDich": "x"}]}, RefusalCode.MISSING_FIELD, "DanhSachDiaBanNhan[0].DichID"),
        ({"DanhSachThietBi": []}, RefusalCode.WRONG_TYPE, "DanhSachThietBi"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(changed: dict[str, object], why: RefusalCode, field: str) -> None:
    raw = {name: value for name, value in {**GOOD, **changed}.items() if value is not ...}
    with pytest.raises(Unacceptable) as refused:
        read(Bulletin, raw)
    assert refused.value.why is why
    assert field in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"MucDoUuTien": 4}, RefusalCode.UNKNOWN_CODE),
        ({"LoaiLinhVuc": 0}, RefusalCode.UNKNOWN_CODE),
        ({"LoaiBanTin": 9}, RefusalCode.UNKNOWN_CODE),
        ({"LoaiBanTin": 1}, RefusalCode.NOT_POSSIBLE),
        ({"NoiDung": "C:\\ban-tin.mp3"}, RefusalCode.WRONG_TYPE),
        ({"TieuDe": " "}, RefusalCode.MISSING_FIELD),
    ],
)
def test_unknown_codes_and_what_is_no_recording_are_refused(changed: dict[str, object], why: RefusalCode) -> None:
    with pytest.raises(Unacceptable) as refused:
        check_audio(read(Bulletin, {**GOOD, **changed}))
    assert refused.value.why is why


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[1]", b"{", b'{"a":' * 100_000, b"7"])
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(Unacceptable):
        parsed(payload)


def test_a_profile_turns_names_codes_and_times_both_ways() -> None:
    speaks = Profile(
        name="x", fields={"BanTinID": "Id"}, codes={"MucDoUuTien": {"1": "KHAN"}}, times="ms", numbers="text"
    )
    theirs = speaks.to_theirs({"BanTinID": "7", "MucDoUuTien": 1, "ThoiDiemBatDau": 1_764_000_000, "AmLuong": 70})
    assert theirs == {"Id": "7", "MucDoUuTien": "KHAN", "ThoiDiemBatDau": "1764000000000", "AmLuong": "70"}
    ours = speaks.to_ours(theirs)
    assert (ours["BanTinID"], ours["MucDoUuTien"], ours["ThoiDiemBatDau"]) == ("7", 1, 1_764_000_000)


def test_times_as_text_are_of_the_profiles_zone() -> None:
    speaks = Profile(name="x", times="text", time_format="%d/%m/%Y %H:%M:%S")
    assert speaks.to_theirs({"ThoiDiemBatDau": 1_764_000_000}) == {"ThoiDiemBatDau": "24/11/2025 23:00:00"}
    assert speaks.to_ours({"ThoiDiemBatDau": "24/11/2025 23:00:00"}) == {"ThoiDiemBatDau": 1_764_000_000}
    with pytest.raises(Unacceptable, match="ThoiDiemBatDau"):
        speaks.to_ours({"ThoiDiemBatDau": "hôm qua"})


@pytest.mark.parametrize("value", ["1e400", 1e300, "9" * 30, "nan"])
def test_times_that_no_calendar_has_are_refused(value: object) -> None:
    with pytest.raises(Unacceptable):
        Profile(name="x").to_ours({"ThoiGianBatDau": value})


def test_every_profile_that_comes_with_loa_can_be_used() -> None:
    assert set(profile_names()) == {"chuan", "chuoi-va-mili-giay"}
    assert all(profile(name).name == shown for name, shown in profile_names().items())


def test_ones_own_profile_goes_before_ours_and_a_slip_in_it_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "chuan.toml").write_text('name = "Tỉnh ta"\n[paths]\nlogin = "/x"\n')
    assert profile("chuan", tmp_path).name == "Tỉnh ta"
    (tmp_path / "chuan.toml").write_text('name = "Tỉnh ta"\ntimse = "ms"\n')
    with pytest.raises(Refusal, match="timse"):
        read_profile(tmp_path / "chuan.toml")
    with pytest.raises(NotFound):
        profile("khong-co", tmp_path)


def test_a_schedule_without_times_names_the_place() -> None:
    with pytest.raises(Unacceptable, match=r"DanhSachBanTin\[0\]\.DanhSachNgayPhat"):
        read(ProvinceSchedule, {"LichPhatID": "1", "DanhSachBanTin": [GOOD]})
