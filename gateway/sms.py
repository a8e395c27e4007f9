"""Binary short messages as a modem hands them over in PDU mode: SMS-DELIVER of 3GPP TS 23.040, 8-bit data alone.

Why no library stands here: docs/decisions/0063.
"""

from collections import OrderedDict
from typing import NamedTuple

#: Messages of which parts are missing; the oldest goes.
MOST_INCOMPLETE = 20
MOST_PARTS = 8
_USER_DATA_HEADER = 0x40
_CONCATENATED_8, _CONCATENATED_16 = 0x00, 0x08


class SmsUnreadable(Exception):
    """Not a message of this kind: the text says why."""


class SmsPart(NamedTuple):
    """A message, or one of the parts of a longer one. number: from 1."""

    sender: str
    data: bytes
    reference: int = 0
    parts: int = 1
    number: int = 1


def decode_deliver(pdu: str) -> SmsPart:
    """pdu: hexadecimal, with the service centre's address in front. Raises SmsUnreadable."""
    try:
        octets = bytes.fromhex(pdu)
        at = 1 + octets[0]
        first, digits = octets[at], octets[at + 1]
        if first & 3:
            raise SmsUnreadable("not an incoming message")
        address = octets[at + 3 : at + 3 + (digits + 1) // 2]
        at += 3 + len(address)
        coding, length = octets[at + 1], octets[at + 9]
        data = octets[at + 10 : at + 10 + length]
    except (ValueError, IndexError) as error:
        raise SmsUnreadable(str(error)) from None
    if not _is_binary(coding):
        raise SmsUnreadable("text")
    if len(data) != length:
        raise SmsUnreadable("cut off")
    sender = "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in address)[:digits]
    return _with_header(sender, data) if first & _USER_DATA_HEADER else SmsPart(sender, data)


class SmsAssembler:
    """Puts the parts of messages together, in whatever order they come."""

    def __init__(self) -> None:
        self._incomplete: OrderedDict[tuple[str, int, int], dict[int, bytes]] = OrderedDict()

    def add(self, part: SmsPart) -> bytes | None:
        """The whole message when this was its last missing part."""
        if part.parts == 1:
            return part.data
        key = part.sender, part.reference, part.parts
        held = self._incomplete.setdefault(key, {})
        held[part.number] = part.data
        if len(held) == part.parts:
            del self._incomplete[key]
            return b"".join(held[number] for number in sorted(held))
        while len(self._incomplete) > MOST_INCOMPLETE:
            self._incomplete.popitem(last=False)
        return None


def _is_binary(coding: int) -> bool:
    """By the data coding scheme, TS 23.038 §4."""
    general, message_class = coding & 0xC0 == 0, coding & 0xF0 == 0xF0
    return (general and coding & 0x0C == 0x04) or (message_class and coding & 0x04 != 0)


def _with_header(sender: str, data: bytes) -> SmsPart:
    """data: with the user data header in front."""
    if not data or len(data) <= data[0]:
        raise SmsUnreadable("cut off in its header")
    header, body = data[1 : 1 + data[0]], data[1 + data[0] :]
    while len(header) >= 2:
        kind, length = header[0], header[1]
        element, header = header[2 : 2 + length], header[2 + length :]
        sizes = {_CONCATENATED_8: 3, _CONCATENATED_16: 4}
        if kind in sizes and len(element) == sizes[kind]:
            parts, number = element[-2], element[-1]
            if not 1 <= number <= parts <= MOST_PARTS:
                raise SmsUnreadable(f"part {number} of {parts}")
            return SmsPart(sender, body, int.from_bytes(element[:-2]), parts, number)
    return SmsPart(sender, body)
