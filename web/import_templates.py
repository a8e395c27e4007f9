"""Excel templates of the imports: the columns that are recognised, with an example and lists of what there is here."""

from collections.abc import Mapping
from datetime import date

from sqlmodel import Session

from broadcast.programmes import programmes
from devices.stations import stations
from devices.zones import zones
from people.rights import Role
from runtime.refusal import N_
from transfer.columns import COLUMNS, ImportKind
from web.labels.broadcasts import CLASSES
from web.labels.people import ROLE_NAMES
from web.labels.receivers import KINDS
from web.request_context import Frame
from web.spreadsheets import Cell, TemplateColumn, template_file

_HELP = {
    "name": N_("Identifies the receiver when there is no code."),
    "external_id": N_("Identifies the row when the file is imported again, whatever else has changed."),
    "receiver_id": N_("May be empty: Loa makes one from the name."),
    "zones": N_("Several names with commas between."),
    "station": N_("One that is there, or a new one."),
    "kind": N_("Needed when the station is new."),
    "latitude": N_("As 19.8712 or 19,8712."),
    "longitude": N_("As 105.6834 or 105,6834."),
    "programme": N_("The title of a programme in Loa."),
    "times": N_("As 05:00; several with commas between."),
    "weekdays": N_("As T2-T6, or T2, T4, CN. Empty: every day."),
    "from_day": N_("As 25/11/2026. Empty: from today on."),
    "until_day": N_("As 25/11/2026. Empty: without an end."),
    "where": N_("Zones or receivers. Empty: the whole commune."),
    "class": N_("Empty: normal."),
    "role": N_("What the person may do in the commune."),
}
_ROLES = (Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER, Role.CHAIR)


def import_template(frame: Frame, session: Session, kind: ImportKind, title: str) -> bytes:
    t = frame.t
    examples, choices = _contents(frame, session, kind)
    columns = []
    for column in COLUMNS[kind]:
        help_key = "where" if kind is ImportKind.SCHEDULES and column.key == "zones" else column.key
        is_person = kind is ImportKind.OPERATORS and column.key == "name"
        needed = t("Needed in each row.") if column.needed else ""
        help_text = "" if is_person or help_key not in _HELP else t(_HELP[help_key])
        columns.append(
            TemplateColumn(
                f"{t(column.title)} *" if column.needed else t(column.title),
                examples.get(column.key),
                choices.get(column.key, ()),
                " ".join(part for part in (needed, help_text) if part),
            )
        )
    return template_file(title, t("Columns"), columns)


def _contents(frame: Frame, session: Session, kind: ImportKind) -> tuple[Mapping[str, Cell], Mapping[str, list[str]]]:
    """Examples, and what can be chosen, by column."""
    t, commune_id = frame.t, frame.commune_id
    zone_names = [zone.name for zone in zones(session, commune_id)]
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    if kind is ImportKind.RECEIVERS:
        examples: dict[str, Cell] = {
            "name": "Cụm loa nhà văn hóa",
            "external_id": "867123456789012",
            "place": "Nhà văn hóa thôn 1",
            "zones": next(iter(zone_names), "Thôn 1"),
            "station": "FM trung tâm",
            "kind": t(KINDS["fm"]),
            "maker": "VTC",
            "latitude": 19.8712,
            "longitude": 105.6834,
            "volume": 80,
            "path_delay": 0,
        }
        station_names = [station.name for station in stations(session, commune_id)]
        return examples, {"kind": [t(word) for word in KINDS.values()], "zones": zone_names, "station": station_names}
    if kind is ImportKind.SCHEDULES:
        titles = [programme.title for programme in programmes(session, commune_id)]
        examples = {
            "programme": next(iter(titles), "Bản tin sáng"),
            "times": "05:00, 17:00",
            "weekdays": "T2-T6",
            "from_day": today,
            "until_day": date(today.year + 1, 12, 31),
            "zones": next(iter(zone_names), "Toàn xã"),
            "class": t(CLASSES["normal"]),
            "external_id": "LP-001",
        }
        classes = [t(word) for word in CLASSES.values()]
        return examples, {"programme": titles, "zones": ["Toàn xã", *zone_names], "class": classes}
    roles = [t(ROLE_NAMES[role]) for role in _ROLES]
    return {"name": "nguyen.van.a", "role": roles[0]}, {"role": roles}
