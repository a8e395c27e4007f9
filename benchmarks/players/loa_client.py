"""A receiver for the rig: becomes `loa receiver run` as soon as its credentials are there.

    loa_client.py WORK NUMBER [POWER_CUT_S]

With POWER_CUT_S it runs that long, is killed, and starts as after a power cut of a machine without a battery clock: it
knows the drift of its crystal from before, not the time.

Apart from `loa_rig`, whose imports of the whole controller would count as the receiver's start.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    work, number = Path(sys.argv[1]), int(sys.argv[2])
    credentials, data = work / f"c{number}.json", work / f"c{number}-data"
    while not credentials.exists():
        time.sleep(0.02)
    options = ["--credentials", str(credentials), "--data", str(data), "--speaker", "card:vdac"]
    power_cut_s = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    if power_cut_s:
        cut_power([sys.executable, "-m", "loa", "receiver", "run", *options], data / "time.json", power_cut_s)
    os.execv(sys.executable, [sys.executable, "-m", "loa", "receiver", "run", *options])  # noqa: S606


def cut_power(command: list[str], known_time: Path, after_s: float) -> None:
    """Run the receiver, kill it, and leave what it knew of the time as another start of the machine finds it."""
    receiver = subprocess.Popen(command)
    try:
        time.sleep(after_s)
    finally:
        receiver.kill()
        receiver.wait()
    known_time.write_text(json.dumps({**json.loads(known_time.read_text()), "boot": "before the cut", "rtc_s": None}))


if __name__ == "__main__":
    main()
