"""A click group that imports a subcommand only when it is run.

So a receiver needs neither database nor web, a controller no sound card, and an installation no demo.
"""

import gc
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import click

#: By extra: libraries whose absence shows that it is not installed.
EXTRAS = {
    "controller": ("fastapi", "sqlmodel", "sqlalchemy", "alembic", "apscheduler", "uvicorn", "pydantic_settings"),
    "receiver": ("numpy", "soundfile", "soxr", "sounddevice", "gpiozero"),
}


class LazyCommand(NamedTuple):
    """target: `module:attribute`. about: one line of help."""

    target: str
    about: str


class LazyGroup(click.Group):
    """table: by name of the subcommand, in the order of the help."""

    def __init__(self, name: str, table: dict[str, LazyCommand], about: str) -> None:
        super().__init__(name, help=about)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand. Raises ClickException that names the part which is not installed."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name].target.partition(":")
        try:
            command: click.Command = getattr(_imported(module), attribute)
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            extra = next((name for name, parts in EXTRAS.items() if missing in parts), None)
            if missing == "demo":
                raise click.ClickException(
                    f"`{ctx.command_path} {cmd_name}` is not part of this installation. Run it in a copy of the "
                    "source: make demo"
                ) from None
            if extra is None:
                raise
            raise click.ClickException(
                f"`{ctx.command_path} {cmd_name}` needs the packages of the extra [{extra}], which are not installed. "
                f"Install the wheel with it: pip install './loa-….whl[{extra}]' (README.md, For production)"
            ) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Written from the table: click would import every subcommand for its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.about) for name, command in self._table.items()])


def _imported(name: str) -> ModuleType:
    """Import without garbage collection: it would scan all that was imported so far some 200 times, and find little."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()
