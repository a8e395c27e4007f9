"""Where something shall sound, as a form asks it; and as what class."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Form
from sqlmodel import Session

from broadcast.modes import Mode, Spread
from devices.positions import parse_position, position_of
from devices.receivers import Receiver, receiver, receivers
from devices.zones import Zone, zones
from parsing.names import told_apart
from runtime.refusal import N_, Refusal
from web.request_context import Reading
from web.typed_fields import Whole
from wire.broadcasts import BroadcastClass, Targets


@dataclass(frozen=True)
class TargetChoice:
    """What is chosen, and what there is to choose from. labels: of an id, with the id where names are equal."""

    all: bool = True
    zones: list[str] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    zone_choices: list[Zone] = field(default_factory=list)
    receiver_choices: list[Receiver] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def targets(self) -> Targets:
        """As the wire says it."""
        return Targets(all=True) if self.all else Targets(zones=self.zones, receivers=self.receivers)


def target_choice(session: Session, commune_id: str, chosen: Targets | None = None) -> TargetChoice:
    """For a form: what there is, and what is chosen so far."""
    now = chosen or Targets(all=True)
    zone_choices, receiver_choices = zones(session, commune_id), receivers(session, commune_id)
    labels = told_apart((z.id, z.name) for z in zone_choices)
    labels |= told_apart((r.id, r.name) for r in receiver_choices)
    return TargetChoice(now.all, list(now.zones), list(now.receivers), zone_choices, receiver_choices, labels)


def targets_from(
    where: Annotated[str, Form()] = "all",
    zones: Annotated[list[str] | None, Form()] = None,
    receivers: Annotated[list[str] | None, Form()] = None,
) -> TargetChoice:
    return TargetChoice(where == "all", zones or [], receivers or [])


def class_from(class_: Annotated[str, Form(alias="class")] = "normal") -> BroadcastClass:
    """From a sent form. Raises Refusal."""
    try:
        return BroadcastClass(class_)
    except ValueError:
        raise Refusal(N_("There are three classes: normal, priority, emergency.")).at("class") from None


def spread_from(
    session: Reading,
    mode: Annotated[str, Form()] = "in_step",
    point: Annotated[str, Form()] = "",
    latitude: Annotated[str, Form()] = "",
    longitude: Annotated[str, Form()] = "",
    gap_s: Annotated[Whole, Form()] = 5,
) -> Spread:
    """From a sent form. point: a receiver's id, or "" for the typed degrees. Raises Refusal, NotFound."""
    try:
        chosen = Mode(mode)
    except ValueError:
        raise Refusal(N_("There are three playback modes: in sync, aligned, zone by zone.")).at("mode") from None
    place = None
    if chosen is Mode.ALIGNED:
        place = position_of(receiver(session, point)) if point else parse_position(latitude, longitude)
    return Spread(
        mode=chosen,
        latitude_deg=place.latitude_deg if place else None,
        longitude_deg=place.longitude_deg if place else None,
        gap_s=gap_s,
    ).check()
