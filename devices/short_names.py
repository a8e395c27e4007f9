"""Short names: ids that stand in topics and manifests, made from the name that people type."""

import re
from collections.abc import Callable

from parsing.names import without_diacritics

#: As `wire.topics` allows.
_LONGEST = 63
_ROOM_FOR_NUMBER = 5


def short_name(name: str, is_taken: Callable[[str], bool], *, within: str = "", otherwise: str = "loa") -> str:
    """One that is free. within: the commune's id, put in front when the plain one is taken. otherwise: for a name
    without letters or digits.
    """
    plain = _slug(name) or otherwise
    if not is_taken(plain):
        return plain
    longer = _slug(f"{within} {plain}")
    candidate, number = longer, 1
    while is_taken(candidate):
        number += 1
        candidate = f"{longer[: _LONGEST - _ROOM_FOR_NUMBER].rstrip('-')}-{number}"
    return candidate


def _slug(text: str) -> str:
    words = re.findall("[a-z0-9]+", without_diacritics(text).casefold())
    return "-".join(words)[:_LONGEST].strip("-")
