"""`loa serve`: runs the controller until it is stopped."""

import logging
import sys
from pathlib import Path

import click

from loa.controller import Controller
from runtime.heap import share_heaps
from runtime.log_limit import LimitedLog
from runtime.refusal import Refusal
from runtime.settings import load_settings

#: Relays start threads for weeks; one heap for each of the threads at a time would go on growing for hours.
_HEAPS = 2


@click.command(help="Run the controller: broker, timetable, web page. Settings: docs/settings.md.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Where everything is kept.")
@click.option("--http-host", help="Address the web page listens on.")
@click.option("--http-port", type=int, help="Port the web page listens on.")
@click.option(
    "--https-port", type=int, help="Port the web page listens on with HTTPS; without a certificate Loa makes one."
)
@click.option("--public-url", help="How browsers and receivers reach this controller, e.g. https://loa.example.vn")
@click.option("--broker-host", help="Address the embedded broker listens on.")
@click.option("--broker-port", type=int, help="Port the embedded broker listens on.")
@click.option("--broker-url", help="Use this MQTT broker instead of the embedded one.")
@click.option("--database-url", help="Use this database instead of SQLite in the data directory.")
def serve(data: Path | None, **options: str | int | None) -> None:
    """Print the one-time password of the first operator, then the address, and serve."""
    values = {name: value for name, value in options.items() if value is not None}
    if data is not None:
        values["data_dir"] = str(data)
    try:
        settings = load_settings(**values)
        log_to_stderr(settings.log_level)
        share_heaps(_HEAPS)
        with Controller(settings) as controller:
            if controller.first_password:
                click.echo(
                    f"First operator: {controller.first_operator}   one-time password: {controller.first_password}"
                )
            click.echo(f"Loa is ready: {controller.settings.base_url}")
            if controller.https is not None:
                click.echo(f"With HTTPS:   {controller.settings.secure_url}")
                if controller.https.authority is not None:
                    click.echo(f"Other devices trust this server once: {controller.settings.base_url}/trust")
                    click.echo(f"Fingerprint to compare there: {controller.https.authority.fingerprint}")
            controller.run_web()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


def log_to_stderr(level: str) -> None:
    """level: of our own lines; the libraries' are held at WARNING where they would tell too much."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(LimitedLog())
    # Below WARNING httpx2 writes whole addresses: of a recording behind a signed link, its key too.
    for name in ("httpx2", "httpcore2", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # At INFO fontTools writes dozens of lines for each printed report.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
