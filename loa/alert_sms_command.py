"""`loa alert-sms-test`: sends an SMS that receivers drop, to see whether alerts would go out."""

import secrets
import time
from pathlib import Path

import click

from loa.alert_sms import alert_sms_sender_of
from parsing.phones import parse_phone
from runtime.refusal import Refusal
from runtime.settings import load_settings

#: gammu-smsd looks into its outbox every 30 s where its configuration says nothing else.
_MOST_WAITING_S = 90.0
_CONTENT = b"loa test"


@click.command(help="Send a test SMS to a receiver's number the way alerts go. Receivers drop it.")
@click.argument("phone")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
def alert_sms_test(phone: str, data: Path | None) -> None:
    """Exit status 1, with the reason, unless it was sent."""
    try:
        settings = load_settings(**({} if data is None else {"data_dir": str(data)}))
        number = parse_phone(phone)
        if not number:
            raise click.ClickException("Give the telephone number, for example +84912345678.")
        sender = alert_sms_sender_of(settings)
        if sender is None:
            raise click.ClickException(
                "SMS for alerts is not set up. Set LOA_ALERT_SMS_GAMMU or LOA_ALERT_SMS_URL (docs/emergency.md)."
            )
        name, until_s = f"test-{secrets.token_hex(4)}", time.monotonic() + _MOST_WAITING_S
        is_sent = sender.send(number, _CONTENT, name)
        while not is_sent and time.monotonic() < until_s:
            time.sleep(0.2)
            is_sent = sender.is_sent(number, name)
        if not is_sent and sender.withdraw(number, name):
            raise click.ClickException(
                f"gammu-smsd did not take the message within {_MOST_WAITING_S:.0f} s. Is it running?"
            )
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"Sent to {number}.")
