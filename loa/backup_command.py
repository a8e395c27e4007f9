"""`loa backup`: writes an installation or a commune into one file, while the controller runs."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from loa.terminal_language import terminal_wording
from runtime.clock import ControllerClock
from runtime.database import Database
from runtime.refusal import N_, Refusal
from runtime.settings import load_settings
from transfer.age_file import SHORTEST_PASSPHRASE
from transfer.backup import BackedUp, Progress, back_up
from web.formatting import Wording

PASSPHRASE_VARIABLE = "LOA_BACKUP_PASSPHRASE"  # noqa: S105 - the name of a variable
#: How often a line of progress is written where nobody looks at a bar.
_LINE_EVERY_S = 10.0


@click.command(help="Write everything into FILE, while the controller runs. What is in it: docs/backup.md.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--commune", help="Only this commune, without the controller's key.")
@click.option("--with-key", is_flag=True, help="With --commune: the key too, which commands every commune.")
@click.option("--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help="Its first line locks FILE.")
@click.option("--without-passphrase", is_flag=True, help="Anyone with the file can then command every loudspeaker.")
def backup(
    file: Path,
    data: Path | None,
    commune: str | None,
    with_key: bool,
    passphrase_file: Path | None,
    without_passphrase: bool,
) -> None:
    """Reads the tables directly; the controller may run."""
    if with_key and commune is None:
        raise click.UsageError("--with-key goes with --commune; a backup of everything has the key anyway.")
    w = terminal_wording()
    passphrase = None if without_passphrase else asked_passphrase(w, passphrase_file, new=True)
    try:
        settings = load_settings(**({"data_dir": data} if data else {}))
        if not settings.data_dir.is_dir():
            raise Refusal(N_("There is no data folder {folder}. Name it with --data."), folder=str(settings.data_dir))
        database = Database(settings.database)
        try:
            with shown_progress(w, w.t("Writing")) as progress:
                archive = back_up(
                    database,
                    settings.data_dir,
                    file,
                    now=ControllerClock().now(),
                    passphrase=passphrase,
                    commune_id=commune,
                    with_secrets=commune is None or with_key,
                    progress=progress,
                )
        finally:
            database.close()
    except Refusal as refusal:
        raise click.ClickException(w.t.refusal(refusal)) from refusal
    _tell(w, file, archive, locked=passphrase is not None)


def asked_passphrase(w: Wording, file: Path | None, *, new: bool) -> str:
    """The passphrase: from a file, from the environment, or typed. Raises ClickException when there is none."""
    if file is not None:
        try:
            lines = file.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(w.t("{file} cannot be read: {why}", file=file, why=error)) from error
        return lines[0].strip() if lines else ""
    if passphrase := os.environ.get(PASSPHRASE_VARIABLE):
        return passphrase
    if not sys.stdin.isatty():
        missing = w.t(
            "Which passphrase? Name a file that holds it (--passphrase-file), or set {variable}.",
            variable=PASSPHRASE_VARIABLE,
        )
        raise click.ClickException(missing + (" " + w.t("Without one: --without-passphrase.") if new else ""))
    about = w.t("Passphrase")
    if new:
        about = w.t(
            "Passphrase (at least {least} characters; nobody can open the backup without it)", least=SHORTEST_PASSPHRASE
        )
    typed: str = click.prompt(
        about, hide_input=True, confirmation_prompt=w.t("The passphrase once more") if new else False
    )
    return typed


@contextmanager
def shown_progress(w: Wording, what: str) -> Iterator[Progress]:
    """Progress on stderr: a line that is updated on a terminal, else a line every ten seconds."""
    terminal = sys.stderr.isatty()
    last_s = time.monotonic()

    def told(count: int, of: int) -> None:
        nonlocal last_s
        if time.monotonic() - last_s < (0.2 if terminal else _LINE_EVERY_S):
            return
        last_s = time.monotonic()
        share = f" / {w.size(of)} ({100 * count // of} %)" if of else ""
        click.echo(f"{what}: {w.size(count)}{share}", err=True, nl=not terminal)
        if terminal:
            click.echo("\r", err=True, nl=False)

    yield told
    if terminal:
        click.echo(err=True)


def _tell(w: Wording, file: Path, archive: BackedUp, *, locked: bool) -> None:
    about, t = archive.about, w.t
    whole = t("everything") if about.commune is None else t("the commune {commune}", commune=about.commune)
    click.echo(
        t(
            "{file}: {whole}, {rows} rows, {files} audio files, {size}.",
            file=file,
            whole=whole,
            rows=w.number(sum(about.rows.values())),
            files=w.number(archive.files),
            size=w.size(archive.size),
        )
    )
    if about.with_secrets and not locked:
        click.echo(t("It holds the controller's key and is not locked: keep it where nobody else can read it."))
    elif locked:
        click.echo(t("It is locked. Keep the passphrase elsewhere: without it nobody can open the backup, nor can we."))
    if not about.with_secrets:
        click.echo(t("The controller's key is not in it: restored elsewhere, every receiver needs new credentials."))
    for name in archive.missing:
        click.echo(t("Missing in this installation, so not in the backup: {name}", name=name), err=True)
    for name in archive.damaged:
        click.echo(t("Damaged in this installation, in the backup as it is: {name}", name=name), err=True)
