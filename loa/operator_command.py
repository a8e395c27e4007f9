"""`loa operator`: a new one-time password, for whoever has lost theirs, or for somebody new."""

from pathlib import Path

import click

from loa.controller import open_database
from runtime.clock import ControllerClock
from runtime.refusal import NotFound, Refusal
from runtime.settings import load_settings
from web.access import FIRST_OPERATOR, add_operator, renew_password


@click.command(help="Print a new one-time password of an operator; the operator is made when there is none.")
@click.argument("name", default=FIRST_OPERATOR)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--commune", help="For a new operator: the only commune this one may touch.")
def operator(name: str, data: Path | None, commune: str | None) -> None:
    """Works on the tables; the controller may run meanwhile."""
    try:
        settings = load_settings(**({"data_dir": data} if data else {}))
        database = open_database(settings)
        with database.writing() as session:
            try:
                password = renew_password(session, name)
            except NotFound:
                password = add_operator(session, name, ControllerClock().now(), commune)
        database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{name}: {password}   (one time only)")
