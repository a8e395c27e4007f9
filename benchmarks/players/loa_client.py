"""A receiver for the rig: becomes `loa receiver run` as soon as its credentials are there.

    loa_client.py WORK NUMBER

Apart from `loa_rig`, whose imports of the whole controller would count as the receiver's start.
"""

import os
import sys
import time
from pathlib import Path


def main() -> None:
    work, number = Path(sys.argv[1]), int(sys.argv[2])
    credentials, data = work / f"c{number}.json", work / f"c{number}-data"
    while not credentials.exists():
        time.sleep(0.02)
    options = ["--credentials", str(credentials), "--data", str(data), "--speaker", "card:vdac"]
    os.execv(sys.executable, [sys.executable, "-m", "loa", "receiver", "run", *options])  # noqa: S606


if __name__ == "__main__":
    main()
