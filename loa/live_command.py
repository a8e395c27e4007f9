"""`loa live`: puts a file, standard input or a sound card on air, in a separate process beside the controller."""

import logging
import secrets
import sys
import time
from pathlib import Path

import click

from broadcast.audio_live import LiveSource
from devices.communes import communes
from loa.broker_access import connection
from loa.installation import installation_secrets
from loa.live_broadcast import BROKER_TIMEOUT_S, MOST_HOURS, LiveBroadcast
from loa.schema import open_database
from loa.signals import stop_on_signals
from runtime.broker import MqttBroker
from runtime.database import Database
from runtime.refusal import N_, Refusal
from runtime.secret_files import Secrets
from runtime.settings import Settings, load_settings
from studio.live_recordings import live_folder
from wire.broadcasts import BroadcastClass, Targets
from wire.sealing import SealingKey


def connect(settings: Settings, stored_secrets: Secrets) -> MqttBroker:
    """A second connection beside the controller's, with another client id. Raises Refusal when the broker is silent."""
    broker = connection(settings, stored_secrets.broker_password, f"live-{secrets.token_hex(4)}")
    deadline_s = time.monotonic() + BROKER_TIMEOUT_S
    while not broker.connected:
        if time.monotonic() > deadline_s:
            broker.close()
            raise Refusal(N_("The broker does not answer. Is the controller running, with the same data folder?"))
        time.sleep(0.02)
    return broker


@click.command(help="Put a recording, standard input (-) or a sound card (--device) on air, live.")
@click.argument("source", metavar="FILE|-", required=False)
@click.option("--device", help="A sound card instead of FILE, by its ALSA name: default, hw:1.")
@click.option("--raw", is_flag=True, help="Standard input is S16_LE, 48 kHz, two channels.")
@click.option("--commune", help="Its short name; may be left out when there is one only.")
@click.option("--zone", "zones", multiple=True, help="A zone to sound in; by default the whole commune.")
@click.option("--receiver", "receivers", multiple=True, help="A receiver to sound on.")
@click.option(
    "--class", "class_", type=click.Choice([c.value for c in BroadcastClass]), default="normal", show_default=True
)
@click.option("--title", default="Phát trực tiếp", show_default=True, help="As people see it on the page.")
@click.option(
    "--buffer-ms",
    type=click.IntRange(100, 10_000),
    default=1000,
    show_default=True,
    help="How long before it sounds a frame is sent: LAN 200, 4G 1000.",
)
@click.option("--packets-per-message", type=click.IntRange(1, 50), default=2, show_default=True, help="Of 20 ms each.")
@click.option("--bit-rate", type=click.IntRange(6_000, 256_000), default=32_000, show_default=True, help="bit/s.")
@click.option(
    "--hours", type=click.FloatRange(0.01, MOST_HOURS), default=MOST_HOURS, show_default=True, help="At most."
)
@click.option("--over", is_flag=True, help="Interrupt a person who is speaking live.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--broker-host", help="As for loa serve.")
@click.option("--broker-port", type=int, help="As for loa serve.")
@click.option("--broker-url", help="As for loa serve.")
def live(
    source: str | None,
    device: str | None,
    raw: bool,
    commune: str | None,
    zones: tuple[str, ...],
    receivers: tuple[str, ...],
    class_: str,
    title: str,
    buffer_ms: int,
    packets_per_message: int,
    bit_rate: int,
    hours: float,
    over: bool,
    data: Path | None,
    **options: str | int | None,
) -> None:
    """Runs on the controller's machine. Ends with the input, at a signal, or when stopped on the page."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    if (source is None) == (device is None):
        raise click.UsageError("Name one source: a FILE, - for standard input, or --device NAME.")
    try:
        chosen = {name: value for name, value in options.items() if value is not None}
        settings = load_settings(**chosen, **({"data_dir": data} if data is not None else {}))
        if not settings.broker_url and not (settings.data_dir / "secrets" / "broker.password").exists():
            raise Refusal(N_("There is no controller in {folder}. Name its folder with --data."), folder=str(data))
        live_input = _input(source, device, raw)
        database = open_database(settings)
        try:
            stored_secrets = installation_secrets(settings, database)
            commune_id = commune or _only_commune(database)
            targets = Targets(all=not zones and not receivers, zones=list(zones), receivers=list(receivers))
            broker = connect(settings, stored_secrets)
            try:
                on_air = LiveBroadcast(
                    database,
                    broker,
                    SealingKey(stored_secrets.controller_seed),
                    commune_id=commune_id,
                    targets=targets,
                    class_=BroadcastClass(class_),
                    title=title,
                    buffer_ms=buffer_ms,
                    packets_per_message=packets_per_message,
                    bit_rate=bit_rate,
                    recording_folder=live_folder(settings.data_dir / "originals"),
                    hours=hours,
                    over=over,
                )
                stop_on_signals(on_air.ending)
                with on_air, live_input:
                    click.echo(f"On air: {on_air.id}")
                    on_air.send(live_input, skip_early=device is not None)
                if not on_air.is_recorded:
                    click.echo("It was not recorded: the disk could not be written.", err=True)
            finally:
                broker.close()
        finally:
            database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _input(source: str | None, device: str | None, raw: bool) -> LiveSource:
    if device is not None:
        return LiveSource.device(device)
    if source == "-" or source is None:
        return LiveSource.pipe(sys.stdin.buffer, raw=raw)
    return LiveSource.file(Path(source))


def _only_commune(database: Database) -> str:
    with database.session() as session:
        all_communes = communes(session)
    if len(all_communes) != 1:
        raise Refusal(N_("There are {count} communes. Name one with --commune."), count=len(all_communes))
    return all_communes[0].id
