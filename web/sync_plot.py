"""The sync error of a receiver over 24 hours, as an SVG path."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.heartbeats import HeartbeatSample
from web.request_context import Frame

PLOT_WIDTH, PLOT_HEIGHT = 720, 160


@dataclass(frozen=True)
class Plot:
    """24 hours of sync error. line: an SVG path. bars: of presence gaps. most_us: top of the scale, µs."""

    line: str
    band: str
    most_us: float
    hours: list[tuple[float, str]]
    any: bool


def plot_of(samples: Sequence[HeartbeatSample], frame: Frame, now: datetime) -> Plot:
    """The last 24 hours as a line: how far from the instant its sound left, p99 of each minute."""
    since = now - timedelta(hours=24)
    most_us = max([1000.0, *(float(s.playout_p99_us + s.clock_error_us) for s in samples)])

    def x(at: datetime) -> float:
        return round((at - since).total_seconds() / 86_400 * PLOT_WIDTH, 1)

    def y(us: float) -> float:
        return round(PLOT_HEIGHT - 20 - us / most_us * (PLOT_HEIGHT - 30), 1)

    line, band, last = "", "", None
    for s in samples:
        gap = last is None or s.minute_at - last > timedelta(minutes=5)
        line += f"{'M' if gap else 'L'}{x(s.minute_at)} {y(s.playout_p99_us)}"
        width = round(PLOT_WIDTH / 1440, 2)
        band += f"M{x(s.minute_at)} {y(s.clock_error_us)}h{width}V{PLOT_HEIGHT - 20}h-{width}z"
        last = s.minute_at
    hours = [
        (x(at), frame.wording.clock(at))
        for at in (now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=h) for h in range(0, 24, 4))
    ]
    return Plot(line, band, most_us, hours, bool(samples))
