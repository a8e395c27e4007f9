"""Forgetting of heartbeat and telemetry samples that are no longer shown."""

from devices import heartbeats, telemetry
from runtime.clock import Clock
from runtime.database import Database


def forget_old_samples(database: Database, clock: Clock) -> None:
    database.keep_reserve()
    if not clock.trusted:
        return  # by a clock years ahead all of it would be old
    with database.writing() as session:
        heartbeats.forget_old_samples(session, clock.now())
        telemetry.forget_old(session, clock.now())
