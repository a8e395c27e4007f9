"""`loa receiver add`: enrols a receiver at the controller and writes its credentials."""

from pathlib import Path

import click

from devices.enrolment import write_credentials
from devices.stations import StationKind, stations
from loa.broker_access import issuer, public_broker_url
from loa.installation import installation_secrets
from loa.schema import open_database
from runtime.clock import ControllerClock
from runtime.refusal import Refusal
from runtime.settings import load_settings
from usecases.actors import CONTROLLER
from usecases.receivers import add_receiver_in
from usecases.stations import StationSettings, add_station_in
from wire.sealing import SealingKey

#: The name in the audit of a person who has the machine itself.
TYPED = CONTROLLER.named("loa receiver add")


@click.command(help="At the controller: add a receiver and write its credentials into a file.")
@click.argument("receiver")
@click.option("--commune", required=True, help="Short name of its commune.")
@click.option("--name", help="As people call it; by default its short name.")
@click.option("--station", help="Name of its station; made when the commune has none of that name.")
@click.option("--kind", type=click.Choice([k.value for k in StationKind]), default="ip", show_default=True)
@click.option("--zone", "zones", multiple=True, help="Short name of a zone; may be given several times.")
@click.option("--path-delay-ms", type=float, default=0.0, show_default=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="By default RECEIVER.json.")
def add(
    receiver: str,
    commune: str,
    name: str | None,
    station: str | None,
    kind: str,
    zones: tuple[str, ...],
    path_delay_ms: float,
    data: Path | None,
    out: Path | None,
) -> None:
    """Changes the tables directly; a running controller publishes the account within seconds."""
    target = out or Path(f"{receiver}.json")
    try:
        if target.exists():
            raise click.ClickException(f"{target} is there already. Choose another file with --out.")
        settings = load_settings(**({"data_dir": data} if data else {}))
        database = open_database(settings)
        key = SealingKey(installation_secrets(settings, database).controller_seed)
        with database.writing() as session:
            wanted = station or kind.upper()
            numbers = {s.name: s.number for s in stations(session, commune)}
            now = ControllerClock().now()
            number = numbers.get(wanted)
            if number is None:
                number = add_station_in(session, TYPED, commune, StationSettings(StationKind(kind), wanted), now).number
            _, credentials = add_receiver_in(
                session,
                TYPED,
                issuer(settings, key, public_broker_url(settings)),
                commune,
                receiver_id=receiver,
                station_id=number,
                name=name or receiver,
                zones=list(zones),
                now=now,
                path_delay_ms=path_delay_ms,
            )
            write_credentials(credentials, target)
        database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{target} holds its credentials. Bring it to the receiver, readable by its owner alone, then run:")
    click.echo(f"  loa receiver run --credentials {target} --data /var/lib/loa-receiver")
