"""Events of a calendar file onto the timetable. An event is known by its UID: read again, it changes its schedule."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from broadcast.programmes import Programme, programmes
from parsing.names import NameIndex
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules.calendar_entries import CalendarEntry, CalendarImport
from schedules.recurrence import Holidays
from schedules.schedules import Schedule, schedules
from transfer.columns import ImportKind
from transfer.external_ids import keep_id, known_ids
from usecases.actors import Actor
from usecases.schedules import ScheduleSettings, add_schedule_in, change_schedule_in, retire_schedule_in
from usecases.services import Services
from wire.broadcasts import Targets

#: Events in one transaction, and the pause before the next, in which others write.
_AT_ONCE, _GAP_S = 10, 0.05


@dataclass
class TakenEvents:
    """Titles of the programmes. removed: of events that are cancelled or gone. unread: titles with why they were left
    out.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unread: list[tuple[str, Refusal]] = field(default_factory=list)

    def extend(self, more: "TakenEvents") -> None:
        self.added += more.added
        self.changed += more.changed
        self.there += more.there
        self.removed += more.removed
        self.unread += more.unread


def take_calendar(services: Services, actor: Actor, commune_id: str, events: CalendarImport) -> TakenEvents:
    """In short transactions: an emergency is written between two of them. Raises NotAllowed."""
    actor.need(Action.TIMETABLE, commune_id)
    all_taken, used = TakenEvents(unread=list(events.unread)), set[int]()
    for first in range(0, len(events.entries), _AT_ONCE):
        if first:
            time.sleep(_GAP_S)
        with services.database.writing() as session:
            taker = EventTaker(session, commune_id, services.clock.now(), actor, used)
            taken = taker.take(CalendarImport(entries=events.entries[first : first + _AT_ONCE]))
        all_taken.extend(taken)
    with services.database.writing() as session:
        gone = EventTaker(session, commune_id, services.clock.now(), actor, used).remove_gone(events)
    all_taken.extend(gone)
    services.plan(commune_id)
    return all_taken


