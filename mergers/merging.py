"""The draft of a merge of several communes into one.

Each former commune becomes a zone of all its receivers, so that what was for "the whole commune" keeps its receivers.
Zones, receivers, clips, programmes and schedules keep their ids; decisions are applied on top.
"""

from datetime import datetime

import msgspec
from sqlmodel import Session

from devices.communes import Commune
from devices.outlines import joined_outline
from devices.zones import Zone, ZoneMember
from mergers.commune_data import encoded, load_commune_data
from mergers.ledger import Ledger
from mergers.merge_context import MergeContext
from mergers.merge_draft import Answers, MergeDraft, choice, free_zone_id, undone_commune
from mergers.merged_people import MergedPeople
from mergers.merged_rules import MergedRules
from mergers.merged_sound import MergedSound
from mergers.plans import Decisions, Merge, QuestionTopic, Translatable
from mergers.schedule_overlaps import ScheduleOverlap, schedule_overlaps
from parsing.names import name_key
from runtime.refusal import N_, Refusal, at_field
from schedules.schedules import Schedule
from wire.broadcasts import Targets


def check_merge(session: Session, plan: Merge) -> None:
    """Raises Refusal for a plan that cannot be."""
    if len(set(plan.sources)) < 2:
        raise Refusal(N_("Choose at least two communes to merge.")).at("sources")
    for commune_id in plan.sources:
        commune = session.get(Commune, commune_id)
        if commune is None or commune.retired_at is not None:
            raise Refusal(N_("There is no commune {id} (any more). Begin again with the communes."), id=commune_id).at(
                "sources"
            )
    if not plan.name.strip():
        raise Refusal(N_("The new commune needs a name, for example: Xã Thiệu Trung.")).at("name")
    if plan.into not in plan.sources:
        with at_field("into"):
            undone_commune(session, plan.into)


