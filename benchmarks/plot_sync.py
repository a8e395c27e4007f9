"""Draw how far each player is from the middle of all, over time, from the series that the sync rig keeps.

    benchmarks/plot_sync.py OUT.svg "Loa=…/results/loa-4g-1.npz" "Snapcast=…/results/snapcast-4g-1.npz"

One panel for each series, all with the same scale; SVG by hand, so that nothing needs to be installed.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, PANEL, LEFT, TOP = 860, 210, 60, 34
COLOURS = ("#1b6ca8", "#c2410c", "#15803d", "#7c3aed")


def series(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds since the measurement began, and ms by which each player is late against the median of all."""
    arrays = np.load(path)
    chosen = arrays["times"] >= arrays["t_begin"]
    seconds = (arrays["times"][chosen] - arrays["t_begin"]) / 1e9
    position_ms = arrays["pos"][:, chosen] / 48.0
    return seconds, np.nanmedian(position_ms, axis=0) - position_ms


def panel(name: str, path: Path, top: int, most_ms: float, most_s: float) -> list[str]:
    """The SVG of one series."""
    seconds, late_ms = series(path)
    middle, scale = top + PANEL / 2, (PANEL / 2 - 24) / most_ms
    lines = [f'<text x="{LEFT}" y="{top + 14}" font-weight="bold">{name}</text>']
    for ms in (-most_ms, 0.0, most_ms):
        y = middle - ms * scale
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{ms:+.1f} ms</text>')
    for number, row in enumerate(late_ms):
        points = " ".join(
            f"{LEFT + s / most_s * (WIDTH - LEFT - 10):.1f},{middle - ms * scale:.1f}"
            for s, ms in zip(seconds, row, strict=True)
            if np.isfinite(ms)
        )
        lines.append(f'<polyline fill="none" stroke="{COLOURS[number % 4]}" stroke-width="1.3" points="{points}"/>')
    return lines


def main() -> None:
    out, labels = Path(sys.argv[1]), [text.partition("=") for text in sys.argv[2:]]
    drawn = [(name, Path(path)) for name, _, path in labels]
    loaded = [series(path) for _, path in drawn]
    most_ms = max(0.5, float(np.ceil(max(np.nanmax(np.abs(late)) for _, late in loaded) * 2) / 2))
    most_s = max(float(seconds[-1]) for seconds, _ in loaded)
    height = TOP + PANEL * len(drawn) + 24
    body = [
        line for k, (name, path) in enumerate(drawn) for line in panel(name, path, TOP + k * PANEL, most_ms, most_s)
    ]
    body.append(f'<text x="{WIDTH - 10}" y="{height - 8}" text-anchor="end">{most_s:.0f} s measured</text>')
    out.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{LEFT}" y="20">How late each of four receivers sounds against the median of all</text>'
        + "\n".join(body)
        + "</svg>\n"
    )


if __name__ == "__main__":
    main()
