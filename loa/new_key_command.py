"""`loa new-key`: makes a new key of the controller, when the old one is lost or stolen."""

from pathlib import Path

import click

from devices.receivers import receivers
from loa.installation import secrets_folder
from loa.schema import open_database
from runtime.refusal import Refusal
from runtime.secret_files import renew_controller_key
from runtime.settings import load_settings


@click.command("new-key", help="Make a new key of the controller. Every receiver then needs new credentials.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def new_key(data: Path | None, yes: bool) -> None:
    """The controller is stopped before, and started afterwards."""
    try:
        settings = load_settings(**({"data_dir": data} if data else {}))
        database = open_database(settings)
        with database.session() as session:
            count = len(receivers(session))
        database.close()
        if not yes:
            click.confirm(
                f"{count} receivers obey the present key only. With a new one each needs new credentials; until then "
                "it plays what it has. Make a new key?",
                abort=True,
            )
        renew_controller_key(secrets_folder(settings))
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(
        "A new key is made. Start the controller again, and create new credentials on the page of each receiver:"
    )
    click.echo("copy them to the receiver in the place of the old ones.")
