"""Merging: the draft of several communes becoming one.

Each former commune goes on as a zone of all its receivers, so that what was for "the whole commune" stays with those it
was for. Zones, receivers, clips, programmes and schedules keep their ids; what people decided is written on top.
"""

from datetime import datetime

import msgspec
from sqlmodel import Session

from broadcast.clips import folded
from devices.communes import Commune
from devices.outlines import joined_outline
from devices.zones import Zone, ZoneMember
from mergers.belongings import belongings, encoded
from mergers.drafts import Deciding, Draft, choice, free_zone_id, undone_commune
from mergers.ledger import Ledger
from mergers.merge_context import Union
from mergers.merged_people import MergedPeople
from mergers.merged_rules import MergedRules
from mergers.merged_sound import MergedSound
from mergers.plans import About, Decisions, Merge, Question, Said
from mergers.schedule_overlaps import Meeting, meetings
from runtime.refusal import N_, Refusal
from schedules.schedules import Schedule
from wire.broadcasts import Targets


def check_merge(session: Session, plan: Merge) -> None:
    """Raises Refusal for a plan that cannot be."""
    if len(set(plan.sources)) < 2:
        raise Refusal(N_("Choose at least two communes to merge."))
    for commune_id in plan.sources:
        found = session.get(Commune, commune_id)
        if found is None or found.retired_at is not None:
            raise Refusal(N_("There is no commune {id} (any more). Begin again with the communes."), id=commune_id)
    if not plan.name.strip():
        raise Refusal(N_("The new commune needs a name, for example: Xã Thiệu Trung."))
    if plan.into not in plan.sources:
        undone_commune(session, plan.into)


