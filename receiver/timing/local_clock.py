"""The receiver's local clock: CLOCK_MONOTONIC in microseconds. Steps of the wall clock do not move it."""

import time


def local_us() -> int:
    return time.monotonic_ns() // 1000
