"""`loa receiver run`: one receiver, until it is told to stop."""

import contextlib
import ctypes
import logging
import sys
import threading
from importlib import metadata
from pathlib import Path

import click

from loa.signals import stop_on_signals
from receiver.agent import Agent
from receiver.amplifier import Amplifier, AmplifierFailed, RecordedAmplifier
from receiver.identity import CredentialsUnusable, Identity
from receiver.speaker import Speaker, SpeakerFailed

#: mallopt(3), of glibc.
_M_ARENA_MAX = -8


@click.command(help="Run a receiver with its credentials.")
@click.option(
    "--credentials", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Its credentials file."
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where it keeps all it has."
)
@click.option(
    "--speaker", "speaker_name", default="card", show_default=True,
    help="card, card:NAME (as PortAudio names it), or virtual:DIR for a recording.",
)  # fmt: skip
@click.option("--ppm", type=float, default=0.0, help="Crystal error of a virtual speaker.")
@click.option("--amplifier-pin", help="Pin of the amplifier's relay, e.g. GPIO17. Without it, switching is recorded.")
@click.option("--log-level", default="info", show_default=True)
def run(
    credentials: Path, data: Path, speaker_name: str, ppm: float, amplifier_pin: str | None, log_level: str
) -> None:
    """Read the credentials, open speaker and amplifier, and live."""
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    _spare_memory()
    stopping = threading.Event()
    stop_on_signals(stopping)
    try:
        identity = Identity.read(credentials)
        data.mkdir(parents=True, exist_ok=True)
        amplifier = _amplifier(amplifier_pin, data)
        agent = Agent(identity, data, _speaker(speaker_name, ppm), amplifier, version=metadata.version("loa"))
        why = agent.run(stopping)
    except (CredentialsUnusable, SpeakerFailed, AmplifierFailed, OSError) as error:
        raise click.ClickException(str(error)) from error
    # A supervisor (systemd: Restart=on-failure) starts it anew after a reboot command.
    sys.exit(75 if why == "reboot" else 0)


def _spare_memory() -> None:
    """Let all threads share one heap: glibc gives each its own, and each keeps what was once used, 2 MB in all."""
    with contextlib.suppress(OSError, AttributeError):  # another libc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _speaker(name: str, ppm: float) -> Speaker:
    kind, _, rest = name.partition(":")
    if kind == "virtual" and rest:
        from receiver.virtual_speaker import VirtualSpeaker  # noqa: PLC0415 - the other speaker's libraries cost memory

        return VirtualSpeaker(Path(rest), ppm=ppm)
    if kind == "card":
        from receiver.sound_card import SoundCard  # noqa: PLC0415

        return SoundCard(rest or None)
    raise click.BadParameter(f"{name!r} is no speaker. Write card, card:NAME or virtual:DIR.", param_hint="--speaker")


def _amplifier(pin: str | None, data: Path) -> Amplifier:
    if pin is None:
        return RecordedAmplifier(data / "amplifier.csv")
    from receiver.gpio_amplifier import GpioAmplifier  # noqa: PLC0415

    return GpioAmplifier(pin)
