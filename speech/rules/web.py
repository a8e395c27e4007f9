"""E-mail addresses and web addresses."""

import re

from speech.numbers import digit_by_digit
from speech.reading import Line, Piece, PieceKind
from speech.syllables import spelled, split_toneless

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ENDINGS = "vn|com|net|org|gov|edu|info|asia|app|io|me|tv|xyz|dev|biz|int|eu|us|uk|jp|cn|kr|sg|site|online|shop"
_ADDRESS = re.compile(
    rf"(?:https?://)?(?:[\w-]+\.)+(?:{_ENDINGS})(?![\w-])(?:[:/][^\s,;()\"”’]*)?|https?://[^\s,;()\"”’]+", re.IGNORECASE
)
_KNOWN = {
    "com": "com",
    "net": "nét",
    "org": "o rờ gờ",
    "gov": "gốp",
    "edu": "e đu",
    "info": "in phô",
    "vn": "vê nờ",
    "www": "vê kép vê kép vê kép",
    "gmail": "gi meo",
    "yahoo": "da hu",
    "outlook": "ao lúc",
    "hotmail": "hót meo",
    "facebook": "phây búc",
    "youtube": "diu túp",
    "zalo": "da lô",
    "google": "gu gồ",
    "tiktok": "tích tóc",
    "html": "hát tê mờ lờ",
    "online": "on lai",
    "app": "áp",
    "shop": "sóp",
    "info@": "in phô",
    "fb": "phây búc",
    "mail": "meo",
    "vnexpress": "vê nờ éc pờ rét",
    "admin": "át min",
    "contact": "con tác",
    "login": "lốc in",
}
_SIGNS = {
    ".": "chấm",
    "-": "gạch ngang",
    "_": "gạch dưới",
    "/": "gạch chéo",
    "@": "a còng",
    "?": "hỏi",
    "=": "bằng",
    "&": "và",
    "+": "cộng",
    ":": "hai chấm",
    "#": "thăng",
    "%": "phần trăm",
    "~": "ngã",
}


def web_address(line: Line, at: int) -> Piece | None:
    """An address is doubtful: nobody can tell where its words end."""
    match = _MAIL.match(line.text, at) or _ADDRESS.match(line.text, at)
    if match is None:
        return None
    text = match[0].rstrip(".?!:/")
    address = re.sub(r"^https?://", "", text, flags=re.IGNORECASE)
    words = [_say(part) for part in re.findall(r"[^\W\d_]+|\d+|[\W_]", address)]
    return Piece(at, at + len(text), " ".join(word for word in words if word), PieceKind.WEB, doubtful=True)


def _say(part: str) -> str:
    lower = part.lower()
    if lower in _KNOWN:
        return _KNOWN[lower]
    if part in _SIGNS:
        return _SIGNS[part]
    if part.isdigit():
        return digit_by_digit(part)
    syllables = split_toneless(lower)
    return " ".join(syllables) if syllables else spelled(part)
