"""`loa province-sim`: a province's system on this machine, for trying the exchange by hand."""

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from demo.province_messages import example_bulletin, example_command, example_schedule
from demo.province_simulator import Simulator
from province.profile import DEFAULT, profile
from runtime.refusal import Refusal

HELP = """\
  bulletin FILE [1|2|3] [TITLE]     a recording as a bulletin: 1 emergency, 2 priority, 3 normal
  schedule FILE MINUTES [1|2|3]     the same on the timetable, in so many minutes
  cancel CODE                       take a schedule back
  volume PERCENT [RECEIVER …]       command 0
  stop                              command 2: all that is on air
  reboot RECEIVER …                 command 3
  raw KIND JSON                     any message, also a wrong one: BanTin, LichPhat, HuyLichPhat, LenhDieuKhien
  away | back                       vanish, and be there again
  waiting | taken                   what waits for the commune; how much was taken
  end"""


@click.command(help="A province's system to try the exchange with: prints what arrives, sends down what you type.")
@click.option("--port", type=int, default=8099, show_default=True, help="Port it listens on, on this machine alone.")
@click.option("--user", default="xa", show_default=True)
@click.option("--password", help="By default one is made, and printed.")
@click.option("--profile", "name", default=DEFAULT, show_default=True, help="How it speaks.")
@click.option("--profiles", type=click.Path(path_type=Path, file_okay=False), help="A folder with own profiles.")
@click.option("--kept", type=click.Path(path_type=Path, dir_okay=False), help="Remember what was taken in this file.")
def province_sim(
    port: int, user: str, password: str | None, name: str, profiles: Path | None, kept: Path | None
) -> None:
    """Runs until "end", or the end of its input."""
    try:
        simulator = Simulator(
            profile(name, profiles), user=user, password=password or "", port=port, kept=kept, told=click.echo
        ).start()
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be listened on ({error.strerror}). Choose another --port."
        ) from error
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"The province is at {simulator.url}   name: {simulator.user}   password: {simulator.password}")
    click.echo("Enter these on the page Tỉnh of your Loa. Type what to send down:\n" + HELP)
    hand = Hand(simulator)
    try:
        for line in sys.stdin:
            if line.strip() and not hand.obey(line):
                break
    except KeyboardInterrupt:
        click.echo("")
    finally:
        simulator.stop()


class Hand:
    """Does what is typed."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._words: dict[str, Callable[[list[str]], object]] = {
            "bulletin": self._bulletin,
            "schedule": self._schedule,
            "cancel": self._cancel,
            "volume": self._volume,
            "stop": lambda _: self._command(2, 0, []),
            "reboot": lambda words: self._command(3, 0, words),
            "raw": self._raw,
            "away": lambda _: simulator.go_away(),
            "back": lambda _: simulator.come_back(),
            "waiting": lambda _: click.echo("\n".join(map(str, simulator.waiting)) or "nothing"),
            "taken": lambda _: click.echo(f"{len(simulator.taken.log)}, {len(simulator.taken.refused)} refused"),
        }

    def obey(self, line: str) -> bool:
        """One line. Gives whether to go on."""
        try:
            # JSON has quotation marks of its own.
            word, *rest = line.split(maxsplit=2) if line.split()[0] == "raw" else shlex.split(line)
            if word == "end":
                return False
            if word not in self._words:
                click.echo(f"“{word}” is none of these:\n{HELP}")
            else:
                self._words[word](rest)
        except OSError as error:
            click.echo(f"{error.filename or line.strip()}: {error.strerror}")
        except (ValueError, IndexError):
            click.echo(f"“{line.strip()}” cannot be read. Write it as one of these:\n{HELP}")
        return True

    def _bulletin(self, words: list[str]) -> None:
        path, urgency = Path(words[0]), int(words[1]) if len(words) > 1 else 3
        self._send("BanTin", example_bulletin(self._give(path), urgency, " ".join(words[2:]) or path.stem))

    def _schedule(self, words: list[str]) -> None:
        path, minutes = Path(words[0]), float(words[1])
        starts = [datetime.now(UTC) + timedelta(minutes=minutes)]
        urgency = int(words[2]) if len(words) > 2 else 3
        made = example_schedule(self._give(path), urgency, path.stem, starts)
        click.echo(f"LichPhatID {made['LichPhatID']}")
        self._send("LichPhat", made)

    def _cancel(self, words: list[str]) -> None:
        self._send("HuyLichPhat", {"LichPhatID": words[0]})

    def _volume(self, words: list[str]) -> None:
        self._command(0, int(words[0]), words[1:])

    def _command(self, code: int, value: int, receivers: list[str]) -> None:
        self._send("LenhDieuKhien", example_command(code, value, receivers))

    def _raw(self, words: list[str]) -> None:
        self._simulator.send_down_raw(words[0], words[1])

    def _give(self, path: Path) -> str:
        self._simulator.audio[path.name] = path.read_bytes()
        return f"{self._simulator.url}/am-thanh/{path.name}"

    def _send(self, kind: str, content: dict[str, object]) -> None:
        click.echo(f"waits for the commune: {self._simulator.send_down(kind, content)}")
