"""A modem with a SIM on a pseudo-terminal, for a receiver's chain: it answers AT commands and takes short messages."""

import os
import threading
import tty
from types import TracebackType
from typing import Self

_SERVICE_CENTRE = "07914889200026F5"
#: Time stamp of the service centre (TS 23.040 §9.2.3.11); nobody reads it.
_STAMP = bytes.fromhex("62118221500082")
_EIGHT_BIT = 0x04


def deliver_pdu(data: bytes, *, header: bytes = b"", coding: int = _EIGHT_BIT, sender: str = "84912345678") -> str:
    """An SMS-DELIVER as a modem in PDU mode shows it (3GPP TS 23.040 §9.2.2.1). sender: digits."""
    digits = sender + "f" * (len(sender) % 2)
    swapped = "".join(digits[k + 1] + digits[k] for k in range(0, len(digits), 2))
    user_data = (bytes([len(header)]) + header if header else b"") + data
    first = 0x44 if header else 0x04
    address = bytes([len(sender), 0x91]) + bytes.fromhex(swapped)
    body = bytes([first]) + address + bytes([0, coding]) + _STAMP + bytes([len(user_data)]) + user_data
    return (_SERVICE_CENTRE + body.hex()).upper()


class EmulatedModem:
    """A context manager. port: for the receiver's chain. stored: PDUs on the SIM by their place."""

    def __init__(self) -> None:
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        self.stored: dict[int, str] = {}
        self._lock = threading.Lock()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="modem", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._is_closing = True
        os.write(self._theirs, b"\r")
        self._thread.join(5)
        os.close(self._ours)
        os.close(self._theirs)

    def receive(self, pdu: str) -> None:
        with self._lock:
            self.stored[max(self.stored, default=0) + 1] = pdu

    def _run(self) -> None:
        received = b""
        while not self._is_closing:
            received += os.read(self._ours, 100)
            while b"\r" in received and not self._is_closing:
                command, _, received = received.partition(b"\r")
                answer = self._answer(command.decode("latin-1"))
                os.write(self._ours, command + b"\r\r\n" + answer.encode() + b"\r\n")

    def _answer(self, command: str) -> str:
        with self._lock:
            if command == "AT+CMGL=4":
                listed = [f"+CMGL: {k},1,,{len(pdu) // 2 - 8}\r\n{pdu}\r\n" for k, pdu in self.stored.items()]
                return "".join(listed) + "\r\nOK"
            if command.startswith("AT+CMGD="):
                self.stored.pop(int(command.partition("=")[2]), None)
        known = {"AT+CSQ": "+CSQ: 20,99", "AT+COPS?": '+COPS: 0,0,"Viettel",7', "AT+CPIN?": "+CPIN: READY"}
        return f"{known[command]}\r\n\r\nOK" if command in known else "OK"
