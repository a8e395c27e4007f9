"""Tables of written forms and what is spoken for them, in files beside this one."""

import functools
from importlib import resources


@functools.cache
def rows(name: str) -> list[list[str]]:
    """The rows of a table, in the file's order; lines that begin with # are remarks."""
    text = (resources.files(__package__) / f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("# ") and line != "#"]


def pairs(name: str) -> dict[str, str]:
    """A table of two columns."""
    return {row[0]: row[1] for row in rows(name)}


def words(context: str) -> str:
    """The words of a context as one pattern."""
    return "|".join(row[1] for row in rows("contexts") if row[0] == context)
