"""Names: when two spellings are the same name, and which row a typed name identifies.

`name_key` identifies: NFC, letter case and the placement of the tone mark do not matter (hòa = hoà), the tone does
(Hạ ≠ Hà). `folded` is for searching only: villages that differ by a tone alone fold to the same text.
"""

import unicodedata
from collections.abc import Iterable
from typing import Generic, TypeVar

from runtime.refusal import N_, Refusal

#: Grave, acute, tilde, hook above and dot below. Circumflex, breve and horn make other letters and stay in place.
_TONES = "\u0300\u0301\u0303\u0309\u0323"
#: Old fonts and keyboards write the Icelandic eth for Đ.
_ETH = str.maketrans({"ð": "đ", "Ð": "Đ"})
_LISTED = 5

T = TypeVar("T")


def folded(text: str) -> str:
    """Lower case without diacritics, so that "thoi su" finds "Thời sự"."""
    return without_diacritics(text).casefold()


def without_diacritics(text: str) -> str:
    """The same in the letters of ASCII where Vietnamese has others; đ is a letter of its own to Unicode."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return bare.translate(_ETH).replace("đ", "d").replace("Đ", "D")


def name_key(text: str) -> str:
    """Equal for two spellings of one name, and for no others."""
    return " ".join(_syllable_key(word) for word in _words(text))


class NameIndex(Generic[T]):
    """Rows by name. Several rows may have one name."""

    def __init__(self, rows: Iterable[tuple[str, T]] = ()) -> None:
        self._rows: dict[str, list[tuple[str, T]]] = {}
        for name, row in rows:
            self.add(name, row)

    def add(self, name: str, row: T) -> None:
        rows = self._rows.setdefault(folded(" ".join(_words(name))), [])
        if (name, row) not in rows:
            rows.append((name, row))

    def exact(self, name: str) -> list[T]:
        key = name_key(name)
        return [row for row_name, row in self._alike(name) if name_key(row_name) == key]

    def find(self, name: str) -> T | None:
        """The row that a name identifies, None for none.

        The exact name decides. Syllables typed without any diacritics stand for any, as long as one row fits; a
        different tone is a different name. Raises Refusal when several rows fit, with their names.
        """
        exact = [(row_name, row) for row_name, row in self._alike(name) if name_key(row_name) == name_key(name)]
        rows = exact or [(row_name, row) for row_name, row in self._alike(name) if _fits(name, row_name)]
        if len(rows) > 1:
            names = ", ".join(f"“{row_name}”" for row_name, _ in rows[:_LISTED])
            if exact:
                raise Refusal(
                    N_("{n} entries are called {names}. Give them different names first."), n=len(rows), names=names
                )
            raise Refusal(
                N_("“{name}” can mean {names}. Write the name with its diacritics."), name=name[:60], names=names
            )
        return rows[0][1] if rows else None

    def _alike(self, name: str) -> list[tuple[str, T]]:
        return self._rows.get(folded(" ".join(_words(name))), [])


def told_apart(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A label for each id: its name, with the id where another row has the same name. rows: (id, name)."""
    named = list(rows)
    keys = [name_key(name) for _, name in named]
    return {row_id: f"{name} ({row_id})" if keys.count(name_key(name)) > 1 else name for row_id, name in named}


def _words(text: str) -> list[str]:
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", visible).translate(_ETH).split()


def _syllable_key(word: str) -> str:
    """The letters, then the tones: the place of the mark within a syllable is a matter of style."""
    letters = unicodedata.normalize("NFD", word.casefold())
    bare = "".join(c for c in letters if c not in _TONES)
    return unicodedata.normalize("NFC", bare) + "".join(c for c in letters if c in _TONES)


def _fits(typed: str, row_name: str) -> bool:
    typed_words, known_words = _words(typed), _words(row_name)
    return len(typed_words) == len(known_words) and all(
        word.casefold() == folded(word) or _syllable_key(word) == _syllable_key(other)
        for word, other in zip(typed_words, known_words, strict=True)
    )
