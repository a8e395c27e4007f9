"""`loa province-sim`: a simulated province system, for trying the exchange by hand."""

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
  schedule FILE MINUTES [1|2|3]     a recording as a scheduled bulletin, in so many minutes
  cancel CODE                       cancel a schedule
  volume PERCENT [RECEIVER …]       command 0
  stop                              command 2: everything on air
  reboot RECEIVER …                 command 3
  raw KIND JSON                     any message, valid or not: BanTin, LichPhat, HuyLichPhat, LenhDieuKhien
  offline | online                  close the port, and open it again
  waiting | received                messages waiting for the commune; number of messages received
  end"""


@click.command(help="A simulated province system: prints what arrives, sends what you type.")
@click.option("--port", type=int, default=8099, show_default=True, help="Port on this machine's loopback.")
@click.option("--user", default="xa", show_default=True)
@click.option("--password", help="By default a random one, printed at the start.")
@click.option("--profile", "name", default=DEFAULT, show_default=True, help="Message format of the province.")
@click.option("--profiles", type=click.Path(path_type=Path, file_okay=False), help="A folder with more profiles.")
@click.option(
    "--kept",
    "messages_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep received messages in this file.",
)
def province_sim(
    port: int, user: str, password: str | None, name: str, profiles: Path | None, messages_file: Path | None
) -> None:
    """Runs until "end" is typed or standard input ends."""
    try:
        simulator = Simulator(
            profile(name, profiles),
            user=user,
            password=password or "",
            port=port,
            messages_file=messages_file,
            print_line=click.echo,
        ).start()
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be listened on ({error.strerror}). Choose another --port."
        ) from error
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"The province is at {simulator.url}   name: {simulator.user}   password: {simulator.password}")
    click.echo("Enter these on the page Tỉnh of your Loa. Commands:\n" + HELP)
    console = SimulatorConsole(simulator)
    try:
        for line in sys.stdin:
            if line.strip() and not console.run(line):
                break
    except KeyboardInterrupt:
        click.echo("")
    finally:
        simulator.stop()


class SimulatorConsole:
    """Runs typed commands on a simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._commands: dict[str, Callable[[list[str]], object]] = {
            "bulletin": self._bulletin,
            "schedule": self._schedule,
            "cancel": self._cancel,
            "volume": self._volume,
            "stop": lambda _: self._command(2, 0, []),
            "reboot": lambda words: self._command(3, 0, words),
            "raw": self._raw,
            "offline": lambda _: simulator.go_offline(),
            "online": lambda _: simulator.go_online(),
            "waiting": lambda _: click.echo("\n".join(map(str, simulator.waiting)) or "nothing"),
            "received": lambda _: click.echo(
                f"{len(simulator.received.log)}, {len(simulator.received.refused)} refused"
            ),
        }

    def run(self, line: str) -> bool:
        """Run one line. Returns False when it ends the session."""
        try:
            # shlex would strip the quotation marks of JSON.
            word, *rest = line.split(maxsplit=2) if line.split()[0] == "raw" else shlex.split(line)
            if word == "end":
                return False
            if word not in self._commands:
                click.echo(f"“{word}” is not a command. Commands:\n{HELP}")
            else:
                self._commands[word](rest)
        except OSError as error:
            click.echo(f"{error.filename or line.strip()}: {error.strerror}")
        except (ValueError, IndexError):
            click.echo(f"“{line.strip()}” cannot be read. Commands:\n{HELP}")
        return True

    def _bulletin(self, words: list[str]) -> None:
        path, urgency = Path(words[0]), int(words[1]) if len(words) > 1 else 3
        self._send("BanTin", example_bulletin(self._serve(path), urgency, " ".join(words[2:]) or path.stem))

    def _schedule(self, words: list[str]) -> None:
        path, minutes = Path(words[0]), float(words[1])
        starts = [datetime.now(UTC) + timedelta(minutes=minutes)]
        urgency = int(words[2]) if len(words) > 2 else 3
        schedule = example_schedule(self._serve(path), urgency, path.stem, starts)
        click.echo(f"LichPhatID {schedule['LichPhatID']}")
        self._send("LichPhat", schedule)

    def _cancel(self, words: list[str]) -> None:
        self._send("HuyLichPhat", {"LichPhatID": words[0]})

    def _volume(self, words: list[str]) -> None:
        self._command(0, int(words[0]), words[1:])

    def _command(self, code: int, value: int, receivers: list[str]) -> None:
        self._send("LenhDieuKhien", example_command(code, value, receivers))

    def _raw(self, words: list[str]) -> None:
        self._simulator.send_down_raw(words[0], words[1])

    def _serve(self, path: Path) -> str:
        self._simulator.audio[path.name] = path.read_bytes()
        return f"{self._simulator.url}/am-thanh/{path.name}"

    def _send(self, kind: str, content: dict[str, object]) -> None:
        click.echo(f"waits for the commune: {self._simulator.send_down(kind, content)}")
