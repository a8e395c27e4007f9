"""`loa operator`: a new one-time password for an operator, who is created when there is none of that name."""

from pathlib import Path

import click

from devices.communes import commune as commune_of
from loa.schema import open_database
from people.audit import Deed, note
from people.operators import FIRST_OPERATOR, add_operator, appoint, operator_named, renew_password
from people.rights import Role
from runtime.clock import ControllerClock
from runtime.refusal import NotFound, Refusal
from runtime.settings import load_settings
from web.access import close_sessions

#: Name in the audit for actions on the command line of the machine itself.
BY = "loa operator"


@click.command(help="Print a new one-time password of an operator; the operator is made when there is none.")
@click.argument("name", default=FIRST_OPERATOR)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--commune", help="For a new operator: the only commune this one may touch.")
@click.option(
    "--role",
    type=click.Choice([r.value for r in Role if r is not Role.PROVINCE]),
    default=Role.CHAIR.value,
    help="For a new operator with a commune: what this one is there.",
)
def operator(name: str, data: Path | None, commune: str | None, role: str) -> None:
    """Changes the tables directly; the controller may run."""
    try:
        settings = load_settings(**({"data_dir": data} if data else {}))
        database, now = open_database(settings), ControllerClock().now()
        with database.writing() as session:
            try:
                account = operator_named(session, name)
            except NotFound:
                account, password = add_operator(session, name, now)
                account.admin = commune is None
                if commune is not None:
                    appoint(session, account.number, commune_of(session, commune).id, Role(role))
                deed = Deed.OPERATOR_ADDED
            else:
                password, deed = renew_password(session, account), Deed.PASSWORD_RENEWED
                close_sessions(session, account.number)
            note(session, at=now, by=BY, commune_id=commune or "", action=deed, detail=account.name)
        database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{name}: {password}   (one time only)")
