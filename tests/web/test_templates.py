"""The form of the templates, and what is sent of it."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from web.assets import ROOT as STATIC
from web.assets import Assets
from web.rendering import TEMPLATES, IndentStrippingLoader, Renderer

LONGEST_LINE = 120


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_line_of_a_template_is_longer_than_120_characters(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), 1)
    assert [number for number, line in lines if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_field_shows_a_day_or_a_time_in_the_language_of_the_browser(path: Path) -> None:
    assert re.findall(r'type="(?:date|time|datetime-local|month|week)"', path.read_text()) == []


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_no_rule_of_a_stylesheet_stands_in_another_but_for_media(path: Path) -> None:
    """A brace that is missing makes all rules after it parts of the one before, which no browser complains of."""
    inside: list[str] = []
    for head, brace in re.findall(
        r"([^{};]*)([{}])", re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", path.read_text(), flags=re.S)
    ):
        if brace == "}":
            inside.pop()
        else:
            assert all(outer.startswith("@") for outer in inside), f"{head.strip()} stands in {inside}"
            inside.append(head.strip())
    assert inside == []


def test_the_indentation_of_a_template_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "list.html").write_text("<ul>\n  {% for n in (1, 2) %}\n    <li>{{ n }}</li>\n  {% endfor %}\n</ul>\n")
    environment = Environment(loader=IndentStrippingLoader(tmp_path), autoescape=True, trim_blocks=True)
    assert environment.get_template("list.html").render() == "<ul>\n<li>1</li>\n<li>2</li>\n</ul>"


def test_every_template_compiles() -> None:
    """A controller compiles them beside the first requests, where a fault would only be logged."""
    Renderer(Assets()).compile_all()
