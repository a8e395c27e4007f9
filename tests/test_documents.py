"""What the documents name exists: decision records, files, modules, links. The glossary lists each term once."""

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    check=True,
    capture_output=True,
    text=True,
    cwd=ROOT,
).stdout.splitlines()
FOLDERS = {name.split("/")[0] for name in TRACKED if "/" in name}
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")}
#: In backticks and of the form of a path, but no path of the repository: a folder in the data folder, topics of MQTT.
NOT_PATHS = re.compile(r"province/|loa/1(/.*)?")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(document: Path) -> str:
    """Its text without code blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def exists(name: str) -> bool:
    """A file, a folder, a module without its suffix, or `folder/module.Name`."""
    path = ROOT / name
    if path.exists() or path.with_name(path.name + ".py").is_file():
        return True
    module, _, attribute = name.rpartition(".")
    return (ROOT / f"{module}.py").is_file() and hasattr(importlib.import_module(module.replace("/", ".")), attribute)


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in RECORDS] == [f"{number:04d}" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_a_decision_record_has_its_number_and_its_four_parts(record: Path) -> None:
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]}: ")
    parts = re.findall(r"^\*\*(Context|Decision|Consequences|Refused)\.\*\*", text, flags=re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences", "Refused"]


def test_the_index_lists_every_decision_record_by_its_title() -> None:
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    titles = [path.read_text().split("\n")[0].removeprefix(f"# {path.name[:4]}: ") for path in RECORDS]
    assert rows == [(path.name[:4], path.name, title) for path, title in zip(RECORDS, titles, strict=True)]


def test_every_reference_to_a_decision_record_names_one_that_exists() -> None:
    numbers = {path.name[:4] for path in RECORDS}
    unknown = [
        (name, number)
        for name in TRACKED
        if name.endswith((".py", ".md", ".html", ".js", ".toml", ".yaml")) and (ROOT / name).is_file()
        for number in re.findall(r"(?:decisions/|[Dd]ecision )(\d{4})\b", (ROOT / name).read_text())
        if number not in numbers
    ]
    assert unknown == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_path_in_backticks_exists(document: Path) -> None:
    names = re.findall(r"`([\w.-]+/[\w./-]*)`", prose(document))
    ours = [name for name in names if name.split("/")[0] in FOLDERS and not NOT_PATHS.fullmatch(name)]
    assert [name for name in ours if not (exists(name) or re.fullmatch(r"docs/decisions/\d{4}", name))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_module_and_name_in_backticks_exists(document: Path) -> None:
    missing = []
    for dotted in re.findall(r"`((?:\w+\.)+\w+)(?:\([\w, ]*\))?`", prose(document)):
        first, *rest = dotted.split(".")
        if first not in PACKAGES or rest[-1] in ("py", "md", "toml", "vn", "json"):
            continue
        module, names = first, rest
        while names and exists(f"{module.replace('.', '/')}/{names[0]}"):
            module, names = f"{module}.{names[0]}", names[1:]
        value: object = importlib.import_module(module)
        for name in names:
            value = getattr(value, name, None)
        if value is None:
            missing.append(dotted)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_relative_link_resolves(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name) if name else document
        headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE) if path.suffix == ".md" else []
        if not path.exists() or (anchor and anchor not in map(slug, headings)):
            broken.append(target)
    assert broken == []


def test_the_glossary_lists_each_term_once() -> None:
    rows = re.findall(r"^\|(.+)\|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    cells = [[cell.strip() for cell in row.split(" | ")] for row in rows if not row.startswith("---")]
    terms = [term.strip() for row in cells for term in row[-2].split(",") if term.strip() != "in code"]
    assert sorted(terms) == sorted(set(terms))
    assert len(terms) > 90


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=ids)
def test_documents_are_written_in_plain_words(document: Path) -> None:
    words = r"\b(anew|besides|somebody|whoever|whom|thereof|heed)\b"
    assert re.findall(words, prose(document), re.IGNORECASE) == []


def test_every_package_says_in_one_sentence_what_it_holds() -> None:
    product = [
        name for name in TRACKED if name.endswith("/__init__.py") and not name.startswith(("tests/", "benchmarks/"))
    ]
    for name in product:
        sentence = ast.get_docstring(ast.parse((ROOT / name).read_text())) or ""
        assert re.fullmatch(r"[A-Z][^\n.]*\.", sentence), f"{name}: {sentence!r}"
