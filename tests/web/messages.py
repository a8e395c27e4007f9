"""Every sentence that people may see: collected from the code and the templates."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

_COUNTED = re.compile(r"""\bt\.count\(\s*"([^"]*)",\s*"([^"]*)\"""")
ROOT = Path(__file__).parent.parent.parent
PACKAGES = (
    "runtime",
    "parsing",
    "devices",
    "acoustics",
    "cap",
    "noise",
    "speech",
    "people",
    "notifications",
    "broadcast",
    "relay",
    "alerts",
    "schedules",
    "usecases",
    "studio",
    "mergers",
    "transfer",
    "province",
    "web",
    "loa",
    "demo",
)


def sentences() -> set[str]:
    """The message ids of N_("…") and t("…") in Python, and of t("…") in templates."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found |= _of_python(ast.parse(path.read_text()))
    for call in _template_calls():
        if isinstance(call.node, nodes.Name) and call.node.name == "t":
            found |= set(_texts(call)[:1])
    return found - {""}


def counted() -> set[tuple[str, str]]:
    """The message ids of t.count("{n} …", "{n} …")."""
    found: set[tuple[str, str]] = set()
    for call in _template_calls():
        if isinstance(call.node, nodes.Getattr) and call.node.attr == "count" and len(_texts(call)) == 2:
            found.add((_texts(call)[0], _texts(call)[1]))
    for path in (ROOT / "web").rglob("*.py"):
        found |= set(_COUNTED.findall(path.read_text()))
    pairs = re.findall(r'"(\{n\} \w+)", "(\{n\} \w+)"', (ROOT / "web" / "formatting.py").read_text())
    return found | set(pairs)


def _template_calls() -> Iterator[nodes.Call]:
    environment = Environment(autoescape=True)
    for path in (ROOT / "web" / "templates").glob("*.html"):
        yield from environment.parse(path.read_text()).find_all(nodes.Call)


def _texts(call: nodes.Call) -> list[str]:
    """The literal strings among the arguments."""
    return [each.value for each in call.args if isinstance(each, nodes.Const) and isinstance(each.value, str)]


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
