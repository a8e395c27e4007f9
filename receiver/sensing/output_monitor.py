"""Monitors the output: combines meters and microphone into the proof of each broadcast."""

import threading
from pathlib import Path

from receiver.output.speaker import Speaker
from receiver.playout.playout import Playout
from receiver.sensing.listener import TAPE_S, CurrentSound, Listener
from receiver.sensing.microphone import Microphone
from receiver.sensing.proof import LOUD_DBFS, MicrophoneTally, PersistentFaults, PowerDrawTally
from receiver.sensing.sensors import Sensors, board_temperature_c
from receiver.sensing.tape import TapedSpeaker
from wire.reports import AcousticProof, ElectricalProof, Link, Supply

#: A board that is hotter is in danger; the fault goes when it is so much cooler.
HOT_C, COOLER_C = 85.0, 5.0
#: The board's own temperature is read so often.
_BOARD_EVERY_US = 10_000_000


class OutputMonitor:
    """What is fitted at one receiver. `start` and `close` are mirrored; all else is the agent's thread's."""

    def __init__(self, folder: Path, speaker: Speaker, senses: Sensors, microphone: Microphone | None) -> None:
        """speaker: the real one; play on `speaker` of this."""
        self._senses, self._microphone = senses, microphone
        self._tape = TapedSpeaker(speaker, kept_s=TAPE_S) if microphone is not None else None
        self.speaker: Speaker = self._tape or speaker
        self._persistent = PersistentFaults(folder / "proof-faults.json")
        least = senses.draw_least
        self._draws = PowerDrawTally(self._persistent, least, senses.draw_unit) if least is not None else None
        self._hears = MicrophoneTally(self._persistent)
        self._lock = threading.Lock()
        self._sounds = CurrentSound("", 0.0)
        self._path_delay_us = 0.0
        self._listener: Listener | None = None
        if self._tape is not None and microphone is not None:
            self._listener = Listener(self._tape, microphone, self._hears, self._lock, lambda: self._sounds)
        self._board_c: float | None = None
        self._board_next_us = 0
        self._hot = False

    def start(self) -> None:
        """Read and listen from now on."""
        self._senses.start()
        if self._listener is not None:
            self._listener.start()

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._senses.close()

    def set_path_delay(self, delay_us: float) -> None:
        """From the card's output to the horn."""
        self._path_delay_us = delay_us

    def step(self, playout: Playout, now_local_us: int) -> None:
        """Take what was read meanwhile, for what sounds now."""
        sounding = playout.now_playing()
        loud = sounding is not None and sounding.cue.broadcast and playout.level_dbfs() > LOUD_DBFS
        broadcast = sounding.cue.broadcast if sounding is not None and loud else ""
        # A pause is no end: the listener looks for itself whether there is something to hear.
        self._sounds = CurrentSound(sounding.cue.broadcast if sounding is not None else "", self._path_delay_us)
        self._senses.hear(bool(broadcast))
        draws = self._senses.draws()
        if self._draws is not None and broadcast:
            with self._lock:
                for value in draws:
                    self._draws.add(broadcast, value)
        if now_local_us >= self._board_next_us:
            self._board_next_us = now_local_us + _BOARD_EVERY_US
            self._board_c = board_temperature_c()
            self._hot = self._board_c is not None and self._board_c > HOT_C - self._hot * COOLER_C

    def messages(self) -> list[bytes]:
        """Binary short messages that came since this was last asked."""
        return self._senses.messages()

    @property
    def trigger_closed(self) -> bool | None:
        """The key switch for emergencies, as the sensors have it."""
        return self._senses.trigger_closed

    def proof(self, broadcast: str) -> tuple[ElectricalProof | None, AcousticProof | None]:
        """What is proved of one, so far."""
        with self._lock:
            return self._draws.proof(broadcast) if self._draws else None, self._hears.proof(broadcast)

    def forget(self, broadcast: str) -> None:
        with self._lock:
            if self._draws is not None:
                self._draws.close(broadcast)
            self._hears.close(broadcast)

    @property
    def faults(self) -> dict[str, str]:
        faults = dict(self._senses.faults)
        with self._lock:
            lasting = self._persistent.all
        # Where the meter or the microphone was taken away nothing could ever show that it is mended.
        if self._draws is None:
            lasting.pop("amplifier", None)
        if self._listener is None:
            lasting.pop("not_heard", None)
        elif self._listener.failure:
            faults.setdefault("sensor", self._listener.failure)
        if self._hot:
            faults.setdefault("temperature", f"{self._board_c:.0f} °C")
        return {**faults, **lasting}

    @property
    def temperature_c(self) -> float | None:
        """Of the sensor that is fitted, else of the board."""
        fitted = self._senses.temperature_c
        return fitted if fitted is not None else self._board_c

    @property
    def supply(self) -> Supply | None:
        """As the heartbeat tells it."""
        s = self._senses
        if s.mains_v is None and s.battery_v is None and s.on_battery is None:
            return None
        return Supply(mains_v=s.mains_v, battery_v=s.battery_v, on_battery=s.on_battery)

    @property
    def link(self) -> Link | None:
        """As the heartbeat tells it."""
        s = self._senses
        return Link(signal_dbm=s.signal_dbm, operator=s.operator, sim=s.sim) if s.sim is not None else None
