"""Receivers as pages list them: the state of each, its station, zones, faults and last self-test."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from devices import faults
from devices.presence_states import PresenceState, ReceiverStatus
from devices.receivers import Receiver, receivers
from devices.self_tests import latest
from devices.stations import Station, stations
from devices.zones import zones, zones_of_all
from web.labels.faults import fault_words, test_words
from web.request_context import Frame

#: Trouble first.
_ORDER = ("fault", "offline", "late", "on_air", "online", "new")
#: A self-test older than this says nothing about now.
_TESTS_SHOWN = timedelta(days=3)


@dataclass(frozen=True)
class ReceiverRow:
    """One receiver in the list. state: one of words.STATES. ready, held: coming broadcasts."""

    receiver: Receiver
    station: Station | None
    zones: list[str]
    zone_ids: list[str]
    state: str
    now: ReceiverStatus | None
    faults: list[faults.Fault]
    ready: int
    held: int


def shown_state(now: ReceiverStatus | None, broken: list[faults.Fault] | None) -> str:
    """The one state shown of a receiver: trouble before all else, sounding before idle."""
    if now is None or now.state is PresenceState.NEW:
        return "new"
    if now.state in (PresenceState.OFFLINE, PresenceState.LATE):
        return now.state.value
    if broken:
        return "fault"
    return "on_air" if now.heartbeat is not None and now.heartbeat.broadcast else "online"


def receivers_view(session: Session, frame: Frame, now: datetime) -> list[ReceiverRow]:
    """The list, trouble first. The number of queries does not grow with it."""
    commune_receivers = receivers(session, frame.commune_id)
    places = {s.id: s for s in stations(session, frame.commune_id)}
    names = {z.id: z.name for z in zones(session, frame.commune_id)}
    memberships = zones_of_all(session, [r.id for r in commune_receivers])
    states, broken = frame.deps.presence.snapshot(now), faults.current(session)
    rows = []
    for r in commune_receivers:
        at = states.get(r.id)
        held = at.heartbeat.holds if at is not None and at.heartbeat is not None else []
        rows.append(
            ReceiverRow(
                r,
                places.get(r.station_id),
                [names.get(z, z) for z in memberships[r.id]],
                memberships[r.id],
                shown_state(at, broken.get(r.id)),
                at,
                broken.get(r.id, []),
                sum(h.ready for h in held),
                len(held),
            )
        )
    return sorted(rows, key=lambda row: (_ORDER.index(row.state), row.receiver.name))


def self_test_values(session: Session, frame: Frame, receiver_ids: list[str]) -> dict[str, Any]:
    """What the templates need to say how the last self-tests went."""
    return {
        "tests": latest(session, receiver_ids, frame.deps.clock.now() - _TESTS_SHOWN),
        "test_words": lambda part: test_words(frame, part),
        "fault_words": lambda fault: fault_words(frame, fault),
    }
