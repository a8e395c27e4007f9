"""Proof that a broadcast was audible, beyond frames played: amplifier power draw and microphone.

Tallies by broadcast for the play report, and the faults that follow while it sounds. Pure; used under one lock by the
agent's and the listener's threads.
"""

import json
import statistics
from pathlib import Path

from receiver.sensing.correlation import Match
from receiver.store.atomic_file import keep_whole
from wire.reports import AcousticProof, ElectricalProof

#: Readings in a row below the least that make the fault `amplifier`: 20 s of one each two seconds. A pause in the
#: programme is not read (`LOUD_DBFS`).
DRAWS_NOTHING_AFTER = 10
#: Windows in a row without the programme that make the fault `not_heard`: a lorry that passes is over by then.
NOT_HEARD_AFTER = 3
#: What the card puts out must be louder for anything to be proved by it.
LOUD_DBFS = -50.0
#: Of a broadcast of many hours the last so many readings and windows count.
_MOST = 20_000


class PersistentFaults:
    """Faults that were found while something sounded: there until it is seen that they are gone, also over a start."""

    def __init__(self, file: Path) -> None:
        """file: in it they are known over a restart."""
        self._kept = file
        self._known = _read(file)

    @property
    def all(self) -> dict[str, str]:
        """What is there, with what is known of it."""
        return dict(self._known)

    def found(self, fault: str, detail: str) -> None:
        """It is there; what was known of it first stays."""
        if fault not in self._known:
            self._write({**self._known, fault: detail})

    def gone(self, fault: str) -> None:
        if fault in self._known:
            self._write({name: detail for name, detail in self._known.items() if name != fault})

    def _write(self, faults: dict[str, str]) -> None:
        self._known = faults
        keep_whole(self._kept, json.dumps(faults).encode())


class PowerDrawTally:
    """What the amplifier drew. least: from which it draws; unit: of it."""

    def __init__(self, faults: PersistentFaults, least: float, unit: str) -> None:
        self._faults, self._least, self._unit = faults, least, unit
        self._by: dict[str, list[float]] = {}
        self._below = 0

    def add(self, broadcast: str, value: float) -> None:
        """A reading while it was loud."""
        read = self._by.setdefault(broadcast, [])
        read.append(value)
        del read[:-_MOST]
        self._below = 0 if value >= self._least else self._below + 1
        if self._below == 0:
            self._faults.gone("amplifier")
        elif self._below >= DRAWS_NOTHING_AFTER:
            self._complain(value)

    def proof(self, broadcast: str) -> ElectricalProof | None:
        """None when nothing was read."""
        read = self._by.get(broadcast)
        if not read:
            return None
        above = sum(value >= self._least for value in read)
        return ElectricalProof(
            passed=2 * above >= len(read),
            readings=len(read),
            above=above,
            least=self._least,
            lowest=round(min(read), 3),
            mean=round(statistics.fmean(read), 3),
            highest=round(max(read), 3),
            unit=self._unit,
        )

    def close(self, broadcast: str) -> None:
        """It is over and told: one too short to make a fault while it sounded makes it now."""
        proof = self.proof(broadcast)
        if proof is not None and not proof.passed:
            self._complain(proof.mean)
        self._by.pop(broadcast, None)

    def _complain(self, value: float) -> None:
        self._faults.found("amplifier", f"{value:.3g} {self._unit} < {self._least:g} {self._unit}")


class MicrophoneTally:
    """What the microphone heard."""

    def __init__(self, faults: PersistentFaults) -> None:
        self._faults = faults
        self._by: dict[str, list[Match]] = {}
        self.missed = 0  #: windows in a row without the programme

    def add(self, broadcast: str, match: Match) -> None:
        windows = self._by.setdefault(broadcast, [])
        windows.append(match)
        del windows[:-_MOST]
        self.missed = 0 if match.heard else self.missed + 1
        if match.heard:
            self._faults.gone("not_heard")
        elif self.missed >= NOT_HEARD_AFTER:
            self._faults.found("not_heard", f"0/{self.missed}")

    def proof(self, broadcast: str) -> AcousticProof | None:
        """None when nothing was compared."""
        windows = self._by.get(broadcast)
        if not windows:
            return None
        heard = [match for match in windows if match.heard]
        return AcousticProof(
            passed=2 * len(heard) >= len(windows),
            windows=len(windows),
            heard_in=len(heard),
            correlation=round(statistics.median(match.correlation for match in windows), 3),
            delay_us=round(statistics.median(match.lag_us for match in heard)) if heard else None,
        )

    def close(self, broadcast: str) -> None:
        proof = self.proof(broadcast)
        if proof is not None and not proof.passed:
            self._faults.found("not_heard", f"{proof.heard_in}/{proof.windows}")
        self._by.pop(broadcast, None)


def _read(file: Path) -> dict[str, str]:
    try:
        return {str(fault): str(detail) for fault, detail in json.loads(file.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
