"""Which receivers a page lists: by a search without diacritics, state, zone, station and type."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends
from sqlmodel import Session

from devices.stations import stations
from parsing.names import folded
from web.receiver_rows import ReceiverRow

#: On one page of the list.
PER_PAGE = 200


@dataclass(frozen=True)
class ReceiverQuery:
    """As it stands in the address. state: of `web.labels.receivers.STATES`. zone: an id. station: a number."""

    q: str = ""
    state: str = ""
    zone: str = ""
    station: str = ""
    kind: str = ""

    @property
    def query(self) -> str:
        """For links to the same receivers."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    @property
    def narrowed(self) -> bool:
        """By more than a search."""
        return bool(self.state or self.zone or self.station or self.kind)

    def matching(self, rows: Sequence[ReceiverRow]) -> list[ReceiverRow]:
        words = folded(self.q).split()
        return [row for row in rows if self._takes(row) and all(word in _text(row) for word in words)]

    def _takes(self, row: ReceiverRow) -> bool:
        return (
            self.state in ("", row.state)
            and (not self.zone or self.zone in row.zone_ids)
            and self.station in ("", str(row.receiver.station_id))
            and self.kind in ("", row.station.kind if row.station else "")
        )


def _query_from(q: str = "", state: str = "", zone: str = "", station: str = "", kind: str = "") -> ReceiverQuery:
    return ReceiverQuery(q.strip(), state, zone, station, kind)


def station_choices(session: Session, commune_id: str) -> list[tuple[str, str]]:
    """For the form: number and name of each station."""
    return [(str(station.number), station.name) for station in stations(session, commune_id)]


AskedReceivers = Annotated[ReceiverQuery, Depends(_query_from)]


def _text(row: ReceiverRow) -> str:
    station = row.station.name if row.station else ""
    return folded(" ".join((row.receiver.name, row.receiver.id, row.receiver.place, station, *row.zones)))
