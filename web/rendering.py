"""Templates rendered: the same for a page and for a part of it."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from devices.zones import Zone
from parsing.names import told_apart
from web.assets import Assets
from web.language import LANGUAGES, translators

TEMPLATES = Path(__file__).parent / "templates"


class IndentStrippingLoader(FileSystemLoader):
    """Reads templates without their indentation, so that it does not travel with every page.

    The text of a `<pre>` or `<textarea>` must therefore stand at the left margin.
    """

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_fresh = super().get_source(environment, template)
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE), path, is_fresh


class Renderer:
    """Templates, the same for a page and for a part of it."""

    def __init__(self, assets: Assets) -> None:
        self.translators = translators()
        self._environment = Environment(
            loader=IndentStrippingLoader(TEMPLATES),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(asset=assets.url, languages=LANGUAGES, zone_labels=zone_labels)

    def compile_all(self) -> None:
        """Compile every template, so that no page waits for it. Takes seconds: call it beside the first requests."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(**values)


def zone_labels(zones: Iterable[Zone]) -> dict[str, str]:
    """What a form calls each zone, by id; zones of one name are told apart."""
    return told_apart((zone.id, zone.name) for zone in zones)
