"""Merging: the draft of several communes becoming one.

Each former commune goes on as a zone of all its receivers, so that what was for "the whole commune" stays with those it
was for. Zones, receivers, clips, programmes and schedules keep their ids; what people decided is written on top.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlmodel import Session

from broadcast.backup_clip import BackupClip
from broadcast.clips import folded
from broadcast.programmes import CHIMES, ItemKind
from devices.communes import Commune, check_id
from devices.noise_rules import NoiseRules
from devices.zones import Zone, ZoneMember
from mergers.belongings import belongings, encoded
from mergers.drafts import Deciding, Draft, choice, free_zone_id
from mergers.hours import Meeting, meetings
from mergers.ledger import Ledger
from mergers.plans import About, Decisions, Merge, Question, Said
from people.operators import OperatorCommune
from people.rights import Role
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets

_ROLES = (Role.VIEWER, Role.TECHNICIAN, Role.OPERATOR, Role.CHAIR, Role.PROVINCE)
_RULES = ("hours", "night_from_minute", "night_until_minute", "night_volume_percent", "minutes_a_day", "minutes_a_week",
          "refuses")  # fmt: skip


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
        check_id(plan.into)
        if session.get(Commune, plan.into) is not None:
            raise Refusal(N_("There is a commune {id} already. Choose another short name."), id=plan.into)


class Merging:
    """Works out one merge."""

    def __init__(self, session: Session, plan: Merge, decisions: Decisions, now: datetime) -> None:
        self._session, self._plan, self._now = session, plan, now
        self._have = belongings(session, list(plan.sources))
        self._ledger = Ledger()
        self._draft = Draft(plan, self._have, self._ledger, self._places)
        self._deciding = Deciding(dict(decisions), self._draft.questions)
        self._area: dict[str, Zone] = {}
        self._zone_map: dict[str, str] = {}  # a zone that is joined to another → that one
        self._time_zone = self._have.commune(plan.sources[0]).time_zone

    def draft(self) -> Draft:
        """The whole of it."""
        self._commune()
        self._zones()
        self._receivers()
        self._noise()
        self._chimes()
        self._rest()
        self._schedules()
        self._operators()
        return self._draft

    def _name(self, commune_id: str) -> str:
        return self._have.commune(commune_id).name

    def _by_commune(self, prefix: str = "use:") -> list[tuple[str, str]]:
        return [(prefix + c, self._name(c)) for c in self._plan.sources]

    # -- the commune itself

    def _commune(self) -> None:
        plan, have = self._plan, self._have
        sources = [have.commune(c) for c in plan.sources]
        first = sources[0]
        if len({c.time_zone for c in sources}) > 1:
            self._time_zone = have.commune(self._ask_whose(
                "time_zone", About.TIME_ZONE, N_("The communes have different time zones: which one holds?"), "use:"
            )).time_zone  # fmt: skip
        ceiling = max(c.volume_ceiling_percent for c in sources)
        self._ceiling_of = {c.id: 100 for c in sources}
        if len({c.volume_ceiling_percent for c in sources}) > 1:
            chosen = self._deciding.ask(
                Question(
                    "volume", About.VOLUME, Said(N_("The communes limit the volume differently: which limit holds?")),
                    (
                        choice("keep", N_("Each receiver keeps the limit it had")),
                        *(
                            choice(f"use:{c.id}", N_("{percent} % everywhere, as in {commune}"),
                                   percent=c.volume_ceiling_percent, commune=c.name)
                            for c in sources
                        ),
                    ),
                    "keep",
                )
            )  # fmt: skip
            if chosen == "keep":
                self._ceiling_of = {c.id: c.volume_ceiling_percent for c in sources}
            else:
                ceiling = have.commune(chosen.removeprefix("use:")).volume_ceiling_percent
        values: dict[str, object] = {
            "name": plan.name.strip(), "time_zone": self._time_zone, "volume_ceiling_percent": ceiling,
        }  # fmt: skip
        if plan.into in plan.sources:
            self._ledger.set(have.commune(plan.into), **values)
        else:
            # What else a commune has (its province) it has from the first; but its border is another one.
            values["outline"] = None
            self._ledger.add(Commune(**{**first.model_dump(), **values, "id": plan.into, "retired_at": None}))
        for one in sources:
            if one.id != plan.into:
                self._ledger.set(one, retired_at=self._now)
                self._draft.succession.append((one.id, plan.into, None))

    # -- zones

    def _zones(self) -> None:
        plan, have = self._plan, self._have
        for commune_id in plan.sources:
            one = have.commune(commune_id)
            zone_id = free_zone_id(self._session, one.id, [z.id for z in self._area.values()])
            area = Zone(id=zone_id, commune_id=plan.into, name=f"{one.name} (cũ)")
            self._area[commune_id] = area
            self._ledger.add(area)
        by_name: dict[str, list[Zone]] = {}
        order = [plan.into, *plan.sources]
        for zone in sorted(have.zones, key=lambda z: (order.index(z.commune_id), z.id)):
            by_name.setdefault(folded(zone.name).strip(), []).append(zone)
            self._ledger.set(zone, commune_id=plan.into)
        for alike in by_name.values():
            if len({z.commune_id for z in alike}) > 1:
                self._same_name(alike)

    def _same_name(self, alike: list[Zone]) -> None:
        whose = ", ".join(dict.fromkeys(self._name(z.commune_id) for z in alike))
        chosen = self._deciding.ask(
            Question(
                "zones:" + "+".join(z.id for z in alike), About.ZONES,
                Said(N_("{communes} each have a zone {zone}."), {"communes": whose, "zone": alike[0].name}),
                (
                    choice("rename", N_("They are different places: each gets the name of its former commune besides")),
                    choice("join", N_("They are the same place: they become one zone")),
                    choice("keep", N_("They are different places and keep their names")),
                ),
                "rename",
            )
        )  # fmt: skip
        if chosen == "rename":
            for zone in alike:
                self._ledger.set(zone, name=f"{zone.name} ({self._name(zone.commune_id)})")
        if chosen == "join":
            first, *others = alike
            for other in others:
                if other.commune_id == first.commune_id:
                    continue
                # It stays behind under its former commune, empty: old broadcasts still name it.
                self._zone_map[other.id] = first.id
                self._ledger.set(other, commune_id=other.commune_id)
                there = set(self._members(first.id))
                for member in [m for m in self._have.members if m.zone_id == other.id]:
                    self._ledger.remove(member)
                    if member.receiver_id not in there:
                        self._ledger.add(ZoneMember(zone_id=first.id, receiver_id=member.receiver_id))

    def _members(self, zone_id: str) -> list[str]:
        new = [m.receiver_id for m in self._ledger.new(ZoneMember) if m.zone_id == zone_id]
        return [m.receiver_id for m in self._have.members if m.zone_id == zone_id] + new

    # -- receivers and stations

    def _receivers(self) -> None:
        plan, have = self._plan, self._have
        for station in have.stations:
            former = station.former_commune or self._name(station.commune_id)
            self._ledger.set(station, commune_id=plan.into, former_commune=former)
        for one in have.receivers:
            ceiling = min(one.volume_ceiling_percent, self._ceiling_of[one.commune_id])
            self._ledger.set(
                one, commune_id=plan.into, config_revision=one.config_revision + 1, volume_ceiling_percent=ceiling,
                volume_percent=min(one.volume_percent, ceiling),
            )  # fmt: skip
            self._ledger.add(ZoneMember(zone_id=self._area[one.commune_id].id, receiver_id=one.id))
            if one.retired_at is None:
                self._draft.told.add(one.id)
            if one.commune_id != plan.into:
                self._draft.left[one.id] = one.commune_id

    # -- noise rules

    def _noise(self) -> None:
        plan, have = self._plan, self._have
        whole = {r.commune_id: r for r in have.noise_rules if not r.zone_id}
        said = {c: _rules(whole.get(c)) for c in plan.sources}
        chosen = plan.sources[0] if whole else ""
        if len({repr(r) for r in said.values()}) > 1:
            answer = self._deciding.ask(
                Question(
                    "noise", About.NOISE, Said(N_("The communes allow different hours, night levels or minutes.")),
                    (
                        choice("zones", N_("Each rule stays with the receivers of its former commune")),
                        *(choice(value, N_("The rules of {commune} hold everywhere"), commune=name)
                          for value, name in self._by_commune()),
                    ),
                    "zones",
                )
            )  # fmt: skip
            chosen = "" if answer == "zones" else answer.removeprefix("use:")
        for commune_id, rule in whole.items():
            if chosen == commune_id:
                self._ledger.set(rule, commune_id=plan.into)
            elif not chosen:
                self._ledger.set(rule, commune_id=plan.into, zone_id=self._area[commune_id].id)
            else:
                self._ledger.remove(rule)
        for rule in have.noise_rules:
            if rule.zone_id:
                self._zone_rule(rule, {r.zone_id: r for r in have.noise_rules if r.zone_id})

    def _zone_rule(self, rule: NoiseRules, by_zone: Mapping[str, NoiseRules]) -> None:
        into = self._zone_map.get(rule.zone_id)
        if into is None:
            self._ledger.set(rule, commune_id=self._plan.into)
            return
        other = by_zone.get(into)
        if other is None:
            self._ledger.set(rule, commune_id=self._plan.into, zone_id=into)
            return
        keep = "first"
        if _rules(rule) != _rules(other):
            zone = next(z for z in self._have.zones if z.id == into)
            keep = self._deciding.ask(
                Question(
                    f"noise:{rule.zone_id}", About.NOISE,
                    Said(N_("Zone {zone} becomes one, and its parts have different rules."), {"zone": zone.name}),
                    (
                        choice("first", N_("The rules of {commune} hold"), commune=self._name(other.commune_id)),
                        choice("other", N_("The rules of {commune} hold"), commune=self._name(rule.commune_id)),
                    ),
                    "first",
                )
            )  # fmt: skip
        if keep == "other":
            self._ledger.set(other, **{name: getattr(rule, name) for name in _RULES})
        self._ledger.remove(rule)

    # -- sound

    def _chimes(self) -> None:
        plan, have = self._plan, self._have
        own = {(c.commune_id, c.builtin): c for c in have.clips if c.builtin}
        having = [c for c in plan.sources if any(commune == c for commune, _ in own)]
        whose = having[0] if having else ""
        keep = True
        if len(having) > 1:
            answer = self._deciding.ask(
                Question(
                    "chimes", About.CHIMES, Said(N_("Each commune has chimes of its own.")),
                    (
                        choice("keep", N_("Programmes keep the chimes they have; new ones get those of {commune}"),
                               commune=self._name(whose)),
                        *(choice(f"use:{c}", N_("All programmes get the chimes of {commune}"), commune=self._name(c))
                          for c in having),
                    ),
                    "keep",
                )
            )  # fmt: skip
            if answer != "keep":
                keep, whose = False, answer.removeprefix("use:")
        for clip in have.clips:
            self._ledger.set(clip, commune_id=plan.into)
            if clip.builtin and clip.commune_id != whose:
                title = f"{clip.title} ({self._name(clip.commune_id)})"
                self._draft.titles[clip.id] = title
                self._ledger.set(clip, builtin="", title=title, folded=folded(f"{title} {clip.original_name}"))
        for programme in have.programmes:
            if not keep or programme.commune_id == whose:
                continue
            for item in have.items[programme.number]:
                chime = own.get((programme.commune_id, item.kind))
                if ItemKind(item.kind) in CHIMES and chime is not None:
                    self._ledger.set(item, kind=ItemKind.CLIP.value, clip_id=chime.id)

    def _rest(self) -> None:
        plan, have = self._plan, self._have
        for programme in have.programmes:
            self._ledger.set(programme, commune_id=plan.into)
        for job in have.jobs:
            self._ledger.set(job, commune_id=plan.into)
        backups = {b.commune_id: b for b in have.backups}
        if backups:
            whose = next(c for c in plan.sources if c in backups)
            if len(backups) > 1:
                whose = self._ask_whose(
                    "backup", About.BACKUP,
                    N_("Each commune has a backup recording: which one do all receivers keep?"), "use:", list(backups),
                )  # fmt: skip
            for backup in backups.values():
                self._ledger.remove(backup)
            self._ledger.add(BackupClip(commune_id=plan.into, clip_id=backups[whose].clip_id))

    def _ask_whose(self, key: str, about: About, says: str, prefix: str, among: list[str] | None = None) -> str:
        sources = [c for c in self._plan.sources if among is None or c in among]
        choices = tuple(choice(prefix + c, N_("As in {commune}"), commune=self._name(c)) for c in sources)
        return self._deciding.ask(Question(key, about, Said(says), choices, prefix + sources[0])).removeprefix(prefix)

    # -- when

    def _schedules(self) -> None:
        plan, have = self._plan, self._have
        for one in have.schedules:
            _, targets = self._places(one.commune_id, one.meant_for)[0]
            self._ledger.set(one, commune_id=plan.into, targets=encoded(targets))
            if have.commune(one.commune_id).time_zone != self._time_zone:
                self._anew(one)
        for meeting in meetings(self._session, have, plan.sources, self._now):
            self._meeting(meeting)

    def _meeting(self, meeting: Meeting) -> None:
        communes = meeting.communes()
        whose = {c: ", ".join(meeting.titles[s.number] for s in meeting.of(c)) for c in communes}
        choices = [choice("both", N_("Both, each for the receivers it was for"))]
        if self._share(meeting):
            choices += [
                choice(f"first:{c}", N_("Both; where they meet, those of {commune} sound"), commune=self._name(c))
                for c in communes
            ]
        choices += [
            choice(f"only:{c}", N_("Only {titles} of {commune}, for everybody; the others rest"),
                   titles=whose[c], commune=self._name(c))
            for c in communes
        ]  # fmt: skip
        local = meeting.first_at.astimezone(self._have.commune(communes[0]).zone)
        said = Said(
            N_("At {time} programmes of several communes fall together: {what}."),
            {
                "time": f"{local:%H:%M}", "at": meeting.first_at.isoformat(),
                "what": "; ".join(f"{self._name(c)}: {whose[c]}" for c in communes),
            },
        )  # fmt: skip
        chosen = self._deciding.ask(Question(meeting.key, About.SCHEDULES, said, tuple(choices), "both"))
        kind, _, commune_id = chosen.partition(":")
        for one in meeting.schedules:
            if kind == "first" and one.commune_id == commune_id:
                most = max(s.precedence for s in meeting.schedules)
                self._ledger.set(one, precedence=most + 1)
                self._anew(one)
            elif kind == "only":
                if one.commune_id == commune_id:
                    self._ledger.set(one, targets=encoded(Targets(all=True)))
                else:
                    self._ledger.set(one, paused=True)
                self._anew(one)

    def _share(self, meeting: Meeting) -> bool:
        """Whether any receiver would be meant by schedules of two communes: only where zones are joined."""
        if not self._zone_map:
            return False
        reached: dict[str, set[str]] = {}
        for one in meeting.schedules:
            targets = msgspec.json.decode(self._ledger.get(one, "targets"), type=Targets)
            who = set(targets.receivers).union(*(self._members(z) for z in targets.zones))
            reached.setdefault(one.commune_id, set()).update(who)
        sets = list(reached.values())
        return any(a & b for n, a in enumerate(sets) for b in sets[n + 1 :])

    def _anew(self, one: object) -> None:
        """What is planned of it is withdrawn by the next plan, and planned anew."""
        revision = getattr(one, "revision") + 1  # noqa: B009
        self._ledger.set(one, revision=revision, changed_at=self._now)  # type: ignore[arg-type]

    # -- who

    def _operators(self) -> None:
        plan, have = self._plan, self._have
        roles: dict[int, dict[str, Role]] = {}
        for row in have.roles:
            roles.setdefault(row.operator_id, {})[row.commune_id] = Role(row.role)
            self._ledger.remove(row)
        for operator_id, there in sorted(roles.items()):
            least = min(there.values(), key=_ROLES.index)
            chosen = least
            if len(set(there.values())) > 1:
                name = have.operators[operator_id].name
                chosen = Role(self._deciding.ask(
                    Question(
                        f"operator:{operator_id}", About.OPERATOR,
                        Said(N_("{operator} has different roles in the communes: which one in the new one?"),
                             {"operator": name}),
                        tuple(choice(role.value, N_("As in {commune}"), commune=self._name(c))
                              for role, c in {r: c for c, r in there.items()}.items()),
                        least.value,
                    )
                ))  # fmt: skip
            self._ledger.add(OperatorCommune(operator_id=operator_id, commune_id=plan.into, role=chosen.value))

    def _places(self, commune_id: str, targets: Targets) -> list[tuple[str, Targets]]:
        area = [self._area[commune_id].id] if targets.all else []
        zones = list(dict.fromkeys([*area, *(self._zone_map.get(z, z) for z in targets.zones)]))
        return [(self._plan.into, Targets(zones=zones, receivers=list(targets.receivers)))]


def _rules(row: NoiseRules | None) -> tuple[object, ...]:
    row = row or NoiseRules(commune_id="")
    return tuple(getattr(row, name) for name in _RULES)


def merge_draft(session: Session, plan: Merge, decisions: Decisions, now: datetime) -> Draft:
    """See `Merging`. Raises Refusal for a plan that cannot be."""
    check_merge(session, plan)
    return Merging(session, plan, decisions, now).draft()