class Merging:
    """Works out one merge."""

    def __init__(self, session: Session, plan: Merge, decisions: Decisions, now: datetime) -> None:
        have, ledger = belongings(session, list(plan.sources)), Ledger()
        draft = Draft(plan, have, ledger, self._places)
        self._u = Union(session, plan, now, have, ledger, draft, Deciding(dict(decisions), draft.questions))
        self._time_zone = have.commune(plan.sources[0]).time_zone

    def draft(self) -> Draft:
        """The whole of it."""
        self._commune()
        self._zones()
        self._receivers()
        MergedRules(self._u).work_out()
        MergedSound(self._u).work_out()
        self._schedules()
        MergedPeople(self._u).work_out()
        return self._u.draft

    # -- the commune itself

    def _commune(self) -> None:
        plan, have = self._u.plan, self._u.have
        sources = [have.commune(c) for c in plan.sources]
        first = sources[0]
        if len({c.time_zone for c in sources}) > 1:
            self._time_zone = have.commune(
                self._u.ask_whose(
                    "time_zone", About.TIME_ZONE, N_("The communes have different time zones: which one holds?"), "use:"
                )
            ).time_zone
        ceiling = max(c.volume_ceiling_percent for c in sources)
        self._ceiling_of = {c.id: 100 for c in sources}
        if len({c.volume_ceiling_percent for c in sources}) > 1:
            chosen = self._u.deciding.ask(
                Question(
                    "volume",
                    About.VOLUME,
                    Said(N_("The communes limit the volume differently: which limit holds?")),
                    (
                        choice("keep", N_("Each receiver keeps the limit it had")),
                        *(
                            choice(
                                f"use:{c.id}",
                                N_("{percent} % everywhere, as in {commune}"),
                                percent=c.volume_ceiling_percent,
                                commune=c.name,
                            )
                            for c in sources
                        ),
                    ),
                    "keep",
                )
            )
            if chosen == "keep":
                self._ceiling_of = {c.id: c.volume_ceiling_percent for c in sources}
            else:
                ceiling = have.commune(chosen.removeprefix("use:")).volume_ceiling_percent
        values: dict[str, object] = {
            "name": plan.name.strip(),
            "time_zone": self._time_zone,
            "volume_ceiling_percent": ceiling,
            "outline": self._outline(sources),
        }
        undone = None if plan.into in plan.sources else undone_commune(self._u.session, plan.into)
        if plan.into in plan.sources:
            self._u.ledger.set(have.commune(plan.into), **values)
        elif undone is not None:
            self._u.ledger.set(undone, **values, province_id=first.province_id, retired_at=None)
        else:
            # What else a commune has (its province) it has from the first.
            self._u.ledger.add(Commune(**{**first.model_dump(), **values, "id": plan.into, "retired_at": None}))
        for one in sources:
            if one.id != plan.into:
                self._u.ledger.set(one, retired_at=self._u.now)
                self._u.draft.succession.append((one.id, plan.into, None))

    def _outline(self, sources: list[Commune]) -> str | None:
        """The border around all of them."""
        found = joined_outline([one.outline for one in sources])
        if found is None and any(one.outline for one in sources):
            said = N_(
                "The new commune has no border on the map until you bring it: those of the communes make no whole."
            )
            self._u.draft.notes.append(Said(said))
        return found

    # -- zones

    def _zones(self) -> None:
        plan, have = self._u.plan, self._u.have
        for commune_id in plan.sources:
            one = have.commune(commune_id)
            zone_id = free_zone_id(self._u.session, one.id, [z.id for z in self._u.area.values()])
            area = Zone(id=zone_id, commune_id=plan.into, name=f"{one.name} (cũ)")
            self._u.area[commune_id] = area
            self._u.ledger.add(area)
        by_name: dict[str, list[Zone]] = {}
        order = [plan.into, *plan.sources]
        for zone in sorted(have.zones, key=lambda z: (order.index(z.commune_id), z.id)):
            by_name.setdefault(folded(zone.name).strip(), []).append(zone)
            self._u.ledger.set(zone, commune_id=plan.into)
        for alike in by_name.values():
            if len({z.commune_id for z in alike}) > 1:
                self._same_name(alike)

    def _same_name(self, alike: list[Zone]) -> None:
        whose = ", ".join(dict.fromkeys(self._u.name(z.commune_id) for z in alike))
        chosen = self._u.deciding.ask(
            Question(
                "zones:" + "+".join(z.id for z in alike),
                About.ZONES,
                Said(N_("{communes} each have a zone {zone}."), {"communes": whose, "zone": alike[0].name}),
                (
                    choice("rename", N_("They are different places: each gets the name of its former commune besides")),
                    choice("join", N_("They are the same place: they become one zone")),
                    choice("keep", N_("They are different places and keep their names")),
                ),
                "rename",
            )
        )
        if chosen == "rename":
            for zone in alike:
                self._u.ledger.set(zone, name=f"{zone.name} ({self._u.name(zone.commune_id)})")
        if chosen == "join":
            first, *others = alike
            for other in others:
                if other.commune_id == first.commune_id:
                    continue
                # It stays behind under its former commune, empty: old broadcasts still name it.
                self._u.zone_map[other.id] = first.id
                self._u.ledger.set(other, commune_id=other.commune_id)
                there = set(self._u.members(first.id))
                for member in [m for m in self._u.have.members if m.zone_id == other.id]:
                    self._u.ledger.remove(member)
                    if member.receiver_id not in there:
                        self._u.ledger.add(ZoneMember(zone_id=first.id, receiver_id=member.receiver_id))

    # -- receivers and stations

    def _receivers(self) -> None:
        plan, have = self._u.plan, self._u.have
        for station in have.stations:
            former = station.former_commune or self._u.name(station.commune_id)
            self._u.ledger.set(station, commune_id=plan.into, former_commune=former)
        for one in have.receivers:
            ceiling = min(one.volume_ceiling_percent, self._ceiling_of[one.commune_id])
            self._u.ledger.set(
                one,
                commune_id=plan.into,
                config_revision=one.config_revision + 1,
                volume_ceiling_percent=ceiling,
                volume_percent=min(one.volume_percent, ceiling),
            )
            self._u.ledger.add(ZoneMember(zone_id=self._u.area[one.commune_id].id, receiver_id=one.id))
            if one.retired_at is None:
                self._u.draft.told.add(one.id)
            if one.commune_id != plan.into:
                self._u.draft.left[one.id] = one.commune_id

    # -- when

    def _schedules(self) -> None:
        plan, have = self._u.plan, self._u.have
        for one in have.schedules:
            _, targets = self._places(one.commune_id, one.audience)[0]
            self._u.ledger.set(one, commune_id=plan.into, targets=encoded(targets))
            if have.commune(one.commune_id).time_zone != self._time_zone:
                self._anew(one)
        for meeting in meetings(self._u.session, have, plan.sources, self._u.now):
            self._meeting(meeting)

    def _meeting(self, meeting: Meeting) -> None:
        communes = meeting.communes()
        whose = {c: ", ".join(meeting.titles[s.number] for s in meeting.of(c)) for c in communes}
        choices = [choice("both", N_("Both, each for the receivers it was for"))]
        if self._share(meeting):
            choices += [
                choice(f"first:{c}", N_("Both; where they meet, those of {commune} sound"), commune=self._u.name(c))
                for c in communes
            ]
        choices += [
            choice(
                f"only:{c}",
                N_("Only {titles} of {commune}, for everybody; the others rest"),
                titles=whose[c],
                commune=self._u.name(c),
            )
            for c in communes
        ]
        local = meeting.first_at.astimezone(self._u.have.commune(communes[0]).zone)
        said = Said(
            N_("At {time} programmes of several communes fall together: {what}."),
            {
                "time": f"{local:%H:%M}",
                "at": meeting.first_at.isoformat(),
                "what": "; ".join(f"{self._u.name(c)}: {whose[c]}" for c in communes),
            },
        )
        chosen = self._u.deciding.ask(Question(meeting.key, About.SCHEDULES, said, tuple(choices), "both"))
        kind, _, commune_id = chosen.partition(":")
        for one in meeting.schedules:
            if kind == "first" and one.commune_id == commune_id:
                most = max(s.precedence for s in meeting.schedules)
                self._u.ledger.set(one, precedence=most + 1)
                self._anew(one)
            elif kind == "only":
                if one.commune_id == commune_id:
                    self._u.ledger.set(one, targets=encoded(Targets(all=True)))
                else:
                    self._u.ledger.set(one, paused=True)
                self._anew(one)

    def _share(self, meeting: Meeting) -> bool:
        """Whether any receiver would be meant by schedules of two communes: only where zones are joined."""
        if not self._u.zone_map:
            return False
        reached: dict[str, set[str]] = {}
        for one in meeting.schedules:
            targets = msgspec.json.decode(self._u.ledger.get(one, "targets"), type=Targets)
            who = set(targets.receivers).union(*(self._u.members(z) for z in targets.zones))
            reached.setdefault(one.commune_id, set()).update(who)
        sets = list(reached.values())
        return any(a & b for n, a in enumerate(sets) for b in sets[n + 1 :])

    def _anew(self, one: Schedule) -> None:
        """What is planned of it is withdrawn by the next plan, and planned anew."""
        revision = one.revision + 1
        self._u.ledger.set(one, revision=revision, changed_at=self._u.now)

    def _places(self, commune_id: str, targets: Targets) -> list[tuple[str, Targets]]:
        area = [self._u.area[commune_id].id] if targets.all else []
        zones = list(dict.fromkeys([*area, *(self._u.zone_map.get(z, z) for z in targets.zones)]))
        return [(self._u.plan.into, Targets(zones=zones, receivers=list(targets.receivers)))]


def merge_draft(session: Session, plan: Merge, decisions: Decisions, now: datetime) -> Draft:
    """See `Merging`. Raises Refusal for a plan that cannot be."""
    check_merge(session, plan)
    return Merging(session, plan, decisions, now).draft()
