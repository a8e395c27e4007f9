"""`loa province-account`: stores name and password of a commune at the province's system, in the folder of secrets."""

from pathlib import Path

import click

from devices.communes import commune
from loa.schema import open_database
from province.accounts import Accounts
from province.links import restart_link
from runtime.refusal import Refusal
from runtime.settings import load_settings


@click.command(help="Keep name and password of a commune at the province's system. The password is asked for.")
@click.argument("commune_id", metavar="COMMUNE")
@click.argument("user", metavar="NAME")
@click.option("--password", prompt=True, hide_input=True, envvar="LOA_PROVINCE_PASSWORD", show_envvar=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
def account(commune_id: str, user: str, password: str, data: Path | None) -> None:
    """Changes files and tables directly; a running controller uses the account within seconds."""
    try:
        settings = load_settings(**({"data_dir": data} if data else {}))
        database = open_database(settings)
        with database.writing() as session:
            commune(session, commune_id)
            Accounts(settings.data_dir / "secrets").keep(commune_id, user, password)
            restart_link(session, commune_id)
        database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{commune_id} signs in at the province's system as {user}.")
