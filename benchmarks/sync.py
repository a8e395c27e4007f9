"""How far apart do receivers sound? Loa and Snapcast, one after the other, under the same networks, cards and clocks.

    benchmarks/sync.py                                   every profile, stored and live, and Snapcast
    benchmarks/sync.py --profile 4g --seconds 60 --seed 3 --player loa --live
    benchmarks/sync.py --profile 4g --live --seconds 14 --settle 10 --warm 6 --player loa --limit   (`make sync-check`)

Needs root (network namespaces), gcc and ALSA's headers (the rig's virtual card), and for comparing snapserver and
snapclient; `scripts/setup --snapcast` installs them. The rig is copied to where it can be built.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
#: Where the rig stands beside a checkout; `--rig` names another place.
RIG = ROOT.parent / "shared" / "rig"
#: Shifts CLOCK_MONOTONIC of each client: on one machine all share the kernel's clock, and a player that does no
#: synchronising at all would look perfect.
TIMENS = "0,100,200,5000"


class Profile(NamedTuple):
    """One condition. `net` is the rig's name; `most_p99_ms` is what Loa promises (README), None where only bounded."""

    net: str
    options: tuple[str, ...] = ()
    most_p99_ms: float | None = None


CARDS = ("--ppm", "0,50,-50,100")
PROFILES = {
    "clean": Profile("clean", (), 0.02),
    "clean-cards": Profile("clean", CARDS, 0.05),
    "clean-usb": Profile("clean", (*CARDS, "--gran", "48"), 0.05),
    "clean-clocks": Profile("clean", ("--clk-ppm", "0,20,-20,50"), 0.10),
    "j20": Profile("j20", (), 0.15),
    "4g": Profile("4g", (), 0.5),
    "4g-cards": Profile("4g", CARDS, 0.5),
    "asym": Profile("asym", (), 0.05),
    "asym-mixed": Profile("asym-mixed"),
    "freeze": Profile("clean", ("--event", "stop:c1:{middle}:300")),
    "cut": Profile("clean", ("--event", "cut:c2:{middle}:2000")),
    "late": Profile("clean", ("--late", "{late}")),
}
FIGURES = [name for name, profile in PROFILES.items() if profile.most_p99_ms is not None or name == "asym-mixed"]
#: A short run draws fewer seeds of the same lottery; beyond this multiple of the promise something is broken.
CI_FACTOR = 3.0
#: Other work on the machine is no fault of ours: what is broken is broken each time.
ATTEMPTS = 3


def prepared_rig(source: Path) -> Path:
    """A built copy of the rig with its test signal. Kept between runs; rebuilt when the rig changes."""
    if not (source / "rig.py").exists():
        sys.exit(f"There is no rig at {source}. Name its folder with --rig.")
    content = b"".join(
        path.read_bytes() for path in sorted(source.rglob("*")) if path.is_file() and "results" not in path.parts
    )
    place = Path(tempfile.gettempdir()) / f"loa-rig-{hashlib.sha256(content).hexdigest()[:12]}"
    if not (place / "ref.raw").exists():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        for directory in [place, *(p for p in place.rglob("*") if p.is_dir())]:
            directory.chmod(0o755)
        build = subprocess.run(["sh", "src/build.sh"], cwd=place, capture_output=True, text=True, check=False)
        if not (place / "bin" / "libasound_module_pcm_vdac.so").exists():
            sys.exit(f"The rig could not be built (gcc and libasound2-dev are needed):\n{build.stderr[-800:]}")
        subprocess.run([sys.executable, "gen_ref.py", "ref.raw", "300"], cwd=place, check=True)
    return place


def player_file(player: str, live: bool, rig: Path, settle_s: int | None, power_cut_s: int) -> Path:
    """The rig's description of a player; a copy of it when the time between power-on and sound is to be another."""
    if player == "snapcast":
        return rig / "players" / "snapcast-alsa.json"
    own = ROOT / "benchmarks" / "players" / ("loa-live.json" if live else "loa-stored.json")
    if settle_s is None and not power_cut_s:
        return own
    changed, content = rig / own.name, json.loads(own.read_text())
    content["settle_s"] = (content["settle_s"] if settle_s is None else settle_s) + power_cut_s
    # On air only shortly before the source: a live broadcast without frames is stopped after 30 s.
    content["vars"] |= {"power_cut_s": str(power_cut_s), "live_after_s": str(max(0, content["settle_s"] - 10))}
    changed.write_text(json.dumps(content))
    return changed


