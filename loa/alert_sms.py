"""The way that the settings name for sending alerts by SMS."""

from loa.installation import secrets_folder
from loa.notifications import secret_from
from notifications.binary_sms import BinarySmsSender
from notifications.gammu import GammuSender, gammu_folders
from notifications.sms_gateway import HttpBinarySmsSender, SmsGateway
from runtime.refusal import N_, Refusal
from runtime.settings import Settings


def alert_sms_sender_of(settings: Settings) -> BinarySmsSender | None:
    """None where none is set. Raises Refusal."""
    if settings.alert_sms_gammu is not None:
        if settings.alert_sms_url:
            raise Refusal(N_("Set either LOA_ALERT_SMS_GAMMU or LOA_ALERT_SMS_URL, not both."))
        return GammuSender(gammu_folders(settings.alert_sms_gammu))
    if not settings.alert_sms_url:
        return None
    gateway = SmsGateway(
        settings.alert_sms_url,
        settings.sms_method,
        settings.alert_sms_body,
        settings.sms_content_type,
        settings.sms_header,
        settings.sms_success,
    )
    return HttpBinarySmsSender(gateway, secret_from(secrets_folder(settings) / "sms.secret"))
