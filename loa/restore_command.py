"""`loa restore`: makes a data folder from a backup, on this machine or another."""

from pathlib import Path

import click

from loa.backup_command import asked_passphrase, shown_progress
from loa.schema import MIGRATIONS
from loa.terminal_language import terminal_wording
from runtime.clock import ControllerClock
from runtime.refusal import Refusal
from runtime.settings import load_settings
from transfer.backup import BackupInfo
from transfer.restoring import check, is_locked, restore
from web.formatting import Wording


@click.command("restore", help="Make a data folder of the backup FILE. Afterwards: docs/backup.md.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="A new or empty folder.")
@click.option("--database-url", help="An empty database; by default SQLite in the folder.")
@click.option("--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help="Its first line opens FILE.")
@click.option("--check", "only_check", is_flag=True, help="Only read it to its end and check every hash.")
def restore_command(
    file: Path, data: Path | None, database_url: str | None, passphrase_file: Path | None, only_check: bool
) -> None:
    """The folder appears only once everything in the backup is verified."""
    w = terminal_wording()
    if data is None and not only_check:
        raise click.UsageError(w.t("Where to? Name a new or empty folder with --data."))
    try:
        passphrase = asked_passphrase(w, passphrase_file, new=False) if is_locked(file) else None
        if only_check or data is None:
            with shown_progress(w, w.t("Checking")) as progress:
                about = check(file, passphrase, progress)
            click.echo(w.t("The backup is whole: {what}.", what=_words(w, about)))
            return
        values = {"database_url": database_url} if database_url else {}
        settings = load_settings(data_dir=data, **values)
        with shown_progress(w, w.t("Restoring")) as progress:
            archive = restore(
                file,
                data.absolute(),
                database_url=settings.database_url,
                scripts=MIGRATIONS,
                passphrase=passphrase,
                now=ControllerClock().now(),
                progress=progress,
            )
    except Refusal as refusal:
        raise click.ClickException(w.t.refusal(refusal)) from refusal
    restored = {"folder": data, "what": _words(w, archive.about), "files": w.number(archive.files)}
    click.echo(w.t("Restored into {folder}: {what}, {files} audio files.", **restored))
    if archive.settings_beside is not None:
        beside = archive.settings_beside
        click.echo(w.t("The old machine's settings: {file}. Look them through, then call it loa.toml.", file=beside))
    if archive.about.with_secrets:
        click.echo(w.t("Stop the old controller permanently before you start this one: receivers obey both."))
    else:
        click.echo(w.t("The key is a new one: give every receiver new credentials, on its page."))
    click.echo(w.t("Start it: {command}", command=f"loa serve --data {data}"))


def _words(w: Wording, about: BackupInfo) -> str:
    whole = w.t("everything") if about.commune is None else w.t("the commune {commune}", commune=about.commune)
    rows = w.number(sum(about.rows.values()))
    return w.t("{whole} as of {at}, {rows} rows", whole=whole, at=w.exact(about.made_at), rows=rows)
