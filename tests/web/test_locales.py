"""Every sentence there is has its Vietnamese, and its places stay filled."""

import re

import pytest
from babel.messages.pofile import read_po

from tests.web.messages import counted, sentences
from web.language import LOCALES


@pytest.fixture(scope="module")
def vietnamese() -> dict[str, str]:
    with (LOCALES / "vi.po").open("rb") as file:
        catalogue = read_po(file, locale="vi")
    found = {}
    for message in catalogue:
        key = message.id[0] if isinstance(message.id, tuple) else message.id
        found[str(key)] = message.string[0] if isinstance(message.string, tuple) else str(message.string)
    return found


def test_no_sentence_lacks_its_vietnamese(vietnamese: dict[str, str]) -> None:
    assert sorted(s for s in sentences() if not vietnamese.get(s)) == []
    assert sorted(one for one, _ in counted() if not vietnamese.get(one)) == []


def test_nothing_is_translated_that_nobody_says(vietnamese: dict[str, str]) -> None:
    said = sentences() | {one for one, _ in counted()}
    assert sorted(s for s in vietnamese if s and s not in said) == []


def test_every_place_in_a_sentence_is_kept(vietnamese: dict[str, str]) -> None:
    def places(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    assert {s: v for s, v in vietnamese.items() if s and places(s) != places(v)} == {}
