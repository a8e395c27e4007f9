"""`loa demo`: all of Loa on this machine, to look at; `--check` does the main job and judges it."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click

from demo.check import check as do_check
from demo.demo import Demo, DemoFailed
from demo.mergers import check_mergers, show_mergers
from demo.offline import check_offline
from demo.stations import MergersDemo
from loa.signals import stop_on_signals
from runtime.refusal import Refusal


@click.command(help="Controller, broker and three receivers on this machine; Ctrl-C stops everything.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this folder.")
@click.option("--http-port", type=int, default=0, help="Port of the page; by default 8080, or a free one.")
@click.option("--check", is_flag=True, help="Do the main job through HTTP, print one line of JSON, and end.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="With --check: keep the recordings here."
)
@click.option("--offline", is_flag=True, help="With --check: controller and broker are killed before the instant.")
@click.option("--mergers", is_flag=True, help="Two old units are merged live into a new one, while programmes play.")
def demo(data: Path | None, http_port: int, check: bool, keep: Path | None, offline: bool, mergers: bool) -> None:
    """Start all, then wait or check."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    try:
        with (MergersDemo if mergers else Demo)(data, http_port) as running:
            if check:
                figures, failed = _checked(running, keep, offline)
                click.echo(json.dumps(figures, ensure_ascii=False))
                for line in failed:
                    click.echo(line, err=True)
                sys.exit(1 if failed else 0)
            _greet(running)
            if isinstance(running, MergersDemo):
                threading.Thread(target=_show, args=(running, stopping), name="show", daemon=True).start()
            while not stopping.wait(0.5):
                if not running.controller.running:
                    raise DemoFailed(f"the controller ended:\n{running.controller.last_words()}")
    except (DemoFailed, Refusal) as failure:
        raise click.ClickException(str(failure)) from failure


def _show(running: MergersDemo, stopping: threading.Event) -> None:
    try:
        show_mergers(running, click.echo)
    except (DemoFailed, Refusal, OSError) as failure:
        if not stopping.is_set():  # else what it looks at is being stopped
            click.echo(str(failure), err=True)


def _checked(running: Demo, keep: Path | None, offline: bool) -> tuple[dict[str, Any], list[str]]:
    if isinstance(running, MergersDemo):
        return check_mergers(running, keep)
    return (check_offline if offline else do_check)(running, keep)


def _greet(running: Demo) -> None:
    click.echo(f"Loa is ready after {time.monotonic() - running.began_s:.1f} s.")
    click.echo(f"  Page:      {running.url}")
    if running.password:
        click.echo(f"  Operator:  {running.operator}")
        click.echo(f"  Password:  {running.password}   (one time only)")
    else:
        click.echo("  Sign in with the password chosen before; a new one: loa operator --data DIR")
    click.echo(f"  Folder:    {running.folder}")
    click.echo("Ctrl-C stops everything.")
