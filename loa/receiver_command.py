"""`loa receiver run`: runs a receiver until it is stopped; `loa receiver check-chain`: explains a chain file."""

import logging
import sys
import threading
from importlib import metadata
from pathlib import Path

import click

from gateway.chain_files import one_relay, read_chain
from gateway.description import sensor_words, step_words
from gateway.device_description import ChainUnusable, RdsOutput
from gateway.guard import HUNG_S
from gateway.rds_profiles import RdsProfile, frames_of
from loa.signals import stop_on_signals
from receiver.agent import Agent
from receiver.link.identity import CredentialsUnusable, Identity
from receiver.output.amplifier import Amplifier, RecordedAmplifier
from receiver.output.speaker import Speaker, SpeakerFailed
from receiver.sensing.microphone import Microphone
from receiver.sensing.sensors import NoSensors, Sensors
from runtime.heap import share_heaps

#: Larger blocks return to the system when they are freed: those of the microphone check.
_LARGE_BYTES = 256 << 10


@click.command(help="Run a receiver with its credentials.")
@click.option(
    "--credentials", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Its credentials file."
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where it keeps all it has."
)
@click.option(
    "--speaker",
    "speaker_name",
    default="card",
    show_default=True,
    help="card, card:NAME (as PortAudio names it), or virtual:DIR for a recording.",
)
@click.option("--ppm", type=float, default=0.0, help="Crystal error of a virtual speaker.")
@click.option("--amplifier-pin", help="Pin of the amplifier's relay, e.g. GPIO17. Without it, switching is recorded.")
@click.option(
    "--chain",
    "chain_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What is switched before it sounds, described as data (docs/chains.md). Instead of --amplifier-pin.",
)
@click.option(
    "--listen",
    "microphone_name",
    help="A microphone or line-in that hears the horn: card, card:NAME, or virtual:DIR of a virtual speaker.",
)
@click.option(
    "--hung-after",
    "hung_s",
    type=click.FloatRange(0.5, HUNG_S),
    default=HUNG_S,
    show_default=True,
    help="Seconds without a sign of life after which its guard ends it and switches amplifier or chain off.",
)
@click.option("--log-level", default="info", show_default=True)
def run(
    credentials: Path,
    data: Path,
    speaker_name: str,
    ppm: float,
    amplifier_pin: str | None,
    chain_file: Path | None,
    microphone_name: str | None,
    hung_s: float,
    log_level: str,
) -> None:
    """Runs until SIGTERM or SIGINT, or until a command asks for a restart."""
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    share_heaps(1, _LARGE_BYTES)  # with one for each thread glibc keeps 2 MB more
    stopping = threading.Event()
    stop_on_signals(stopping)
    try:
        identity = Identity.read(credentials)
        data.mkdir(parents=True, exist_ok=True)
        amplifier, senses = _behind(amplifier_pin, chain_file, data, hung_s)
        agent = Agent(
            identity,
            data,
            _speaker(speaker_name, ppm),
            amplifier,
            version=metadata.version("loa"),
            senses=senses,
            microphone=_microphone(microphone_name) if microphone_name else None,
        )
        why = agent.run(stopping)
    except (CredentialsUnusable, SpeakerFailed, ChainUnusable, OSError) as error:
        raise click.ClickException(str(error)) from error
    # A supervisor (systemd: Restart=on-failure) restarts it after a reboot command.
    sys.exit(75 if why == "reboot" else 0)


def _speaker(name: str, ppm: float) -> Speaker:
    kind, _, rest = name.partition(":")
    if kind == "virtual" and rest:
        from receiver.output.virtual_speaker import VirtualSpeaker  # noqa: PLC0415 - the other speaker's libraries cost memory

        return VirtualSpeaker(Path(rest), ppm=ppm)
    if kind == "card":
        from receiver.output.sound_card import SoundCard  # noqa: PLC0415

        return SoundCard(rest or None)
    raise click.BadParameter(f"{name!r} is no speaker. Write card, card:NAME or virtual:DIR.", param_hint="--speaker")


def _microphone(name: str) -> Microphone:
    kind, _, rest = name.partition(":")
    if kind == "virtual" and rest:
        from receiver.sensing.virtual_microphone import VirtualMicrophone  # noqa: PLC0415 - as for the speaker

        return VirtualMicrophone(Path(rest))
    if kind == "card":
        from receiver.sensing.card_microphone import CardMicrophone  # noqa: PLC0415

        return CardMicrophone(rest or None)
    raise click.BadParameter(f"{name!r} is no microphone. Write card, card:NAME or virtual:DIR.", param_hint="--listen")


@click.command("check-chain", help="Say what a chain does and how long it takes, or what is wrong with it.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check_chain(file: Path) -> None:
    """Reads the file; no device is opened or switched."""
    try:
        chain = read_chain(file)
    except ChainUnusable as error:
        raise click.ClickException(str(error)) from error
    for title, steps in (("on", chain.on), ("off", chain.steps_off)):
        click.echo(f"{title}:")
        for number, step in enumerate(steps, 1):
            click.echo(f"  {number}. {step_words(step)} (up to {chain.step_ms(step) / 1000:g} s)")
    for line in sensor_words(chain):
        click.echo(line)
    for name, output in chain.outputs.items():
        if isinstance(output, RdsOutput) and isinstance(output.profile, RdsProfile):
            for title, on in (("opens", True), ("closes", False)):
                frames = ", ".join(each.hex(" ") for each in frames_of(output.profile, output.groups, on))
                click.echo(f"{name} {title} with: {frames}")
    click.echo(f"It is told {chain.lead_ms / 1000:g} s before the first sample; path delay {chain.path_delay_ms:g} ms.")


def _behind(pin: str | None, chain_file: Path | None, data: Path, hung_s: float) -> tuple[Amplifier, Sensors]:
    """The amplifier or chain, and the sensors of the chain."""
    if chain_file is not None and pin is not None:
        raise click.BadParameter("give either --chain or --amplifier-pin, not both", param_hint="--chain")
    if chain_file is None and pin is None:
        return RecordedAmplifier(data / "amplifier.csv"), NoSensors()
    from gateway.chain_switch import ChainSwitch  # noqa: PLC0415 - costs memory where there is no chain
    from gateway.sensors import ChainSensors  # noqa: PLC0415

    chain = read_chain(chain_file) if chain_file else one_relay(str(pin))
    switch = ChainSwitch.begin(chain, data, hung_s=hung_s)
    return switch, ChainSensors(chain, switch.gauges, lambda: switch.is_switching)
