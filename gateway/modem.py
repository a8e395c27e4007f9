"""Reads signal, network, SIM and short messages of a modem by AT commands (3GPP TS 27.007 and 27.005)."""

import logging
import re
from typing import NamedTuple

from gateway.device_description import ChainUnusable
from gateway.runner import StepFailed
from gateway.sensor_description import ModemPort
from gateway.serial_line import SerialLine
from gateway.sms import SmsAssembler, SmsUnreadable, decode_deliver

log = logging.getLogger(__name__)

#: Each answer: the value, then a line that ends it.
_SIGNAL = re.compile(r"\+CSQ: *(\d+),\d+[^\r\n]*[\r\n]+OK|(ERROR)")
_NETWORK = re.compile(r'\+COPS: *\d+(?:,\d+,"([^"]*)"[^\r\n]*)?[\r\n]+OK|(ERROR)')
_SIM = re.compile(r"\+CPIN: *([A-Z0-9 -]+)[\r\n]+OK|\+CME ERROR: *([^\r\n]+)[\r\n]|[\r\n]ERROR[\r\n]")
#: RSSI of +CSQ: 0 is −113 dBm or less, each step 2 dB, 31 is −51 dBm or more; 99 not known (TS 27.007 §8.5).
_WEAKEST_DBM, _STEP_DB, _STRONGEST = -113, 2, 31
#: +CME ERROR in numbers and in words: 10 is "SIM not inserted", 13 "SIM failure", 15 "SIM wrong".
_NO_SIM = ("10", "13", "15", "SIM NOT INSERTED", "SIM FAILURE", "SIM WRONG")
_MOST_NAME = 40
_DONE = re.compile(r"[\r\n](?:OK|ERROR|\+CM[ES] ERROR: *[^\r\n]+)[\r\n]")
#: Of every stored message its place, and its PDU on the line below.
_STORED = re.compile(r"\+CMGL: *(\d+),[^\r\n]*[\r\n]+([0-9A-Fa-f]+)[\r\n]")
_LIST = re.compile(r"(?s)(.*)[\r\n](?:OK|ERROR|\+CM[ES] ERROR: *[^\r\n]+)[\r\n]")


class ModemState(NamedTuple):
    """signal_dbm: None when it knows none. operator: of the network. sim: "ready", "locked", "absent", or ""."""

    signal_dbm: int | None = None
    operator: str = ""
    sim: str = ""


class Modem:
    """Opens its port at the first reading, and again after a failure: a modem on USB comes and goes."""

    def __init__(self, port: ModemPort) -> None:
        self._port = port
        self._line: SerialLine | None = None
        self._assembler = SmsAssembler()

    def read(self) -> ModemState:
        """Signal, network and SIM. Takes up to three seconds. Raises StepFailed when the modem does not answer."""
        try:
            line = self._opened()
            signal = line.ask_text("AT+CSQ\r", _SIGNAL)
            network = line.ask_text("AT+COPS?\r", _NETWORK)
            sim = line.ask_text("AT+CPIN?\r", _SIM)
        except (ChainUnusable, StepFailed) as failure:
            self.close()
            raise StepFailed(f"modem: {failure}") from failure
        return ModemState(
            _dbm(signal[1] if signal else None),
            ((network[1] if network else None) or "")[:_MOST_NAME],
            _sim(sim) if sim else "",
        )

    def read_messages(self) -> list[bytes]:
        """Binary messages that have arrived whole. Raises StepFailed when the modem does not answer.

        Every message is deleted, also one of text: a full SIM takes no more.
        """
        try:
            line = self._opened()
            line.ask_text("AT+CMGF=0\r", _DONE)
            listed = line.ask_text("AT+CMGL=4\r", _LIST)
            messages = []
            for place, pdu in _STORED.findall(listed[1] + "\r" if listed else ""):
                try:
                    message = self._assembler.add(decode_deliver(pdu))
                except SmsUnreadable as reason:
                    log.info("short message ignored: %s", reason)
                    message = None
                if message is not None:
                    messages.append(message)
                line.ask_text(f"AT+CMGD={place}\r", _DONE)
        except (ChainUnusable, StepFailed) as failure:
            self.close()
            raise StepFailed(f"modem: {failure}") from failure
        return messages

    def close(self) -> None:
        """Release the line. Closing twice does nothing."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _opened(self) -> SerialLine:
        if self._line is None:
            self._line = SerialLine(self._port.port, self._port.baud)
        return self._line


def _dbm(rssi: str | None) -> int | None:
    known = rssi is not None and int(rssi) <= _STRONGEST
    return _WEAKEST_DBM + _STEP_DB * int(rssi) if rssi is not None and known else None


def _sim(answer: re.Match[str]) -> str:
    word, error = answer[1], answer[2]
    if word is not None:
        return "ready" if word.strip() == "READY" else "locked"
    return "absent" if error is not None and error.strip().upper() in _NO_SIM else ""
