"""Binary short messages: what each way of sending them offers (`notifications.sms_gateway`, `notifications.gammu`)."""

from typing import Protocol

#: User data of one message in 8-bit encoding (3GPP TS 23.040).
MOST_BYTES = 140


class BinarySmsSender(Protocol):
    """Callable from any thread. name: of the message, letters, digits and hyphens; the same when it is asked for."""

    def send(self, phone: str, data: bytes, name: str) -> bool:
        """Hand a message over, within some seconds. False while it waits to be sent: then ask `is_sent`.

        Raises DeliveryFailed.
        """
        ...

    def is_sent(self, phone: str, name: str) -> bool:
        """Whether a message that had to wait has been sent. Raises DeliveryFailed when it was given up."""
        ...

    def withdraw(self, phone: str, name: str) -> bool:
        """Take back a message that still waits. False when it is too late."""
        ...
