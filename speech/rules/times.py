"""Hours: "5h", "5h30", "05:30", "17g30", "17 giờ 30", "30'"."""

import re

from speech.numbers import cardinal, number
from speech.reading import Line, Piece, PieceKind, begins_with, ends_with

_LETTER = re.compile(
    r"(2[0-4]|[01]?\d)\s?([hHgG])(?:\s?([0-5]?\d)(?:\s?(?:['’′]|ph(?:út)?|p))?)?(?!\w|[.,]\d)"
)  # 5h, 17g30, 7h30p
_LONG = re.compile(r"(\d{2,3}|\d{1,3},\d)\s?[hH](?!\w)")
_COLON = re.compile(r"(2[0-4]|[01]?\d)\s?:\s?([0-5]\d)(?::([0-5]\d))?(?![\d:]|[.,]\d)")
_WORD = re.compile(r"(2[0-4]|[01]?\d)(\s+giờ\s+)([0-5]?\d)(?!\d|[.,:/]\d|\s*(?:phút|['’%]|\w*giờ))", re.IGNORECASE)
_MINUTES = re.compile(r"(\d{1,3})\s?(['’′]{2}|[\"”″]|['’′])(?!\w)")
_MINUTES_AND_SECONDS = re.compile(r"(\d{1,3})['’′]([0-5]\d)(?:[\"”″]|['’′]{2})")
_TIME_WORDS = ends_with(
    r"lúc|từ|đến|tới|sáng|trưa|chiều|tối|đêm|trước|sau|vào|hồi|khoảng|giờ|ngày|mỗi ngày|hàng ngày|và|,|-|–|—"
    r"|đến nơi|xuất phát|tập trung|khởi hành|bắt đầu|khai mạc"
)
_PART_OF_DAY = begins_with(r"sáng|trưa|chiều|tối|đêm|ngày|hàng|hằng|mỗi|hôm|thứ|cùng|các ngày|đến|-|–|—")
_SCREEN = ends_with(r"màn hình|ti vi|tivi|tv|ống|vành|lốp|đường kính|bánh|loại|máy tính|laptop")
_RATIO = ends_with("tỷ lệ|tỉ lệ|tỷ số|tỉ số|thắng|thua|hòa|hoà|kết quả|chung cuộc|bản đồ|kinh|dẫn")


def clock_time(line: Line, at: int) -> Piece | None:
    """A time of day, or a length in hours."""
    match = _LETTER.match(line.text, at)
    if match and match[2] in "gG" and not match[3] and (match[2] == "G" or not _is_hour(line, at, match)):
        match = None
    if match:
        return Piece(at, match.end(), _said(line, match[1], match[3]), PieceKind.TIME)
    match = _LONG.match(line.text, at)
    if match:
        return Piece(at, match.end(), f"{number(match[1], line.dialect)[0]} giờ", PieceKind.TIME)
    match = _COLON.match(line.text, at)
    if match and not line.before(_RATIO, at):
        said = _said(line, match[1], match[2])
        if match[3]:
            said = f"{_said(line, match[1], match[2], in_full=True)} {cardinal(int(match[3]))} giây"
        return Piece(at, match.end(), said, PieceKind.TIME)
    match = _WORD.match(line.text, at)
    if match:
        return Piece(at, match.end(), _said(line, match[1], match[3]), PieceKind.TIME)
    return None


def minutes(line: Line, at: int) -> Piece | None:
    """Reads for example 30', 45'' and 4'15"."""
    race = _MINUTES_AND_SECONDS.match(line.text, at)
    if race:
        said = f"{cardinal(int(race[1]), line.dialect)} phút {cardinal(int(race[2]), line.dialect)} giây"
        return Piece(at, race.end(), said, PieceKind.TIME)
    match = _MINUTES.match(line.text, at)
    if match is None or (match[2] in '"”″' and line.text.count(match[2]) % 2 == 0):
        return None
    unit = "phút" if match[2] in "'’′" else "inh" if line.before(_SCREEN, at) else "giây"
    return Piece(at, match.end(), f"{number(match[1], line.dialect)[0]} {unit}", PieceKind.TIME)


def _is_hour(line: Line, at: int, match: re.Match[str]) -> bool:
    return line.before(_TIME_WORDS, at) or line.after(_PART_OF_DAY, match.end())


def _said(line: Line, hour: str, minute: str | None, *, in_full: bool = False) -> str:
    said = f"{cardinal(int(hour), line.dialect)} giờ"
    if minute and (int(minute) or in_full):
        said += f" {cardinal(int(minute), line.dialect)} phút"
    return said
