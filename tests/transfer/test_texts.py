"""Vietnamese of before Unicode is read as it was meant."""

import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.refusal import Refusal
from transfer.texts import Encoding, decode, delimiter_of, detect
from transfer.vietnamese_fonts import Font, likely_font, to_unicode

MOTTO = "Cộng hòa xã hội chủ nghĩa Việt Nam, độc lập, tự do, hạnh phúc"
#: The same as people saw it when the font was not there.
AS_VNI = "Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam, ñoäc laäp, töï do, haïnh phuùc"
AS_TCVN3 = "Céng hßa x· héi chñ nghÜa ViÖt Nam, ®éc lËp, tù do, h¹nh phóc"
LETTERS = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"


def test_known_sentences_are_read() -> None:
    assert to_unicode(AS_VNI, Font.VNI) == MOTTO
    assert to_unicode(AS_TCVN3, Font.TCVN3) == MOTTO
    assert to_unicode("ÑAØI TRUYEÀN THANH, Ñaøi, Öùng Hoøa", Font.VNI) == "ĐÀI TRUYỀN THANH, Đài, Ứng Hòa"


def test_tcvn3_is_what_glibc_says_of_the_standard() -> None:
    codes = [ord(c) for c in AS_TCVN3 if ord(c) > 0x7F]
    for code in {
        *codes,
        *range(0xA1, 0xAF),
        *range(0xB5, 0xBA),
        *range(0xC6, 0xCD),
        *range(0xDC, 0xE0),
        *range(0xF1, 0xFF),
    }:
        said = subprocess.run(
            ["iconv", "-f", "TCVN5712-1:1993", "-t", "UTF-8"],
            input=bytes([code, 0x20]),
            capture_output=True,
            check=True,
        )
        assert to_unicode(chr(code), Font.TCVN3) == unicodedata.normalize("NFC", said.stdout.decode()).rstrip(" ")


@pytest.mark.parametrize("font", [Font.VNI, Font.TCVN3])
def test_every_letter_can_be_written(font: Font) -> None:
    signs = [chr(c) for c in range(0x20, 0x100)]
    written = signs + [base + sign for base in "aeouyAEOUYôöÔÖ" for sign in signs] if font is Font.VNI else signs
    read = {to_unicode(one, font) for one in written}
    assert set(LETTERS) <= read
    if font is Font.VNI:  # capitals of TCVN3 are small letters in a font of capitals
        assert set(LETTERS.upper()) <= read


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (MOTTO.encode(), Encoding.UTF_8),
        (MOTTO.encode("utf-8-sig"), Encoding.UTF_8),
        (MOTTO.encode("utf-16"), Encoding.UTF_16),
        (MOTTO.encode("utf-16-le"), Encoding.UTF_16),
        (MOTTO.encode("utf-16-be"), Encoding.UTF_16),
        (unicodedata.normalize("NFD", MOTTO).encode(), Encoding.UTF_8),
        (AS_VNI.encode("cp1252"), Encoding.VNI),
        (AS_VNI.encode(), Encoding.VNI),
        (AS_VNI.encode("utf-16"), Encoding.VNI),
        (AS_TCVN3.encode("cp1252"), Encoding.TCVN3),
        (AS_TCVN3.encode(), Encoding.TCVN3),
        (b"Thon 1;Thon 2", Encoding.UTF_8),
        (b"", Encoding.UTF_8),
    ],
)
def test_the_encoding_is_found_out(content: bytes, encoding: Encoding) -> None:
    assert detect(content) is encoding
    assert decode(content, encoding) in (MOTTO, "Thon 1;Thon 2", "")


def as_1258(text: str) -> bytes:
    """As Windows-1258 keeps it: the letter, then its tone."""
    kept = b""
    for letter in text:
        try:
            kept += letter.encode("cp1258")
        except UnicodeEncodeError:
            bare, tone = unicodedata.normalize("NFD", letter), ""
            tone = next(c for c in bare if c in "̣̀́̃̉")
            kept += unicodedata.normalize("NFC", bare.replace(tone, "")).encode("cp1258") + tone.encode("cp1258")
    return kept


def test_windows_1258_is_told_from_the_old_fonts() -> None:
    assert detect(as_1258(MOTTO)) is Encoding.WINDOWS_1258
    assert decode(as_1258(MOTTO), Encoding.WINDOWS_1258) == MOTTO


def test_a_wrong_choice_is_a_clear_sentence() -> None:
    with pytest.raises(Refusal, match="not written in UTF-8"):
        decode(AS_VNI.encode("cp1252"), Encoding.UTF_8)
    with pytest.raises(Refusal, match="not written in UTF-16"):
        decode(b"abc", Encoding.UTF_16)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_somehow(content: bytes) -> None:
    try:
        decode(content, detect(content))
    except Refusal:
        assert content[:2] in (b"\xff\xfe", b"\xfe\xff") or content.count(0) * 5 > len(content)


@pytest.mark.parametrize("text", ["Thôn 3", "Cụm loa nhà văn hóa", "Café Trung Nguyên", "IMEI 8675", ""])
def test_unicode_stays_as_it_is(text: str) -> None:
    assert likely_font(text) is Font.UNICODE


@pytest.mark.parametrize("sign", [";", ",", "\t"])
def test_the_delimiter_is_found_out(sign: str) -> None:
    lines = [["Tên", "Địa chỉ", "Thôn"], ["Cụm 1", "Nhà văn hóa", "Thôn 1"], ["Cụm 2", "UBND xã", "Thôn 2"]]
    assert delimiter_of("\n".join(sign.join(line) for line in lines)) == sign
