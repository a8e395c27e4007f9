"""The English of the product: plain words, one meaning for a class name, docstrings that say more than the name."""

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.test_architecture import PACKAGES, ROOT

#: Words that the product's sentences do without: translated, poetic or legal English.
WORDS = re.compile(
    r"\b(anew|besides|somebody|whoever|whom|whomever|whosoever|thereof|thereby|therein|whereby|wherein|heed|heeds|aught|"
    r"naught|albeit|amidst|amongst|ere|oft|henceforth|erstwhile)\b",
    re.IGNORECASE,
)
SUFFIXES = (".py", ".html", ".js", ".css", ".mako", ".toml")
FOLDERS = (*PACKAGES, "benchmarks", "scripts")
#: Folders whose text is not ours, or is not English.
NOT_OURS = ("vendor", "locales", "__pycache__", "data")
#: In words. Shorter ones say what the name says; "Raises NotFound." is the exception: no signature says it.
SHORTEST_DOCSTRING = 5
#: Class names that two product modules may use, each with its reason.
SHARED_CLASS_NAMES: dict[str, str] = {}


@functools.cache
def texts() -> list[tuple[Path, str]]:
    """Every text file of the product, benchmarks and scripts, with its content."""
    return list(_texts())


def _texts() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            in_folder = path.relative_to(ROOT)
            if not path.is_file() or set(in_folder.parts) & set(NOT_OURS):
                continue
            if path.suffix in SUFFIXES or folder == "scripts":
                yield in_folder, path.read_text(encoding="utf-8")


@functools.cache
def trees() -> list[tuple[Path, ast.Module]]:
    """The syntax trees of the product's and benchmarks' modules."""
    return [(path, ast.parse(text)) for path, text in texts() if path.suffix == ".py"]


def test_no_line_uses_a_word_that_plain_english_does_without() -> None:
    lines = [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if WORDS.search(line)
    ]
    assert lines == []


def test_the_texts_that_are_read_are_those_of_every_folder() -> None:
    read = {path.parts[0] for path, _ in texts()}
    assert read == set(FOLDERS)
    assert {path.suffix for path, _ in texts()} >= {".py", ".html", ".js", ".css"}


def test_a_class_name_stands_for_one_thing_in_the_product() -> None:
    modules = defaultdict(set)
    for path, tree in trees():
        if path.parts[0] in PACKAGES:
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    modules[node.name].add(str(path))
    shared = {name: sorted(paths) for name, paths in modules.items() if len(paths) > 1}
    assert {name: paths for name, paths in shared.items() if name not in SHARED_CLASS_NAMES} == {}
    assert set(SHARED_CLASS_NAMES) <= set(shared), "a name in the list is shared no longer: take it out"


def test_no_function_has_a_docstring_that_only_repeats_its_name() -> None:
    short = [
        f"{path}:{node.lineno}: {node.name}: {docstring}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (docstring := ast.get_docstring(node)) is not None
        and len(docstring.split()) < SHORTEST_DOCSTRING
        and not docstring.startswith("Raises ")
    ]
    assert short == []


def test_the_formatter_formats_every_line() -> None:
    skip = "fmt: " + "skip"
    assert [str(path) for path, text in texts() if skip in text] == []
    assert [str(path) for path in (ROOT / "tests").rglob("*.py") if skip in path.read_text()] == []
