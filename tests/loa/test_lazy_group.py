"""A subcommand whose part is not installed."""

import pytest
from click.testing import CliRunner

from loa.lazy_group import LazyCommand, LazyGroup


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("demo", "is not part of this installation. Run it in a copy of the source: make demo"),
        ("fastapi", "needs the packages of the extra [controller], which are not installed."),
    ],
)
def test_a_command_whose_part_is_not_installed_says_what_to_do(
    missing: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr("loa.lazy_group.import_module", refuse)
    group = LazyGroup("loa", {"try": LazyCommand("some.module:command", "A command.")}, "Loa.")
    result = CliRunner().invoke(group, ["try"])
    assert result.exit_code == 1
    assert sentence in result.output
