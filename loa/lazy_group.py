"""A click group whose subcommands are imported only when they are asked for.

So a receiver needs neither database nor web, and a controller no sound library.
"""

from importlib import import_module
from typing import NamedTuple

import click

#: What an import that fails is part of, so that the sentence can name what to install.
EXTRAS = {
    "controller": ("fastapi", "sqlmodel", "sqlalchemy", "alembic", "apscheduler", "uvicorn", "pydantic_settings"),
    "receiver": ("numpy", "soundfile", "soxr", "sounddevice", "gpiozero"),
}


class Place(NamedTuple):
    """Where a subcommand stands (`module:attribute`), and one line of help."""

    at: str
    about: str


class LazyGroup(click.Group):
    """A group made from a table: name → where the command stands."""

    def __init__(self, name: str, table: dict[str, Place], about: str) -> None:
        super().__init__(name, help=about)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand. An extra that is not installed is named in a clear sentence."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name].at.partition(":")
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            extra = next((name for name, parts in EXTRAS.items() if missing in parts), None)
            if extra is None:
                raise
            raise click.ClickException(
                f"`{ctx.command_path} {cmd_name}` needs the packages of the extra [{extra}], which are not installed. "
                f"Install the wheel with it: pip install './loa-….whl[{extra}]' (README.md, For production)"
            ) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.about) for name, place in self._table.items()])
