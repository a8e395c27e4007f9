"""What alerts from outside ask of the part that starts and stops emergencies."""

from datetime import datetime
from typing import Protocol

import msgspec
from sqlmodel import Session

from wire.broadcasts import Targets


class SpokenText(msgspec.Struct, frozen=True):
    """language: a tag, "vi"."""

    language: str
    text: str


class CapEmergency(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency, or a drill, for a commune. reference: names what it is for; two orders with one are one."""

    commune_id: str
    reference: str
    title: str
    texts: tuple[SpokenText, ...]
    targets: Targets
    is_drill: bool
    expires_at: datetime
    by: str


class EmergencyStarter(Protocol):
    """Starts and stops in the caller's transaction, which holds the decision too: both are kept or neither is."""

    def start_in(self, session: Session, order: CapEmergency, now: datetime) -> str:
        """Returns the emergency's id. Raises Refusal when it cannot sound."""

    def stop_in(self, session: Session, emergency_id: str, now: datetime, *, by: str) -> None:
        """Also one that has not begun to sound. One that is over stays so."""

    def notify(self) -> None:
        """Tell the parts that wait for it; called after the commit."""
