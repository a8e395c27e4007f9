"""Memory and processor use of a controller and its receivers, idle and during a broadcast. Prints JSON."""

import json
import time

import psutil

from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import online_count, sign_in, upload, wait_for
from demo.sample_recording import make_mp3

SECONDS = 20


def used(process: psutil.Process) -> float:
    """Processor seconds used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def watch(processes: dict[str, psutil.Process]) -> dict[str, dict[str, float]]:
    """Resident memory, and the share of one core over some seconds."""
    before = {name: used(process) for name, process in processes.items()}
    time.sleep(SECONDS)
    return {
        name: {
            "rss_mb": round(process.memory_info().rss / 1e6, 1),
            "cpu_percent": round((used(process) - before[name]) / SECONDS * 100, 2),
        }
        for name, process in processes.items()
    }


def main() -> None:
    """Start the demo, and measure it idle and during a broadcast."""
    with Demo() as demo:
        children = {"controller": demo.controller.pid, **{name: c.pid for name, c in demo.receivers.items()}}
        processes = {name: psutil.Process(pid) for name, pid in children.items()}
        browser = Browser(demo.url)
        sign_in(browser, demo.operator, demo.password)
        wait_for("three receivers online", lambda: online_count(browser) == len(demo.receivers), 30)
        time.sleep(40)  # receivers ask for the time often at first
        at_rest = watch(processes)
        file = demo.folder / "long.mp3"
        make_mp3(file, 60)
        clip, _ = upload(browser, file)
        browser.api("/broadcasts", {"clip": clip, "targets": {"all": True}})
        time.sleep(12)
        print(json.dumps({"at_rest": at_rest, "sounding": watch(processes)}))


if __name__ == "__main__":
    main()
