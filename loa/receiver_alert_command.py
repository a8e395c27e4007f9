"""`loa receiver alert`: hands an alert that came by SMS to the running receiver, for programs that own the modem."""

import sys
from pathlib import Path

import click

from receiver.alerts.alert_drop import NoAlert, drop_folder, put_alert
from wire.alerts import MOST_BYTES


@click.command("alert", help="Hand an alert on standard input (the bytes of one SMS) to the receiver on this machine.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The receiver's folder, as for run."
)
def alert(data: Path) -> None:
    """The receiver verifies it. Exit status 1, with the reason, unless it was handed over."""
    folder = drop_folder(data)
    if not folder.is_dir():
        raise click.ClickException(
            f"No receiver keeps its data in {data}. Give the folder of `loa receiver run --data`."
        )
    try:
        put_alert(folder, sys.stdin.buffer.read(MOST_BYTES + 1))
    except NoAlert as error:
        raise click.ClickException(f"Nothing was handed over: {error}.") from error
    except OSError as error:
        raise click.ClickException(
            f"{folder} does not take the message: {error.strerror}. The user of this command needs write access."
        ) from error
