"""A flood of one event leaves a few lines in the log, and how many there were."""

import io
import logging

from runtime.log_limit import LimitedLog, LogLimit


def test_a_flood_leaves_sixty_lines_a_minute_and_a_count() -> None:
    now_s = [0.0]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(LimitedLog(60, lambda: now_s[0]))
    logger = logging.Logger("flood")
    logger.addHandler(handler)

    def flood(count: int) -> None:
        for k in range(count):
            logger.warning("refused: message %d", k)

    flood(20_000)
    logger.warning("another event")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 61
    assert lines[-1] == "another event"
    now_s[0] = 61.0
    flood(1)
    assert stream.getvalue().splitlines()[-1] == "refused: message 0 (and 19940 such lines in the minute before)"


def test_keys_that_never_end_take_bounded_memory() -> None:
    limit = LogLimit(1, lambda: 0.0)
    for k in range(100_000):
        limit.admit(k)
    assert len(limit._windows) <= 20_000
