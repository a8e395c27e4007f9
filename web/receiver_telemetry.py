"""Supply, temperature and mobile network of one receiver: now, and its last 24 hours as lines with their limits."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from devices.telemetry import EVERY, MAINS_LEAST_V, MAINS_MOST_V, TelemetrySample, history, sample_of
from web.labels.faults import SIMS
from web.request_context import Frame
from wire.reports import Heartbeat

WIDTH, HEIGHT = 360, 120
#: Below this a modem holds its connection with difficulty.
WEAK_DBM = -105
#: The scale of each, unless a value lies beyond it; and its limits, drawn as lines.
_SCALES = {
    "mains_v": (60.0, 260.0),
    "battery_v": (9.0, 15.0),
    "temperature_c": (0.0, 90.0),
    "signal_dbm": (-115.0, -50.0),
}
_LIMITS: dict[str, tuple[float, ...]] = {"mains_v": (MAINS_LEAST_V, MAINS_MOST_V), "signal_dbm": (WEAK_DBM,)}
#: Rows further apart than this are not joined by a line: nothing was heard between them.
_GAP = 2 * EVERY + timedelta(minutes=1)
_MOST_CHANGES = 20


@dataclass(frozen=True)
class Series:
    """One line. now: its value in words; wrong: out of its limits now. line: an SVG path. limits: (y, word) of each.

    top, bottom: of the scale, in words.
    """

    title: str
    now: str
    wrong: bool
    line: str
    limits: list[tuple[float, str]]
    top: str
    bottom: str


@dataclass(frozen=True)
class SupplyChange:
    """What is not a number, from an instant on, in words."""

    at: datetime
    words: str


@dataclass(frozen=True)
class Telemetry:
    """What the page shows. network: in words, "" without a modem. on_battery: None when nobody knows."""

    series: list[Series]
    hours: list[tuple[float, str]]
    network: str
    on_battery: bool | None
    changes: list[SupplyChange]

    @property
    def any(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.series or self.network or self.on_battery is not None)


def telemetry_view(
    session: Session, frame: Frame, receiver_id: str, heartbeat: Heartbeat | None, now: datetime
) -> Telemetry:
    """Of one receiver. heartbeat: its last one. One query."""
    rows = list(history(session, receiver_id, now - timedelta(hours=24)))
    sample = sample_of(receiver_id, now, heartbeat) if heartbeat is not None else None
    latest = sample or (rows[-1] if rows else None)
    w, t = frame.wording, frame.t
    named: list[tuple[str, str, Callable[[float], str]]] = [
        ("mains_v", t("Mains"), lambda value: f"{w.number(value)} V"),
        ("battery_v", t("Battery"), lambda value: f"{w.number(value, 1)} V"),
        ("temperature_c", t("Temperature"), lambda value: f"{w.number(value)} °C"),
        ("signal_dbm", t("Mobile signal"), lambda value: f"{w.number(value)} dBm ({w.number(percent(value))} %)"),
    ]
    series = [_series(name, title, words, rows, latest, now) for name, title, words in named]
    hours = [now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=h) for h in range(0, 24, 4)]
    return Telemetry(
        [curve for curve in series if curve is not None],
        [(_x(at, now), w.clock(at)) for at in hours],
        _network(frame, latest) if latest else "",
        latest.on_battery if latest else None,
        _changes(frame, rows),
    )


def percent(dbm: float) -> float:
    """A signal as telephones show it: −113 dBm is 0, −51 dBm and more is 100."""
    return min(100.0, max(0.0, (dbm + 113) / 62 * 100))


def _series(
    name: str,
    title: str,
    words: Callable[[float], str],
    rows: Sequence[TelemetrySample],
    latest: TelemetrySample | None,
    now: datetime,
) -> Series | None:
    """None when there is no such meter."""
    points = [(row.at, float(value)) for row in rows if (value := getattr(row, name)) is not None]
    present: float | None = getattr(latest, name) if latest else None
    if not points and present is None:
        return None
    low, high = _SCALES[name]
    low, high = min([low, *(v for _, v in points)]), max([high, *(v for _, v in points)])
    limits = _LIMITS.get(name, ())

    def y(at: float) -> float:
        return round(HEIGHT - 20 - (at - low) / (high - low) * (HEIGHT - 30), 1)

    line, last = "", None
    for at, reading in points:
        line += f"{'M' if last is None or at - last > _GAP else 'L'}{_x(at, now)} {y(reading)}"
        last = at
    # A point alone would not be seen.
    line += "h1" if line and "L" not in line else ""
    wrong = present is not None and bool(limits) and not limits[0] <= present <= (*limits, math.inf)[1]
    drawn = [(y(limit), words(limit)) for limit in limits]
    return Series(title, words(present) if present is not None else "–", wrong, line, drawn, words(high), words(low))


def _x(at: datetime, now: datetime) -> float:
    return round((at - now + timedelta(hours=24)).total_seconds() / 86_400 * WIDTH, 1)


def _network(frame: Frame, row: TelemetrySample) -> str:
    parts = [row.operator, frame.t(SIMS[row.sim]) if row.sim in SIMS and row.sim else row.sim]
    return " · ".join(part for part in parts if part)


def _changes(frame: Frame, rows: Sequence[TelemetrySample]) -> list[SupplyChange]:
    """Mains and battery, network and SIM: when each changed, newest first."""
    changes: list[SupplyChange] = []
    for before, row in itertools.pairwise(rows):
        if row.on_battery is not before.on_battery and row.on_battery is not None:
            changes.append(SupplyChange(row.at, frame.t("on battery") if row.on_battery else frame.t("on mains power")))
        if (row.operator, row.sim) != (before.operator, before.sim):
            changes.append(SupplyChange(row.at, _network(frame, row) or frame.t("the modem does not respond")))
    return changes[::-1][:_MOST_CHANGES]
