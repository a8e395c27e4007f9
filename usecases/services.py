"""What a use case needs: the database, the clock, and the parts to notify after the commit."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from alerts.desk import EmergencyDesk
from devices.presence_states import ReceiverStatus
from notifications.channels import Channel
from runtime.clock import Clock
from runtime.database import Database
from wire.commands import Action as Command


def _ignore(*_: object) -> None:
    """For a process in which nothing waits to be notified."""


def _always(_receiver: str, _now: datetime) -> bool:
    return True


def _no_statuses(_now: datetime) -> Mapping[str, ReceiverStatus]:
    return {}


class PlanNow(Protocol):
    def __call__(self, commune_id: str | None = None, /) -> None: ...


@dataclass(frozen=True)
class Services:
    """announce: broadcasts changed, the transmitter sends their manifests.

    plan: the timetable of a commune, or what it depends on, changed; without the commune, of any.
    configure: receivers by id, whose settings changed.
    command: an action for a receiver.
    self_test: of receivers by id, in a commune.
    accounts_changed: receivers came, went or have new credentials.
    reachable: whether a receiver would take a command at this time.
    statuses: of all receivers at this time, by id.
    sign_out: an operator by number, everywhere; within the transaction.
    desk: ends the alerts that are stopped as broadcasts; None where no emergency can be sent.
    send_test: a test message to an operator by number, through a channel, in a language; raises DeliveryFailed.
    """

    database: Database
    clock: Clock
    announce: Callable[[], None] = _ignore
    plan: PlanNow = _ignore
    configure: Callable[[Collection[str]], None] = _ignore
    command: Callable[[str, Command], object] = _ignore
    self_test: Callable[[str, Collection[str]], object] = _ignore
    accounts_changed: Callable[[], None] = _ignore
    reachable: Callable[[str, datetime], bool] = _always
    statuses: Callable[[datetime], Mapping[str, ReceiverStatus]] = _no_statuses
    sign_out: Callable[[Session, int], None] = _ignore
    send_test: Callable[[int, Channel, str], None] = _ignore
    desk: EmergencyDesk | None = None
