"""Channels: the ways to a person, and what all of them have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from runtime.refusal import N_, Refusal


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class NotificationAddress:
    """Where one person is reached. webhook_key: what the webhook's body is signed with."""

    email: str = ""
    phone: str = ""
    webhook_url: str = ""
    webhook_key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class OutgoingMessage:
    """One message, written for every channel. document: the JSON of a webhook. id: the same when it is sent again."""

    id: str
    subject: str
    text: str
    html: str
    short: str
    document: bytes


class DeliveryFailed(Refusal):
    """Not delivered, and why. permanent: trying again later would not help."""

    def __init__(self, message_id: str, *, permanent: bool = False, **values: object) -> None:
        super().__init__(message_id, **values)
        self.permanent = permanent

    @classmethod
    def because(cls, refusal: Refusal, *, permanent: bool = False) -> "DeliveryFailed":
        failure = cls(refusal.message_id, permanent=permanent)
        failure.values = refusal.values
        return failure


class MessageSender(Protocol):
    """Delivers within some seconds or raises DeliveryFailed. Callable from any thread."""

    def send(self, to: NotificationAddress, message: OutgoingMessage) -> None: ...


Senders = Mapping[Channel, MessageSender]
#: Reads a secret when it is needed; "" when there is none.
Secret = Callable[[], str]

NOT_SET_UP = {
    Channel.EMAIL: N_("E-mail is not set up on this server. Ask the administrator of Loa (LOA_SMTP_HOST)."),
    Channel.SMS: N_("SMS is not set up on this server. Ask the administrator of Loa (LOA_SMS_URL)."),
    Channel.WEBHOOK: N_("Webhooks are not set up on this server. Ask the administrator of Loa."),
}
