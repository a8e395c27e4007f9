"""Receivers from a table: each row a receiver, with its station and its zones, made when they are not there."""

import re
from datetime import datetime
from typing import cast

from sqlmodel import Session

from devices.communes import commune
from devices.enrolment import Issuer
from devices.positions import Position, parse_position, position_of
from devices.receivers import Receiver, receivers
from devices.stations import Station, StationKind, stations
from devices.zones import zones, zones_of
from parsing.names import NameIndex, folded, name_key
from runtime.refusal import N_, Refusal
from transfer import cell_values
from transfer.columns import ImportKind
from transfer.external_ids import keep_id, known_ids
from transfer.rows import Cells, RowChange, WrongCell
from usecases.actors import Actor
from usecases.receivers import ReceiverSettings, add_receiver_in, change_receiver_in, place_receiver_in
from usecases.stations import StationSettings, add_station_in
from usecases.zones import add_zone_in
from wire.credentials import Credentials

_LONGEST_ID = 63


class ReceiverTaker:
    """Takes receivers into one commune. credentials: of the new ones. touched: ids of all that are to be told."""

    kind = ImportKind.RECEIVERS

    def __init__(
        self,
        session: Session,
        commune_id: str,
        issuer: Issuer,
        now: datetime,
        actor: Actor,
        default_kind: StationKind | None,
    ) -> None:
        """default_kind: of stations that a row does not tell of; None to ask for it."""
        commune(session, commune_id)
        self._commune_id, self._issuer, self._default_kind = commune_id, issuer, default_kind
        self._now, self._actor = now, actor
        self._known = known_ids(session, commune_id, self.kind)
        self._by_name = NameIndex((r.name, r.id) for r in receivers(session, commune_id))
        self.credentials: list[Credentials] = []
        self.touched: list[str] = []
        self._seen: dict[str, int] = {}

    def take(self, session: Session, cells: Cells) -> RowChange:
        """Add it, change what is given and different, or leave it."""
        name, code, own_id = cells.text("name"), cells.text("external_id"), cells.text("receiver_id")
        position = self._position(cells)
        volume = cells.read("volume", cell_values.percent)
        delay_ms = cells.read("path_delay", cell_values.number, as_text=True)
        phone = cells.read("alert_phone", cell_values.phone, as_text=True)
        keys = [f"code:{folded(code)}"] if code else [f"exact:{name_key(name)}"]
        receiver = self._found(session, cells, name, keys[0], own_id)
        self._refuse_twice(receiver.id if receiver else keys[0], cells)
        station = self._station(session, cells, receiver)
        zone_ids = self._zones(session, cells)
        before = len(self.credentials)
        if receiver is None:
            try:
                receiver, credentials = add_receiver_in(
                    session,
                    self._actor,
                    self._issuer,
                    self._commune_id,
                    receiver_id=own_id or self._new_id(session, name),
                    station_id=station,
                    name=name,
                    now=self._now,
                )
            except Refusal as refusal:
                raise WrongCell("receiver_id", refusal) from refusal
            self.credentials.append(credentials)
            self._by_name.add(name, receiver.id)
            self._seen[receiver.id] = cells.row.line
        new = len(self.credentials) > before
        cells.taken_for.append(receiver.name)
        try:
            changed = self._change(session, cells, receiver, station, zone_ids, volume, delay_ms, position, phone)
        except Refusal:
            del self.credentials[before:]
            raise
        for key in keys:
            if self._known.get(key) != receiver.id:
                keep_id(session, self._commune_id, self.kind, key, receiver.id)
                self._known[key] = receiver.id
        if new or changed:
            self.touched.append(receiver.id)
        return RowChange.NEW if new else RowChange.CHANGED if changed else RowChange.SAME

    def _found(self, session: Session, cells: Cells, name: str, key: str, own_id: str) -> Receiver | None:
        ours = self._known.get(key)
        receiver = session.get(Receiver, own_id or ours) if own_id or ours else None
        if receiver is not None and receiver.commune_id != self._commune_id:
            raise Refusal(N_("The receiver {id} belongs to another commune now."), id=receiver.id)
        if receiver is not None and receiver.retired_at is not None:
            if own_id:
                raise WrongCell(
                    "receiver_id", Refusal(N_("The receiver {id} was taken out of service."), id=receiver.id)
                )
            receiver = None
        if receiver is not None or own_id:
            return receiver
        # Made by hand, or imported without a code: the name finds it, unless it is known under another code.
        taken = {i for k, i in self._known.items() if k.startswith("code:")} if key.startswith("code:") else set()
        named = (session.get(Receiver, i) for i in self._by_name.exact(name) if i not in taken)
        # A row before may have given it another name, and one that failed may have left one that is not there.
        alike = [r for r in named if r is not None and name_key(r.name) == name_key(name)]
        if not alike and not key.startswith("code:"):
            loose = cells.named("name", name, self._by_name)
            alike = [r for r in [session.get(Receiver, loose) if loose else None] if r is not None]
        if len(alike) > 1:
            raise WrongCell("name", Refusal(N_("Several receivers are called so. Give the short name or a code.")))
        return alike[0] if alike else None

    def _refuse_twice(self, key: str, cells: Cells) -> None:
        line = self._seen.setdefault(key, cells.row.line)
        if line != cells.row.line:
            raise Refusal(N_("The same receiver stands in line {line} already."), line=line)

    def _station(self, session: Session, cells: Cells, receiver: Receiver | None) -> int:
        name, maker = cells.text("station"), cells.text("maker")
        kind: StationKind | None = cells.read("kind", cell_values.station_kind, as_text=True)
        former = cells.text("former_commune")
        if not name and kind is None and not maker and not former and receiver is not None:
            return receiver.station_id
        # A row that tells nothing fits any station, and would be put into one by chance.
        wanted = kind or self._default_kind if not name else kind
        commune_stations = stations(session, self._commune_id)
        alike = [
            s
            for s in commune_stations
            if (not name or name_key(s.name) == name_key(name)) and _fits(s, wanted, maker, former)
        ]
        if alike and (name or wanted):
            numbers = [s.number for s in alike]
            return receiver.station_id if receiver is not None and receiver.station_id in numbers else numbers[0]
        wanted = wanted or self._default_kind
        if wanted is None:
            raise WrongCell(
                "kind", Refusal(N_("Of which kind is its station? Add a column, or choose it above the table."))
            )
        made = name or f"{wanted.value.upper()} {former or maker}".strip()
        settings = StationSettings(wanted, made, maker, former)
        return add_station_in(session, self._actor, self._commune_id, settings, self._now).number

    def _zones(self, session: Session, cells: Cells) -> list[str] | None:
        names = cells.names("zones")
        if not names:
            return None
        there = zones(session, self._commune_id)
        zone_index, ids = NameIndex((z.name, z) for z in there), {z.id for z in there}
        chosen = set()
        for name in names:
            zone = cells.named("zones", name, zone_index)
            if zone is None:
                wanted = _fresh(f"{self._commune_id}-{_slug(name)}", ids)
                zone = add_zone_in(session, self._actor, self._commune_id, wanted, name, self._now)
                zone_index.add(zone.name, zone)
                ids.add(zone.id)
            chosen.add(zone.id)
            cells.taken_for.append(zone.name)
        return sorted(chosen)

    def _position(self, cells: Cells) -> Position | None:
        latitude, longitude = cells.text("latitude"), cells.text("longitude")
        try:
            return parse_position(latitude, longitude)
        except Refusal as refusal:
            raise WrongCell("latitude", refusal) from refusal

    def _change(
        self,
        session: Session,
        cells: Cells,
        receiver: Receiver,
        station: int,
        zone_ids: list[str] | None,
        volume: int | None,
        delay_ms: float | None,
        position: Position | None,
        phone: str | None,
    ) -> bool:
        name, place = cells.text("name"), cells.text("place")
        different = {
            # Without diacritics it finds a receiver, and does not rename it.
            "name": name if name != receiver.name and not _bare_of(name, receiver.name) else None,
            "place": place if place and place != receiver.place else None,
            "station_id": station if station != receiver.station_id else None,
            "zones": zone_ids if zone_ids is not None and zone_ids != zones_of(session, receiver.id) else None,
            "volume_percent": volume if volume is not None and volume != receiver.volume_percent else None,
            "alert_phone": phone if phone and phone != receiver.alert_phone else None,
            "path_delay_ms": delay_ms if delay_ms is not None and delay_ms != receiver.path_delay_ms else None,
        }
        wanted = cast(ReceiverSettings, {key: value for key, value in different.items() if value is not None})
        if wanted:
            change_receiver_in(session, self._actor, self._commune_id, receiver.id, wanted, self._now)
            self._by_name.add(name, receiver.id)
        moved = position is not None and position != position_of(receiver)
        if moved:
            place_receiver_in(session, self._actor, self._commune_id, receiver.id, position, self._now)
        return bool(wanted) or moved

    def _new_id(self, session: Session, name: str) -> str:
        base = f"{self._commune_id}-{_slug(name)}"[:_LONGEST_ID].strip("-")
        wanted, count = base, 1
        while session.get(Receiver, wanted) is not None:
            count += 1
            wanted = f"{base[: _LONGEST_ID - 5].strip('-')}-{count}"
        return wanted


def _bare_of(typed: str, name: str) -> bool:
    return name_key(typed) != name_key(name) and NameIndex([(name, name)]).find(typed) is not None


def _fits(station: Station, kind: StationKind | None, maker: str, former: str) -> bool:
    return (
        (kind is None or station.kind == kind.value)
        and (not maker or folded(station.maker) == folded(maker))
        and (not former or folded(station.former_commune) == folded(former))
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folded(name)).strip("-") or "loa"


def _fresh(wanted: str, taken: set[str]) -> str:
    base, count = wanted[:_LONGEST_ID].strip("-"), 1
    wanted = base
    while wanted in taken:
        count += 1
        wanted = f"{base[: _LONGEST_ID - 5]}-{count}"
    return wanted
