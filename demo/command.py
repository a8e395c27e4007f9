"""`loa demo`: all of Loa on this machine; with `--check` it plays one broadcast and judges the result."""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from demo.check import check as check_online
from demo.demo import Demo
from demo.emergency_check import check_emergency
from demo.emergency_demo import EmergencyDemo
from demo.failure import DemoFailed
from demo.mergers_check import check_mergers, show_mergers
from demo.mergers_demo import MergersDemo
from demo.offline import check_offline
from demo.relay_check import check_speak_and_relay
from loa.signals import stop_on_signals
from runtime.refusal import Refusal

Check = Callable[[Any, Path | None], tuple[dict[str, Any], list[str]]]


@click.command(help="Controller, broker and three receivers on this machine; Ctrl-C stops everything.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this folder.")
@click.option("--http-port", type=int, default=0, help="Port of the page; by default 8080, or a free one.")
@click.option("--check", is_flag=True, help="Play one broadcast, print the result as one line of JSON, and end.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="With --check: keep the recordings here."
)
@click.option("--offline", is_flag=True, help="With --check: kill controller and broker before the broadcast starts.")
@click.option(
    "--speak",
    is_flag=True,
    help="With --check: relay a station that is cut, then speak live through a browser with a recorded microphone.",
)
@click.option(
    "--emergency",
    is_flag=True,
    help="With --check: an emergency by two people, its cancel, a drill, and one by SMS; in real browsers.",
)
@click.option("--mergers", is_flag=True, help="Merge three communes into one while a programme plays in each.")
def demo(
    data: Path | None,
    http_port: int,
    check: bool,
    keep: Path | None,
    offline: bool,
    speak: bool,
    emergency: bool,
    mergers: bool,
) -> None:
    stopping = threading.Event()
    stop_on_signals(stopping)
    try:
        kind = MergersDemo if mergers else EmergencyDemo if emergency else Demo
        with kind(data, http_port) as running:
            if check:
                chosen = [c for c, asked in ((check_speak_and_relay, speak), (check_emergency, emergency)) if asked]
                usual = check_offline if offline else check_online
                figures, failed = _check(running, keep, chosen[0] if chosen else usual)
                click.echo(json.dumps(figures, ensure_ascii=False))
                for line in failed:
                    click.echo(line, err=True)
                sys.exit(1 if failed else 0)
            _greet(running)
            if isinstance(running, MergersDemo):
                threading.Thread(
                    target=_show_mergers, args=(running, stopping), name="show mergers", daemon=True
                ).start()
            while not stopping.wait(0.5):
                if not running.controller.running:
                    raise DemoFailed(running.controller.ending())
    except (DemoFailed, Refusal) as failure:
        raise click.ClickException(str(failure)) from failure


def _show_mergers(running: MergersDemo, stopping: threading.Event) -> None:
    try:
        show_mergers(running, click.echo)
    except (DemoFailed, Refusal, OSError) as failure:
        if not stopping.is_set():  # else the failure is that the demo is stopping
            click.echo(str(failure), err=True)


def _check(running: Demo, keep: Path | None, check: Check) -> tuple[dict[str, Any], list[str]]:
    if isinstance(running, MergersDemo):
        return check_mergers(running, keep)
    return check(running, keep)


def _greet(running: Demo) -> None:
    click.echo(f"Loa is ready after {time.monotonic() - running.started_at_s:.1f} s.")
    click.echo(f"  Page:      {running.url}")
    if running.password:
        click.echo(f"  Operator:  {running.operator}")
        click.echo(f"  Password:  {running.password}   (one time only)")
    else:
        click.echo("  Sign in with the password that you chose; for a new one: loa operator --data DIR")
    click.echo(f"  Folder:    {running.folder}")
    click.echo("Ctrl-C stops everything.")
