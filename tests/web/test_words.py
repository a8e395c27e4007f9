"""Words and spellings that the pages do not use: one word for one thing, in each language."""

import re

import pytest
from babel.messages.pofile import read_po

from web.language import LOCALES

#: Old spellings, words of the code, and words that were replaced, as regular expressions.
VIETNAMESE = (
    *(r"khoá\b", r"xoá\b", r"huỷ\b", r"hoá\b", r"quí vị", r"mi-?crô"),
    *(
        "giấy nối máy",
        "phát trực tiếp bằng tay",
        "nghe tin",
        "chậm tin",
        "báo tin",
        "có tin trở lại",
        "tạm nghỉ",
        "bỏ lịch",
    ),
    *(
        "vào các thứ",
        "vì sao phát, vì sao không phát",
        "tiếng đầu và tiếng cuối",
        "biết giờ chính xác tới",
        "máy chủ tin",
    ),
    *("bộ hẹn giờ", "được phát bao nhiêu", "đang nghe và đo", "đêm mai", "người vận hành", "đóng gói", r"\bp99\b"),
)
ENGLISH = (
    *(
        r"^Keep$",
        "let it rest",
        "take off",
        "^make it$",
        "stretch",
        "horns heard as two",
        "^off by$",
        "^bring it$",
        "at the spot",
    ),
    *("land office", r"\bp99 \("),
)


@pytest.mark.parametrize(("side", "words"), [("string", VIETNAMESE), ("id", ENGLISH)])
def test_the_pages_use_none_of_the_words_that_were_replaced(side: str, words: tuple[str, ...]) -> None:
    with (LOCALES / "vi.po").open("rb") as file:
        catalog = read_po(file, locale="vi")
    texts = [
        text
        for message in catalog
        if message.id
        for text in ([getattr(message, side)] if isinstance(getattr(message, side), str) else getattr(message, side))
    ]
    assert len(texts) > 1000
    assert [text for text in texts for word in words if re.search(word, text, re.IGNORECASE)] == []
