"""Positions: where on the map a receiver stands, in degrees of WGS 84, as phones and maps give them."""

from typing import NamedTuple

from sqlmodel import Session

from devices.receivers import Receiver, receiver
from runtime.refusal import N_, Refusal

#: A ten-millionth of a degree is a centimetre on the ground.
_PLACES = 7


class Position(NamedTuple):
    """A point on the ground. latitude_deg: north is positive. longitude_deg: east is positive."""

    latitude_deg: float
    longitude_deg: float


def position_of(receiver: Receiver) -> Position | None:
    """Where a receiver stands; None when nobody has placed it."""
    if receiver.latitude_deg is None or receiver.longitude_deg is None:
        return None
    return Position(receiver.latitude_deg, receiver.longitude_deg)


def place_receiver(session: Session, receiver_id: str, position: Position | None) -> Receiver:
    """Put it on the map, or take it off. It is told nothing: where it stands changes nothing that it does.

    Raises Refusal for a position that is not on earth, NotFound.
    """
    row = receiver(session, receiver_id)
    checked = None if position is None else check_position(position)
    row.latitude_deg, row.longitude_deg = checked or (None, None)
    session.add(row)
    session.flush()
    return row


def check_position(position: Position) -> Position:
    """The position, rounded to the centimetre. Raises Refusal when it is not on earth."""
    latitude_deg, longitude_deg = position
    if not -90 <= latitude_deg <= 90:  # also refuses what is not a number
        raise Refusal(
            N_("The latitude is between -90 and 90 degrees (in Vietnam 8 to 24). Did the two numbers change places?")
        ).at("latitude")
    if not -180 <= longitude_deg <= 180:
        raise Refusal(N_("The longitude is between -180 and 180 degrees (in Vietnam 102 to 118).")).at("longitude")
    return Position(round(latitude_deg, _PLACES), round(longitude_deg, _PLACES))


def parse_position(latitude: str, longitude: str) -> Position | None:
    """What people type: "19.8712" or "19,8712", or both as a map copies them ("19.8712, 105.6834") in the first field.

    None when both are empty. Raises Refusal for half a position, for what is no number, and as `check_position`.
    """
    latitude, longitude = latitude.strip(), longitude.strip()
    if not latitude and not longitude:
        return None
    if not longitude:
        parts = latitude.replace(";", " ").replace(", ", " ").split()
        if len(parts) == 1 and latitude.count(",") == 1 and "." in latitude:
            parts = latitude.split(",")
        if len(parts) == 2:
            latitude, longitude = parts
    if not latitude or not longitude:
        empty = "longitude" if latitude else "latitude"
        raise Refusal(N_("A place on the map has a latitude and a longitude. Give both, or leave both empty.")).at(
            empty
        )
    return check_position(Position(_degrees(latitude, "latitude"), _degrees(longitude, "longitude")))


def _degrees(text: str, field: str) -> float:
    try:
        return float(text.strip().rstrip("°").replace(",", "."))
    except ValueError:
        raise Refusal(
            N_("{text} is no number of degrees. Write it as a map gives it, for example 19.8712."), text=text[:40]
        ).at(field) from None
