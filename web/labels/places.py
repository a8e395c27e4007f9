"""Labels of places: where a schedule is heard, by the names of its zones and receivers."""

from sqlmodel import Session

from devices.receivers import receivers
from devices.zones import zones
from parsing.names import told_apart
from web.language import Translator
from wire.broadcasts import Targets

#: A row of a list has space for so many names.
MOST_NAMED = 3


class PlaceNames:
    """The names of a commune's zones and receivers, read once; equal ones are told apart."""

    def __init__(self, session: Session, commune_id: str) -> None:
        self._zones = told_apart((z.id, z.name) for z in zones(session, commune_id))
        self._receivers = told_apart((r.id, r.name) for r in receivers(session, commune_id))

    def where(self, t: Translator, targets: Targets, most: int = MOST_NAMED) -> str:
        """All names up to `most`, then how many more places there are."""
        if targets.all:
            return t("The whole commune")
        names = [self._zones.get(zone_id, zone_id) for zone_id in targets.zones]
        names += [self._receivers.get(receiver_id, receiver_id) for receiver_id in targets.receivers]
        if len(names) <= most:
            return ", ".join(names)
        more = t.count("{n} more place", "{n} more places", len(names) - most + 1)
        return ", ".join([*names[: most - 1], more])
