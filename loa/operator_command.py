"""`loa operator`: a new one-time password for an operator, who is created when there is none of that name."""

from pathlib import Path

import click

from loa.schema import open_database
from people.operators import FIRST_OPERATOR
from people.rights import Role
from runtime.clock import ControllerClock
from runtime.refusal import Refusal
from runtime.settings import load_settings
from usecases.actors import CONTROLLER
from usecases.operators import renew_password_at_the_machine
from usecases.services import Services
from web.access import close_sessions

#: The name in the audit of a person who has the machine itself.
TYPED = CONTROLLER.named("loa operator")


@click.command(help="Print a new one-time password of an operator; the operator is made when there is none.")
@click.argument("name", default=FIRST_OPERATOR)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--commune", help="For a new operator: the only commune this one may touch.")
@click.option(
    "--role",
    type=click.Choice([r.value for r in Role if r is not Role.PROVINCE]),
    default=Role.CHAIR.value,
    help="For a new operator with a commune: what this one is there.",
)
def operator(name: str, data: Path | None, commune: str | None, role: str) -> None:
    """Changes the tables directly; the controller may run."""
    try:
        settings = load_settings(**({"data_dir": data} if data else {}))
        database = open_database(settings)
        services = Services(database, ControllerClock(), sign_out=close_sessions)
        password = renew_password_at_the_machine(services, TYPED, name, commune_id=commune, role=Role(role))
        database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{name}: {password}   (one time only)")
