"""Every sentence that people may see: collected from the code and the templates."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGES = (
    "runtime",
    "devices",
    "acoustics",
    "noise",
    "people",
    "broadcast",
    "schedules",
    "usecases",
    "mergers",
    "transfer",
    "province",
    "web",
    "loa",
    "demo",
)
_IN_TEMPLATE = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_COUNTED = re.compile(r"""\bt\.count\(\s*"([^"]*)",\s*"([^"]*)\"""")


def sentences() -> set[str]:
    """The message ids of N_("…") and t("…") in Python, and of t("…") in templates."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found |= _of_python(ast.parse(path.read_text()))
    for path in (ROOT / "web" / "templates").glob("*.html"):
        text = path.read_text()
        found |= {one or other for one, other in _IN_TEMPLATE.findall(text)}
    return found - {""}


def counted() -> set[tuple[str, str]]:
    """The message ids of t.count("{n} …", "{n} …")."""
    found: set[tuple[str, str]] = set()
    for path in [*(ROOT / "web").rglob("*.py"), *(ROOT / "web" / "templates").glob("*.html")]:
        found |= set(_COUNTED.findall(path.read_text()))
    pairs = re.findall(r'"(\{n\} \w+)", "(\{n\} \w+)"', (ROOT / "web" / "formatting.py").read_text())
    return found | set(pairs)


def _of_python(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _names(node.func):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def _names(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in ("N_", "t")
    return isinstance(function, ast.Attribute) and function.attr == "t"
