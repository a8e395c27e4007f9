"""Schedules from a table: each row a programme by its title, its times, its days, and where."""

from datetime import datetime

import msgspec
from sqlmodel import Session

from broadcast.programmes import programmes
from devices.communes import commune
from devices.receivers import receivers
from devices.zones import zones
from parsing.names import NameIndex, folded
from runtime.refusal import N_, Refusal
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, schedules
from transfer import cell_values
from transfer.columns import ImportKind
from transfer.external_ids import keep_id, known_ids
from transfer.rows import Cells, RowChange, WrongCell
from usecases.actors import Actor
from usecases.schedules import ScheduleSettings, add_schedule_in, change_schedule_in
from wire.broadcasts import BroadcastClass, Targets

#: What means everywhere.
_EVERYWHERE = ("toan xa", "ca xa", "toan phuong", "tat ca", "all", "toan bo")


class ScheduleTaker:
    """Takes schedules into one commune's timetable. touched: whether the plan must be made again."""

    kind = ImportKind.SCHEDULES

    def __init__(self, session: Session, commune_id: str, now: datetime, actor: Actor) -> None:
        self._commune_id, self._now, self._actor = commune_id, now, actor
        self._today = now.astimezone(commune(session, commune_id).zone).date()
        self._programmes = NameIndex((p.title, p) for p in programmes(session, commune_id))
        self._zones = NameIndex((z.name, z) for z in zones(session, commune_id))
        self._receivers = NameIndex((r.name, r) for r in receivers(session, commune_id))
        self._there = {s.number: s for s in schedules(session, commune_id)}
        self._known = known_ids(session, commune_id, self.kind)
        self._seen: dict[int, int] = {}

    def take(self, session: Session, cells: Cells) -> RowChange:
        """Add it, change it when its code is known, or leave it."""
        programme_id, rule, targets, class_ = self._wanted(cells)
        code = f"code:{folded(cells.text('external_id'))}" if cells.text("external_id") else ""
        schedule = self._there.get(int(self._known.get(code, 0)))
        from_given = cells.value("from_day") is not None
        if schedule is None:
            schedule = next(
                (s for s in self._there.values() if self._alike(s, programme_id, rule, targets, class_, from_given)),
                None,
            )
        if schedule is not None:
            line = self._seen.setdefault(schedule.number, cells.row.line)
            if line != cells.row.line:
                raise Refusal(N_("The same schedule stands in line {line} already."), line=line)
        change = RowChange.SAME
        if schedule is None:
            settings = ScheduleSettings(programme_id, rule, targets, class_)
            schedule = add_schedule_in(session, self._actor, self._commune_id, settings, self._now)
            self._seen[schedule.number] = cells.row.line
            change = RowChange.NEW
        elif not self._alike(schedule, programme_id, rule, targets, class_, from_given):
            kept_rule = rule if from_given else msgspec.structs.replace(rule, from_day=schedule.recurrence.from_day)
            settings = ScheduleSettings(programme_id, kept_rule, targets, class_)
            schedule = change_schedule_in(session, self._actor, self._commune_id, schedule.number, settings, self._now)
            change = RowChange.CHANGED
        self._there[schedule.number] = schedule
        if code and self._known.get(code) != str(schedule.number):
            keep_id(session, self._commune_id, self.kind, code, str(schedule.number))
            self._known[code] = str(schedule.number)
        return change

    def _wanted(self, cells: Cells) -> tuple[int, Rule, Targets, BroadcastClass]:
        title = cells.text("programme")
        if len(self._programmes.exact(title)) > 1:
            why = N_("Several programmes are called so. Rename one, then read the file again.")
            raise WrongCell("programme", Refusal(why))
        programme = cells.named("programme", title, self._programmes)
        if programme is None:
            why = N_("No programme has this name. Create it, then import the file again.")
            raise WrongCell("programme", Refusal(why))
        cells.taken_for.append(programme.title)
        times = cells.read("times", cell_values.times)
        days = cells.read("weekdays", cell_values.weekdays) or list(range(7))
        from_day = cells.read("from_day", cell_values.day)
        until_day = cells.read("until_day", cell_values.day)
        if until_day is not None and until_day < self._today:
            raise WrongCell(
                "until_day", Refusal(N_("This schedule is over already. Delete the row, or give a later day."))
            )
        class_ = cells.read("class", cell_values.broadcast_class, as_text=True) or BroadcastClass.NORMAL
        rule = Rule(
            repeat=Repeat.DAILY if len(days) == 7 else Repeat.WEEKLY,
            times=times,
            weekdays=[] if len(days) == 7 else days,
            from_day=from_day or self._today,
            until_day=until_day,
        ).check()
        return programme.number, rule, self._targets(cells), class_

    def _targets(self, cells: Cells) -> Targets:
        names = cells.names("zones")
        if not names or any(folded(name).startswith(_EVERYWHERE) for name in names):
            return Targets(all=True)
        in_zones, single = set(), set()
        for name in names:
            zone = cells.named("zones", name, self._zones)
            receiver = None if zone else cells.named("zones", name, self._receivers)
            if zone is not None:
                in_zones.add(zone.id)
                cells.taken_for.append(zone.name)
            elif receiver is not None:
                single.add(receiver.id)
                cells.taken_for.append(receiver.name)
            else:
                why = N_("“{name}” is no zone and no receiver here. Import the receivers first, or mend the name.")
                raise WrongCell("zones", Refusal(why, name=name[:60]))
        return Targets(zones=sorted(in_zones), receivers=sorted(single))

    def _alike(
        self,
        schedule: Schedule,
        programme_id: int,
        rule: Rule,
        targets: Targets,
        class_: BroadcastClass,
        from_given: bool,
    ) -> bool:
        """Whether a schedule is what a row says. Without a first day in the row, the one that it has counts."""
        wanted = rule if from_given else msgspec.structs.replace(rule, from_day=schedule.recurrence.from_day)
        audience = schedule.audience
        return (
            schedule.programme_id == programme_id
            and schedule.recurrence == wanted
            and (audience.all, sorted(audience.zones), sorted(audience.receivers))
            == (targets.all, targets.zones, targets.receivers)
            and schedule.broadcast_class is class_
        )
