"""Later changes: which commune gets what was created between a merger and its undo.

The heir is the first commune of the plan. A receiver follows its station, a zone its receivers, a schedule its
programme, a recording the programme that it is in; everything else goes to the heir. A row that then refers to
something of another commune gets a copy of it or loses the reference; a lost reference is reported.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session

from broadcast.clips import Clip, ClipRendition, new_id
from devices.zones import ZoneMember
from mergers.commune_data import encoded, renditions
from mergers.ledger import LedgerEntry
from mergers.merge_draft import MergeDraft, copied_clip
from mergers.plans import Translatable
from mergers.undo_questions import BEFORE, KEEP, UndoAnswers
from noise.noise_rules import RULE_COLUMNS, NoiseRules
from runtime.refusal import N_
from schedules.schedules import Schedule
from wire.broadcasts import Targets


class LaterChanges:
    """Assigns a commune to each row created since, after the journal was reverted in the draft's ledger."""

    def __init__(
        self,
        session: Session,
        draft: MergeDraft,
        answers: UndoAnswers,
        entries: list[LedgerEntry],
        sources: list[str],
        areas: Mapping[str, str],
        now: datetime,
    ) -> None:
        self._session, self._draft, self._data, self._ledger = session, draft, draft.data, draft.ledger
        self._answers = answers
        self._known = {(e.table, tuple(e.key)) for e in entries}
        self._heir, self._areas, self._now = sources[0], areas, now
        self._into = draft.plan.into
        self._ends = self._ledger.get(draft.data.commune(self._into), "retired_at") is not None

    def place(self) -> None:
        data = self._data
        self._each("station", data.stations, lambda _: self._heir)
        stations = {s.number: self._of(s) for s in data.stations}
        self._each("receiver", data.receivers, lambda r: stations[r.station_id])
        receivers = {r.id: self._of(r) for r in data.receivers}
        self._each("zone", data.zones, lambda z: self._zone_goes(z.id, receivers))
        used = {i.clip_id: p for p, items in data.items.items() for i in items if i.clip_id}
        self._each("programme", data.programmes, lambda _: self._heir)
        programmes = {p.number: self._of(p) for p in data.programmes}
        self._each("clip", data.clips, lambda c: programmes[used[c.id]] if c.id in used else self._heir)
        self._each("schedule", data.schedules, lambda s: programmes[s.programme_id])
        self._each("ingestjob", data.jobs, lambda _: self._heir)
        self._members(receivers)
        self._rules()
        self._recordings(programmes)
        for schedule in data.schedules:
            if self._ledger.get(schedule, "retired_at") is None:
                self._schedule(schedule, receivers)

    def _of(self, row: Any) -> str:
        return str(self._ledger.get(row, "commune_id"))

    def _each(self, table: str, rows: list[Any], goes: Any) -> None:
        for row in rows:
            if self._ends and row.commune_id == self._into and (table, (row.id,)) not in self._known:
                self._ledger.set(row, commune_id=goes(row))

    def _zone_goes(self, zone_id: str, receivers: Mapping[str, str]) -> str:
        there = Counter(receivers[m.receiver_id] for m in self._data.members if m.zone_id == zone_id)
        return there.most_common(1)[0][0] if there else self._heir

    def _members(self, receivers: Mapping[str, str]) -> None:
        zones = {z.id: self._of(z) for z in self._data.zones if not self._ledger.gone(z)}
        for member in [*self._data.members, *self._ledger.new(ZoneMember)]:
            if zones.get(member.zone_id) != receivers[member.receiver_id]:
                self._ledger.remove(member)

    def _rules(self) -> None:
        known = [r for r in self._data.noise_rules if ("noiserules", (r.id,)) in self._known]
        former = {(self._of(r), self._ledger.get(r, "zone_id")): r for r in known if not self._ledger.gone(r)}
        former |= {(r.commune_id, r.zone_id): r for r in self._ledger.new(NoiseRules)}
        zones = {z.id: z for z in self._data.zones if not self._ledger.gone(z)}
        for rule in self._data.noise_rules:
            if self._ledger.gone(rule) or rule.commune_id != self._into or not self._ends or rule in known:
                continue
            zone = zones.get(rule.zone_id)
            if rule.zone_id and zone is None:
                self._ledger.remove(rule)
                self._tell(N_("Allowed hours that were set since the merger are gone; those of before hold again."))
                continue
            commune_id = self._heir if zone is None else self._of(zone)
            self._rule(rule, commune_id, "" if zone is None else zone.name, former.get((commune_id, rule.zone_id)))

    def _rule(self, rule: NoiseRules, commune_id: str, zone_name: str, former: NoiseRules | None) -> None:
        """Rules that were set since and rules of before for one place: those that are decided for hold."""
        name = self._data.commune(commune_id).name
        suggested = KEEP if former is None else BEFORE
        place = zone_name or self._data.commune(self._into).name
        if not self._answers.keeps_hours(f"noiserules {rule.id}", name, place, suggested):
            self._ledger.remove(rule)
        elif former is None:
            self._ledger.set(rule, commune_id=commune_id)
        else:
            self._ledger.set(former, **{column: getattr(rule, column) for column in RULE_COLUMNS})
            self._ledger.remove(rule)

    def _recordings(self, programmes: Mapping[int, str]) -> None:
        clips = {c.id: c for c in self._data.clips}
        copies: dict[tuple[str, str], str] = {}
        for number, items in self._data.items.items():
            for item in items:
                clip_id = self._ledger.get(item, "clip_id")
                clip = clips.get(clip_id)
                if clip is None or self._of(clip) == programmes[number]:
                    continue
                key = (clip.id, programmes[number])
                if key not in copies:
                    copies[key] = self._copy(clip, programmes[number])
                self._ledger.set(item, clip_id=copies[key])

    def _copy(self, clip: Clip, commune_id: str) -> str:
        made = copied_clip(clip, new_id(), commune_id)
        made.builtin = ""
        self._ledger.add(made)
        for row in renditions(self._session, [clip.id]):
            self._ledger.add(ClipRendition(**(row.model_dump() | {"clip_id": made.id})))
        return made.id

    def _schedule(self, schedule: Schedule, receivers: Mapping[str, str]) -> None:
        """Restrict its targets to its own commune; the zone of a former commune becomes the whole commune again."""
        commune_id = self._of(schedule)
        targets = msgspec.json.decode(self._ledger.get(schedule, "targets"), type=Targets)
        zones = {z.id for z in self._data.zones if self._of(z) == commune_id and not self._ledger.gone(z)}
        whole = targets.all or any(self._areas.get(z) == commune_id for z in targets.zones)
        mine = Targets(
            all=whole,
            zones=[] if whole else [z for z in targets.zones if z in zones],
            receivers=[] if whole else [r for r in targets.receivers if receivers.get(r) == commune_id],
        )
        if mine == targets:
            return
        title = schedule.title or next(
            (p.title for p in self._data.programmes if p.number == schedule.programme_id), ""
        )
        if not (mine.all or mine.zones or mine.receivers):
            self._ledger.set(
                schedule, paused=True, paused_until=None, revision=schedule.revision + 1, changed_at=self._now
            )
            self._tell(N_("The schedule of {name} is for receivers of another commune; it rests."), name=title)
            return
        self._ledger.set(schedule, targets=encoded(mine))
        if not whole:
            self._tell(N_("The schedule of {name} is for the receivers of its own commune alone."), name=title)

    def _tell(self, message_id: str, **values: object) -> None:
        note = Translatable(message_id, values)
        if note not in self._draft.notes:
            self._draft.notes.append(note)