class Merging:
    def __init__(self, session: Session, plan: Merge, decisions: Decisions, now: datetime) -> None:
        data, ledger = load_commune_data(session, list(plan.sources)), Ledger()
        draft = MergeDraft(plan, data, ledger, self._places)
        self._context = MergeContext(session, plan, now, data, ledger, draft, Answers(dict(decisions), draft.questions))
        self._time_zone = data.commune(plan.sources[0]).time_zone

    def draft(self) -> MergeDraft:
        self._commune()
        self._zones()
        self._receivers()
        MergedRules(self._context).work_out()
        MergedSound(self._context).work_out()
        self._schedules()
        MergedPeople(self._context).work_out()
        return self._context.draft

    def _commune(self) -> None:
        plan, data = self._context.plan, self._context.data
        sources = [data.commune(c) for c in plan.sources]
        first = sources[0]
        if len({c.time_zone for c in sources}) > 1:
            message = N_("The communes have different time zones: which one holds?")
            chosen = self._context.ask_whose("time_zone", QuestionTopic.TIME_ZONE, message, plan.sources)
            self._time_zone = data.commune(chosen).time_zone
        ceiling = max(c.volume_ceiling_percent for c in sources)
        self._ceiling_of = {c.id: 100 for c in sources}
        if len({c.volume_ceiling_percent for c in sources}) > 1:
            everywhere = N_("{percent} % everywhere, as in {commune}")
            chosen = self._context.ask(
                "volume",
                QuestionTopic.VOLUME,
                N_("The communes limit the volume differently: which limit holds?"),
                [
                    choice("keep", N_("Each receiver keeps the limit it had")),
                    *(
                        choice(f"use:{c.id}", everywhere, percent=c.volume_ceiling_percent, commune=c.name)
                        for c in sources
                    ),
                ],
                "keep",
            )
            if chosen == "keep":
                self._ceiling_of = {c.id: c.volume_ceiling_percent for c in sources}
            else:
                ceiling = data.commune(chosen.removeprefix("use:")).volume_ceiling_percent
        values: dict[str, object] = {
            "name": plan.name.strip(),
            "time_zone": self._time_zone,
            "volume_ceiling_percent": ceiling,
            "outline": self._outline(sources),
            "storage_gb": sum(c.storage_gb or 0 for c in sources) or None,
        }
        undone = None if plan.into in plan.sources else undone_commune(self._context.session, plan.into)
        if plan.into in plan.sources:
            self._context.ledger.set(data.commune(plan.into), **values)
        elif undone is not None:
            self._context.ledger.set(undone, **values, province_id=first.province_id, retired_at=None)
        else:
            # Other columns (the province) are those of the first commune.
            self._context.ledger.add(Commune(**{**first.model_dump(), **values, "id": plan.into, "retired_at": None}))
        for source in sources:
            if source.id != plan.into:
                self._context.ledger.set(source, retired_at=self._context.now)
                self._context.draft.succession.append((source.id, plan.into, None))

    def _outline(self, sources: list[Commune]) -> str | None:
        """The border around all of them."""
        outline = joined_outline([source.outline for source in sources])
        if outline is None and any(source.outline for source in sources):
            note = N_(
                "The new commune has no border on the map until you bring it: those of the communes make no whole."
            )
            self._context.draft.notes.append(Translatable(note))
        return outline

    def _zones(self) -> None:
        plan, data = self._context.plan, self._context.data
        for commune_id in plan.sources:
            commune = data.commune(commune_id)
            zone_id = free_zone_id(self._context.session, commune.id, [z.id for z in self._context.area.values()])
            area = Zone(id=zone_id, commune_id=plan.into, name=f"{commune.name} (cũ)")
            self._context.area[commune_id] = area
            self._context.ledger.add(area)
        by_name: dict[str, list[Zone]] = {}
        order = [plan.into, *plan.sources]
        for zone in sorted(data.zones, key=lambda z: (order.index(z.commune_id), z.id)):
            by_name.setdefault(name_key(zone.name), []).append(zone)
            self._context.ledger.set(zone, commune_id=plan.into)
        for alike in by_name.values():
            if len({z.commune_id for z in alike}) > 1:
                self._same_name(alike)

    def _same_name(self, alike: list[Zone]) -> None:
        whose = ", ".join(dict.fromkeys(self._context.name(z.commune_id) for z in alike))
        chosen = self._context.ask(
            "zones:" + "+".join(z.id for z in alike),
            QuestionTopic.ZONES,
            N_("{communes} each have a zone {zone}."),
            [
                choice("rename", N_("They are different places: each gets the name of its former commune added")),
                choice("join", N_("They are the same place: they become one zone")),
                choice("keep", N_("They are different places and keep their names")),
            ],
            "rename",
            communes=whose,
            zone=alike[0].name,
        )
        if chosen == "rename":
            for zone in alike:
                self._context.ledger.set(zone, name=f"{zone.name} ({self._context.name(zone.commune_id)})")
        if chosen == "join":
            first, *others = alike
            for other in others:
                if other.commune_id == first.commune_id:
                    continue
                # It stays in its former commune, empty: old broadcasts refer to it.
                self._context.zone_map[other.id] = first.id
                self._context.ledger.set(other, commune_id=other.commune_id)
                there = set(self._context.members(first.id))
                for member in [m for m in self._context.data.members if m.zone_id == other.id]:
                    self._context.ledger.remove(member)
                    if member.receiver_id not in there:
                        self._context.ledger.add(ZoneMember(zone_id=first.id, receiver_id=member.receiver_id))

    def _receivers(self) -> None:
        plan, data = self._context.plan, self._context.data
        for station in data.stations:
            former = station.former_commune or self._context.name(station.commune_id)
            self._context.ledger.set(station, commune_id=plan.into, former_commune=former)
        for receiver in data.receivers:
            ceiling = min(receiver.volume_ceiling_percent, self._ceiling_of[receiver.commune_id])
            self._context.ledger.set(
                receiver,
                commune_id=plan.into,
                config_revision=receiver.config_revision + 1,
                volume_ceiling_percent=ceiling,
                volume_percent=min(receiver.volume_percent, ceiling),
            )
            self._context.ledger.add(
                ZoneMember(zone_id=self._context.area[receiver.commune_id].id, receiver_id=receiver.id)
            )
            if receiver.retired_at is None:
                self._context.draft.reconfigured.add(receiver.id)
            if receiver.commune_id != plan.into:
                self._context.draft.former_commune[receiver.id] = receiver.commune_id

    def _schedules(self) -> None:
        plan, data = self._context.plan, self._context.data
        for schedule in data.schedules:
            _, targets = self._places(schedule.commune_id, schedule.audience)[0]
            self._context.ledger.set(schedule, commune_id=plan.into, targets=encoded(targets))
            if data.commune(schedule.commune_id).time_zone != self._time_zone:
                self._plan_again(schedule)
        for meeting in schedule_overlaps(self._context.session, data, plan.sources, self._context.now):
            self._meeting(meeting)

    def _meeting(self, meeting: ScheduleOverlap) -> None:
        communes = meeting.communes()
        whose = {c: ", ".join(meeting.titles[s.number] for s in meeting.of(c)) for c in communes}
        choices = [choice("both", N_("Both, each for the receivers it was for"))]
        if self._share(meeting):
            choices += [
                choice(
                    f"first:{c}", N_("Both; where they meet, those of {commune} sound"), commune=self._context.name(c)
                )
                for c in communes
            ]
        choices += [
            choice(
                f"only:{c}",
                N_("Only {titles} of {commune}, for everybody; the others rest"),
                titles=whose[c],
                commune=self._context.name(c),
            )
            for c in communes
        ]
        local = meeting.first_at.astimezone(self._context.data.commune(communes[0]).zone)
        chosen = self._context.ask(
            meeting.key,
            QuestionTopic.SCHEDULES,
            N_("At {time} programmes of several communes fall together: {what}."),
            choices,
            "both",
            time=f"{local:%H:%M}",
            at=meeting.first_at.isoformat(),
            what="; ".join(f"{self._context.name(c)}: {whose[c]}" for c in communes),
        )
        kind, _, commune_id = chosen.partition(":")
        for schedule in meeting.schedules:
            if kind == "first" and schedule.commune_id == commune_id:
                most = max(s.precedence for s in meeting.schedules)
                self._context.ledger.set(schedule, precedence=most + 1)
                self._plan_again(schedule)
            elif kind == "only":
                if schedule.commune_id == commune_id:
                    self._context.ledger.set(schedule, targets=encoded(Targets(all=True)))
                else:
                    self._context.ledger.set(schedule, paused=True, paused_until=None)
                self._plan_again(schedule)

    def _share(self, meeting: ScheduleOverlap) -> bool:
        """Whether schedules of two communes have a receiver in common, which only joined zones can cause."""
        if not self._context.zone_map:
            return False
        reached: dict[str, set[str]] = {}
        for schedule in meeting.schedules:
            targets = msgspec.json.decode(self._context.ledger.get(schedule, "targets"), type=Targets)
            who = set(targets.receivers).union(*(self._context.members(z) for z in targets.zones))
            reached.setdefault(schedule.commune_id, set()).update(who)
        sets = list(reached.values())
        return any(a & b for n, a in enumerate(sets) for b in sets[n + 1 :])

    def _plan_again(self, schedule: Schedule) -> None:
        """A new revision: the next planning withdraws its planned broadcasts and plans them again."""
        revision = schedule.revision + 1
        self._context.ledger.set(schedule, revision=revision, changed_at=self._context.now)

    def _places(self, commune_id: str, targets: Targets) -> list[tuple[str, Targets]]:
        area = [self._context.area[commune_id].id] if targets.all else []
        zones = list(dict.fromkeys([*area, *(self._context.zone_map.get(z, z) for z in targets.zones)]))
        return [(self._context.plan.into, Targets(zones=zones, receivers=list(targets.receivers)))]


def merge_draft(session: Session, plan: Merge, decisions: Decisions, now: datetime) -> MergeDraft:
    """See `Merging`. Raises Refusal for a plan that cannot be."""
    check_merge(session, plan)
    return Merging(session, plan, decisions, now).draft()