class EventTaker:
    """Takes the events of one file into one commune's timetable."""

    def __init__(
        self, session: Session, commune_id: str, now: datetime, actor: Actor, used: set[int] | None = None
    ) -> None:
        """used: the schedules that events before these have taken; these are added."""
        self._session, self._commune_id, self._now, self._actor = session, commune_id, now, actor
        self._programmes = NameIndex((p.title, p) for p in programmes(session, commune_id))
        self._there = {s.number: s for s in schedules(session, commune_id)}
        self._known = known_ids(session, commune_id, ImportKind.SCHEDULES)
        self._used = set() if used is None else used

    def take(self, read: CalendarImport) -> TakenEvents:
        taken = TakenEvents(unread=list(read.unread))
        for entry in read.entries:
            try:
                with self._session.begin_nested():
                    self._take(entry, taken)
            except Refusal as refusal:
                taken.unread.append((entry.title, refusal))
                self._used |= {schedule.number for schedule in self._known_schedules(entry.uids)}  # they stay
        self._note(taken.added + taken.changed)
        return taken

    def remove_gone(self, read: CalendarImport) -> TakenEvents:
        """Take off the timetable what earlier readings put there for events that are cancelled now, and for
        occurrences that their events have no longer. After all entries were taken.
        """
        taken = TakenEvents()
        for title, uid in read.cancelled:
            numbers = [self._known.get(_key(uid), ""), self._own(uid), *self._parts(uid)]
            if not self._retire(numbers, title, taken):
                taken.unread.append((title, Refusal(N_("This event is cancelled."))))
        for uid in read.uids:
            self._retire(self._parts(uid), "", taken)
        self._note(taken.removed)
        return taken

    def _note(self, titles: list[str]) -> None:
        if titles:
            self._actor.note(self._session, self._now, self._commune_id, Deed.CALENDAR_READ, ", ".join(titles)[:1000])

    def _parts(self, uid: str) -> list[str]:
        """Numbers of the schedules of an event's occurrences that were moved, and of its further rules."""
        return [number for key, number in self._known.items() if key.startswith(f"{_key(uid)}#")]

    def _retire(self, numbers: list[str], title: str, taken: TakenEvents) -> bool:
        """title: "" for that of the schedule's programme. Whether there was one."""
        gone = [
            schedule
            for number in dict.fromkeys(numbers)
            if number and (schedule := self._there.get(int(number))) is not None and schedule.number not in self._used
        ]
        for schedule in gone:
            programme = self._session.get(Programme, schedule.programme_id)
            shown = title or (programme.title if programme else "")
            try:
                with self._session.begin_nested():
                    retire_schedule_in(self._session, self._actor, self._commune_id, schedule.number, self._now)
            except Refusal as refusal:  # an emergency, without the right to emergencies
                taken.unread.append((shown, refusal))
            else:
                taken.removed.append(shown)
            self._used.add(schedule.number)
        return bool(gone)

    def _take(self, entry: CalendarEntry, taken: TakenEvents) -> None:
        programme = self._programme(entry.title)
        schedules = self._schedules_of(entry)
        schedule, others = (schedules[0], schedules[1:]) if schedules else (None, [])
        if schedule is None:
            settings = ScheduleSettings(programme.number, entry.rule, Targets(all=True))
            schedule = add_schedule_in(self._session, self._actor, self._commune_id, settings, self._now)
            taken.added.append(programme.title)
        elif (schedule.programme_id, schedule.recurrence) == (programme.number, entry.rule) or _is_our_extract(
            schedule, entry
        ):
            taken.there.append(programme.title)
        else:
            settings = ScheduleSettings(programme.number, entry.rule, schedule.audience, schedule.broadcast_class)
            schedule = change_schedule_in(
                self._session, self._actor, self._commune_id, schedule.number, settings, self._now
            )
            taken.changed.append(programme.title)
        for other in others:  # two schedules that have become one event
            retire_schedule_in(self._session, self._actor, self._commune_id, other.number, self._now)
            self._used.add(other.number)
        self._used.add(schedule.number)
        self._there[schedule.number] = schedule
        for uid in entry.uids:
            key = _key(uid)
            if uid and self._known.get(key) != str(schedule.number):
                keep_id(self._session, self._commune_id, ImportKind.SCHEDULES, key, str(schedule.number))

    def _programme(self, title: str) -> Programme:
        if len(self._programmes.exact(title)) > 1:
            raise Refusal(N_("Several programmes are called so. Rename one, then read the file again."))
        programme = self._programmes.find(title)
        if programme is None:
            raise Refusal(N_("No programme has this name. Create it, then import the file again."))
        return programme

    def _schedules_of(self, entry: CalendarEntry) -> list[Schedule]:
        """Those that its events made before; else one that already says the same."""
        unused = [schedule for schedule in self._known_schedules(entry.uids) if schedule.number not in self._used]
        if unused:
            return unused
        title = self._programmes.find(entry.title)
        alike = (
            s for s in self._there.values() if title and (s.programme_id, s.recurrence) == (title.number, entry.rule)
        )
        return [s for s in alike if s.number not in self._used][:1]

    def _known_schedules(self, uids: Sequence[str]) -> list[Schedule]:
        numbers = [self._known.get(_key(uid), "") for uid in uids] + [self._own(uid) for uid in uids]
        return [self._there[int(number)] for number in dict.fromkeys(numbers) if number and int(number) in self._there]

    def _own(self, uid: str) -> str:
        """The number of the schedule that Loa itself wrote into a calendar file as this event."""
        ours = re.fullmatch(rf"loa-{re.escape(self._commune_id)}-([0-9]{{1,9}})-[0-9]{{6}}", uid)
        return ours[1] if ours else ""


def _is_our_extract(schedule: Schedule, entry: CalendarEntry) -> bool:
    """Whether a file of ours could only list the days of a schedule: holidays and seasons have no words there."""
    rule = schedule.recurrence
    special = rule.seasons or rule.holidays is not Holidays.ALIKE or rule.tet is not Holidays.ALIKE
    return bool(special) and any(uid.startswith(f"loa-{schedule.commune_id}-{schedule.number}-") for uid in entry.uids)


def _key(uid: str) -> str:
    return f"uid:{uid}"[:200]