def measure(
    rig: Path,
    name: str,
    player: str,
    *,
    live: bool,
    seconds: int,
    warm: int,
    seed: int,
    keep: bool,
    settle_s: int | None,
    power_cut_s: int,
) -> dict[str, Any]:
    """One run; its result as the rig wrote it. Repeated once when the machine itself stood still meanwhile."""
    profile = PROFILES[name]
    run = f"{player}{'-live' if live else ''}-{name}-{seed}"
    options = [option.format(middle=seconds / 2, late=min(60, seconds // 2)) for option in profile.options]
    command = [
        sys.executable,
        "rig.py",
        "run",
        "--player",
        str(player_file(player, live, rig, settle_s, power_cut_s)),
        "--net",
        profile.net,
        "--name",
        run,
        "--dur",
        str(seconds),
        "--warm",
        str(warm),
        "--seed",
        str(seed),
        "--timens",
        TIMENS,
        "--set",
        f"root={ROOT}",
        "--set",
        f"seconds={warm + seconds + 10}",
        *options,
        *(["--keep"] if keep else []),
    ]
    result = rig / "results" / f"{run}.json"
    for _ in range(2):
        result.unlink(missing_ok=True)
        process = subprocess.run(command, cwd=rig, capture_output=True, text=True, check=False)
        if not result.exists():
            sys.exit(f"{run}: the rig ended without a result\n{process.stdout[-2000:]}\n{process.stderr[-2000:]}")
        measurement: dict[str, Any] = json.loads(result.read_text())
        if not measurement.get("machine_stalls_ms"):
            break
    return measurement


class Figures(NamedTuple):
    """What is printed of one run. Times in ms; cpu in % of one core (largest client); rss in MB (largest client)."""

    player: str
    profile: str
    seed: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    dropouts: int
    jumps: int
    single_frames: int
    cpu_percent: float
    rss_mb: float
    stalls: int


def figures(measurement: dict[str, Any], player: str, profile: str, seed: int) -> Figures:
    """Take what matters out of the rig's result."""
    pairs = measurement["analysis"]["pairwise"] or {"p50": -1, "p99": -1, "max": -1}
    players = measurement["analysis"]["players"].values()
    clients = [name for name in measurement["memory"] if name.startswith("c")]
    return Figures(
        player,
        profile,
        seed,
        pairs["p50"],
        pairs["p99"],
        pairs["max"],
        sum(p["dropouts"] for p in players),
        sum(p["skips"] + p["repeats"] for p in players),
        sum(p["frames_dropped"] + p["frames_repeated"] for p in players),
        max(measurement["cpu_percent_of_one_core"][name] for name in clients),
        max(measurement["memory"][name]["rss_kb"] for name in clients) / 1024,
        len(measurement.get("machine_stalls_ms", [])),
    )


def table(rows: list[Figures]) -> str:
    lines = [
        "| player | profile | seed | p50 ms | p99 ms | max ms | dropouts | jumps | single frames | CPU % | RSS MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.player} | {r.profile} | {r.seed} | {r.p50_ms:.3f} | {r.p99_ms:.3f} | {r.max_ms:.3f} "
        f"| {r.dropouts} | {r.jumps} | {r.single_frames} | {r.cpu_percent:.1f} | {r.rss_mb:.0f} |"
        for r in rows
    ]
    return "\n".join(lines)


def ratios(rows: list[Figures]) -> str:
    """How many times closer Loa is than Snapcast, by p99, for each profile and seed measured with both."""
    lines = ["| profile | seed | stored: times closer | live: times closer |", "|---|---|---|---|"]
    by = {(r.player, r.profile, r.seed): r.p99_ms for r in rows}
    for (player, profile, seed), p99_ms in by.items():
        if player == "snapcast":
            ours = [by.get((name, profile, seed)) for name in ("loa", "loa-live")]
            lines.append(
                f"| {profile} | {seed} | " + " | ".join(f"{p99_ms / o:.1f}" if o else "–" for o in ours) + " |"
            )
    return "\n".join(lines)


def beyond(rows: list[Figures]) -> list[str]:
    """What is further apart than three times the promise, or not whole."""
    lines = []
    for row in rows:
        most = PROFILES[row.profile].most_p99_ms
        if row.player.startswith("loa") and most is not None:
            if not 0 <= row.p99_ms <= most * CI_FACTOR:
                lines.append(f"{row.player} {row.profile}: p99 {row.p99_ms:.3f} ms, promised {most} ms")
            if row.dropouts + row.jumps:
                lines.append(f"{row.player} {row.profile}: {row.dropouts} dropouts, {row.jumps} skips or repeats")
    return lines


def unable() -> str:
    """Why this machine cannot measure, "" when it can: network and time namespaces need root and a kernel with both."""
    tried = subprocess.run(
        ["unshare", "--net", "--time", "--monotonic", "100", "--fork", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return tried.stderr.strip() if tried.returncode else ""


def main() -> None:
    """Measure, print, and with --limit fail when beyond three times the promise."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--profile", action="append", choices=PROFILES, help="which condition; may be given several times")
    ask.add_argument("--seconds", type=int, default=120)
    ask.add_argument("--warm", type=int, default=20, help="seconds before measuring starts")
    ask.add_argument("--seed", type=int, action="append", help="of the network's jitter; may be given several times")
    ask.add_argument("--player", choices=["loa", "snapcast"], help="one only; by default both")
    ask.add_argument("--live", action="store_true", help="Loa from a live stream only")
    ask.add_argument("--stored", action="store_true", help="Loa from a stored clip only")
    ask.add_argument("--json", action="store_true", help="print the figures as JSON")
    ask.add_argument("--limit", action="store_true", help="exit 1 when beyond three times what README states")
    ask.add_argument("--rig", type=Path, default=RIG)
    ask.add_argument(
        "--settle", type=int, metavar="SECONDS", help="Loa's receivers run so long before they sound (100)"
    )
    ask.add_argument(
        "--power-cut",
        type=int,
        default=0,
        metavar="SECONDS",
        help="Loa's receivers run so long and lose power before --settle begins (no battery clock)",
    )
    ask.add_argument("--keep", action="store_true", help="keep the recordings")
    options = ask.parse_args()
    if options.limit and (missing := unable()):
        print(f"sync: NOT MEASURED, since this machine cannot: {missing}")
        return
    rig = prepared_rig(options.rig)
    rows: list[Figures] = []
    for name in options.profile or FIGURES:
        for seed in options.seed or [1]:
            kinds = [] if options.player == "snapcast" else [("loa", False), ("loa", True)]
            kinds = [k for k in kinds if not (options.live and not k[1]) and not (options.stored and k[1])]
            kinds += [] if options.player == "loa" else [("snapcast", False)]
            for player, live in kinds:
                for _ in range(ATTEMPTS if options.limit else 1):
                    measurement = measure(
                        rig,
                        name,
                        player,
                        live=live,
                        seconds=options.seconds,
                        warm=options.warm,
                        seed=seed,
                        keep=options.keep,
                        settle_s=options.settle,
                        power_cut_s=options.power_cut,
                    )
                    row = figures(measurement, player + ("-live" if live else ""), name, seed)
                    if not options.json:
                        print(table([row]).splitlines()[-1], flush=True)
                    if not beyond([row]):
                        break
                rows.append(row)
    print(json.dumps([row._asdict() for row in rows]) if options.json else f"\n{table(rows)}\n\n{ratios(rows)}")
    if options.limit and (lines := beyond([row for row in rows if not row.stalls])):
        sys.exit("\n".join(lines))
    if options.limit and (unsure := beyond([row for row in rows if row.stalls])):
        print("NOT BELIEVED, since the machine itself stood still each time:\n" + "\n".join(unsure))


if __name__ == "__main__":
    main()
