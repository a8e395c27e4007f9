"""The notifier with the channels that the settings name."""

from datetime import timedelta
from pathlib import Path

from loa.installation import secrets_folder
from notifications.channels import Channel, MessageSender, Secret
from notifications.notifier import Notifier
from notifications.sms_gateway import SmsGateway, SmsSender
from notifications.smtp import SmtpSender
from notifications.webhook import WebhookSender
from runtime.clock import Clock
from runtime.database import Database
from runtime.secret_files import kept_secret
from runtime.settings import Settings
from web.fault_messages import FaultMessages


def notifier_of(settings: Settings, database: Database, clock: Clock, key: bytes) -> Notifier:
    """key: webhook keys are derived from it."""
    return Notifier(
        database,
        clock,
        _senders(settings, secrets_folder(settings), clock),
        FaultMessages(settings.base_url).write,
        window=timedelta(seconds=settings.notify_window_s),
        key=key,
    )


def _senders(settings: Settings, secrets: Path, clock: Clock) -> dict[Channel, MessageSender]:
    senders: dict[Channel, MessageSender] = {
        Channel.WEBHOOK: WebhookSender(settings.webhook_places, lambda: clock.now_us() // 1_000_000)
    }
    if settings.smtp_host:
        senders[Channel.EMAIL] = SmtpSender(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            user=settings.smtp_user,
            password=secret_from(secrets / "smtp.password"),
            sender=settings.smtp_sender,
            ca=settings.smtp_ca,
        )
    if settings.sms_url:
        gateway = SmsGateway(
            settings.sms_url,
            settings.sms_method,
            settings.sms_body,
            settings.sms_content_type,
            settings.sms_header,
            settings.sms_success,
            settings.sms_plain_letters,
        )
        senders[Channel.SMS] = SmsSender(gateway, secret_from(secrets / "sms.secret"))
    return senders


def secret_from(path: Path) -> Secret:
    """Reads the file each time, so that a new password works without a restart."""
    return lambda: (kept_secret(path) or "").strip()
