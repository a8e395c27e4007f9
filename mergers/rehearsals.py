"""Rehearsals: what a plan would change, item by item, and what must be decided. Only reads."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session, col, func, select

from broadcast.broadcasts import Broadcast
from broadcast.on_air import of_commune
from broadcast.programmes import Programme
from devices.merger_hooks import MergerHooks
from devices.zones import Zone
from mergers.commune_data import CommuneData, load_commune_data
from mergers.in_flight import InFlight, broadcasts_in_flight
from mergers.merge_draft import MergeDraft
from mergers.mergers import draft_of, fingerprint_of
from mergers.plans import CommuneCounts, Decisions, Plan, Rehearsal, RehearsalLine, RehearsedKind, Translatable
from runtime.refusal import N_
from wire.broadcasts import Targets

#: What is planned ahead is shown one by one up to so many, the soonest first.
MOST_BROADCASTS = 500
#: Field of `CommuneCounts` → what it counts.
_COUNTED = {
    "stations": RehearsedKind.STATION,
    "receivers": RehearsedKind.RECEIVER,
    "zones": RehearsedKind.ZONE,
    "operators": RehearsedKind.OPERATOR,
    "clips": RehearsedKind.CLIP,
    "programmes": RehearsedKind.PROGRAMME,
    "schedules": RehearsedKind.SCHEDULE,
    "noise_rules": RehearsedKind.NOISE_RULE,
}


def rehearse(
    session: Session, plan: Plan, now: datetime, decisions: Decisions | None = None, *, hooks: MergerHooks
) -> Rehearsal:
    """What the plan would do with these decisions; for open questions the suggestion is shown.

    Raises Refusal for a plan that cannot be carried out.
    """
    draft = draft_of(session, plan, decisions or {}, now, hooks)
    way = broadcasts_in_flight(session, draft, now)
    names = {c.id: c.name for c in draft.data.communes} | {plan.into: plan.name.strip()}
    lines, before = tuple(_RehearsalLines(draft, way).lines()), _counted(session, draft.data, now)
    return Rehearsal(
        plan=plan,
        fingerprint=fingerprint_of(draft),
        names=names,
        before=before,
        after=_after(draft, way, lines, before),
        lines=lines,
        questions=tuple(draft.questions),
        notes=tuple(_notes(draft, way)),
    )


class _RehearsalLines:
    """The things of a draft, before and after."""

    def __init__(self, draft: MergeDraft, way: InFlight) -> None:
        self._draft, self._data, self._ledger, self._way = draft, draft.data, draft.ledger, way
        self._titles = {p.id: p.title for p in [*draft.data.programmes, *draft.ledger.new(Programme)]}
        self._zones = {z.id: z.name for z in [*draft.data.zones, *draft.ledger.new(Zone)]}

    def lines(self) -> Iterator[RehearsalLine]:
        data = self._data
        for what, rows in (
            (RehearsedKind.STATION, data.stations),
            (RehearsedKind.RECEIVER, data.receivers),
            (RehearsedKind.ZONE, data.zones),
            (RehearsedKind.CLIP, data.clips),
            (RehearsedKind.PROGRAMME, data.programmes),
            (RehearsedKind.SCHEDULE, data.schedules),
            (RehearsedKind.NOISE_RULE, data.noise_rules),
        ):
            for row in rows:
                if getattr(row, "retired_at", None) is None:
                    yield self._line(what, row)
            for row in self._ledger.new(type(rows[0])) if rows else []:
                yield RehearsalLine(
                    what, str(row.id), self._name(what, row), "", (row.commune_id,), (Translatable(N_("New")),)
                )
        yield from self._operators()
        yield from self._broadcasts()

    def _line(self, what: RehearsedKind, row: Any) -> RehearsalLine:
        after = self._ledger.get(row, "commune_id")
        gone = self._ledger.gone(row) or (what is RehearsedKind.ZONE and self._joined(row))
        where: tuple[str, ...] = () if gone else (after,)
        if what is RehearsedKind.SCHEDULE and row.number in self._draft.schedule_parts:
            where = (after, self._draft.plan.into)
        return RehearsalLine(
            what, str(row.id), self._name(what, row), row.commune_id, where, tuple(self._changes(what, row))
        )

    def _joined(self, zone: Any) -> bool:
        """It stays in a commune that is retired, since it was joined to another zone."""
        commune = self._data.commune(zone.commune_id)
        stays = self._ledger.get(zone, "commune_id") == zone.commune_id
        return stays and self._ledger.get(commune, "retired_at") is not None

    def _name(self, what: RehearsedKind, row: Any) -> str:
        if what is RehearsedKind.SCHEDULE:
            return str(row.title or self._titles.get(row.programme_id, ""))
        if what is RehearsedKind.NOISE_RULE:
            return str(self._zones.get(row.zone_id, row.zone_id))
        return str(row.title if what in (RehearsedKind.CLIP, RehearsedKind.PROGRAMME) else row.name)

    def _changes(self, what: RehearsedKind, row: Any) -> Iterator[Translatable]:
        changed = self._ledger.changed(row)
        if self._ledger.gone(row):
            yield Translatable(N_("Is no longer used"))
        if what is RehearsedKind.ZONE and self._joined(row):
            yield Translatable(N_("Joins another zone of this name"))
        for column in ("name", "title"):
            if column in changed and what is not RehearsedKind.SCHEDULE:
                yield Translatable(N_("Is called {name} from then on"), {"name": changed[column]})
        if changed.get("paused"):
            yield Translatable(N_("Rests"))
        if "precedence" in changed:
            yield Translatable(N_("Goes before the others at its hour"))
        if what is RehearsedKind.SCHEDULE and "targets" in changed:
            targets = msgspec.json.decode(changed["targets"], type=Targets)
            if targets.all:
                yield Translatable(N_("Sounds in the whole new commune"))
            elif row.audience.all:
                yield Translatable(N_("Sounds for the receivers it was for"))
        if "volume_ceiling_percent" in changed:
            yield Translatable(N_("Volume at most {percent} %"), {"percent": changed["volume_ceiling_percent"]})
        if what is RehearsedKind.NOISE_RULE and "zone_id" in changed:
            yield Translatable(N_("Holds for the receivers of its former commune"))
        if what is RehearsedKind.CLIP and row.id in self._draft.clip_copies:
            yield Translatable(N_("Is there in both communes"))
        if what is RehearsedKind.PROGRAMME and row.number in self._draft.programme_copies:
            yield Translatable(N_("Is there in both communes"))

    def _operators(self) -> Iterator[RehearsalLine]:
        gone = {(r.operator_id, r.commune_id): r for r in self._data.roles}
        after: dict[int, list[Any]] = {}
        new = self._ledger.new(type(next(iter(self._data.roles)))) if self._data.roles else []
        for row in [*(r for r in self._data.roles if not self._ledger.gone(r)), *new]:
            after.setdefault(row.operator_id, []).append(row)
        for operator_id, operator in sorted(self._data.operators.items()):
            where = after.get(operator_id, [])
            for (name, commune_id), row in gone.items():
                if name == operator_id:
                    roles = {str(self._ledger.get(r, "role")) for r in where}
                    changes = () if roles == {str(row.role)} else (Translatable(N_("Has another role from then on")),)
                    communes = tuple(r.commune_id for r in where)
                    kind = RehearsedKind.OPERATOR
                    yield RehearsalLine(kind, str(operator_id), operator.name, commune_id, communes, changes)

    def _broadcasts(self) -> Iterator[RehearsalLine]:
        kind, continues = RehearsedKind.BROADCAST, Translatable(N_("Is on air, and goes on"))
        for b in self._way.running:
            yield RehearsalLine(kind, b.id, b.title, b.commune_id, (b.commune_id,), (continues,))
        for b in [b for b in self._way.planned if b.withdrawn_at is None][:MOST_BROADCASTS]:
            where = tuple(commune for commune, _ in self._draft.places(b.commune_id, b.audience))
            yield RehearsalLine(kind, b.id, b.title, b.commune_id, where)


def counts(session: Session, commune_ids: list[str], now: datetime) -> dict[str, CommuneCounts]:
    """How much there is in communes now."""
    return _counted(session, load_commune_data(session, commune_ids), now)


def _counted(session: Session, data: CommuneData, now: datetime) -> dict[str, CommuneCounts]:
    def there(rows: list[Any], commune_id: str) -> int:
        return sum(r.commune_id == commune_id and getattr(r, "retired_at", None) is None for r in rows)

    query = select(Broadcast.commune_id, func.count(col(Broadcast.id))).where(
        col(Broadcast.commune_id).in_([c.id for c in data.communes]),
        col(Broadcast.starts_at) >= now,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
    )
    planned = dict(session.exec(query.group_by(col(Broadcast.commune_id))).all())
    rows_of = {name: data.roles if name == "operators" else getattr(data, name) for name in _COUNTED}
    return {
        c.id: CommuneCounts(
            **{name: there(rows, c.id) for name, rows in rows_of.items()},
            broadcasts_ahead=planned.get(c.id, 0),
            play_log=_log_rows(session, c.id, now),
        )
        for c in data.communes
    }


def _log_rows(session: Session, commune_id: str, now: datetime) -> int:
    query = select(func.count(col(Broadcast.id))).where(of_commune(session, commune_id))
    return int(session.exec(query.where(col(Broadcast.starts_at) < now)).one())


def _after(
    draft: MergeDraft, way: InFlight, lines: tuple[RehearsalLine, ...], before: dict[str, CommuneCounts]
) -> dict[str, CommuneCounts]:
    history = sum(c.play_log for c in before.values())
    # An operator has a line for each former commune.
    after = {
        (line.what, line.id if line.what is RehearsedKind.OPERATOR else n, c)
        for n, line in enumerate(lines)
        for c in _counted_in(line)
    }
    counted: dict[str, Counter[RehearsedKind]] = defaultdict(Counter)
    for what, _, commune_id in after:
        counted[commune_id][what] += 1
    planned = _ahead_after(draft, way)
    there = [c for c in {*counted, draft.plan.into} if c == draft.plan.into or (c in before and _continues(draft, c))]
    return {
        c: CommuneCounts(
            **{name: counted[c][what] for name, what in _COUNTED.items()},
            broadcasts_ahead=planned[c],
            play_log=history if c == draft.plan.into else before[c].play_log,
        )
        for c in sorted(there)
    }


def _counted_in(line: RehearsalLine) -> tuple[str, ...]:
    """The communes in which a line counts. A schedule that both have is a row of its own in the new one."""
    is_shared = line.what is RehearsedKind.SCHEDULE and bool(line.before)
    return line.after[:1] if is_shared else line.after


def _continues(draft: MergeDraft, commune_id: str) -> bool:
    return draft.ledger.get(draft.data.commune(commune_id), "retired_at") is None


def _ahead_after(draft: MergeDraft, way: InFlight) -> Counter[str]:
    return Counter(
        commune_id
        for b in way.planned
        if b.withdrawn_at is None
        for commune_id, _ in draft.places(b.commune_id, b.audience)
    )


def _notes(draft: MergeDraft, way: InFlight) -> Iterator[Translatable]:
    for b in way.running:
        commune = draft.data.commune(b.commune_id)
        ends = b.sounds_until.astimezone(commune.zone)
        yield Translatable(
            N_("{title} is on air in {commune} until {time}; it sounds to its end."),
            {"title": b.title, "commune": commune.name, "time": f"{ends:%H:%M}"},
        )
    yield from draft.notes
