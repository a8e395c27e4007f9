"""Plans of mergers and splits, their questions and decisions, and what a rehearsal returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from runtime.refusal import N_, Refusal


class Merge(msgspec.Struct, frozen=True, kw_only=True, tag="merge", tag_field="kind"):
    """Several communes become one. sources: their ids; the first gets what can be assigned to one commune only.

    into: the id of what they become: a new one, or one of the sources, which is then given this name.
    """

    sources: tuple[str, ...]
    into: str
    name: str


class Split(msgspec.Struct, frozen=True, kw_only=True, tag="split", tag_field="kind"):
    """A part of a commune becomes a new commune. source: the commune that loses the part.

    stations, zones: move with their receivers. receivers: single ones in addition.
    programmes: move; what both communes need is copied. operators: get their role in the new commune too.
    """

    source: str
    into: str
    name: str
    stations: tuple[int, ...] = ()
    zones: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    programmes: tuple[int, ...] = ()
    operators: tuple[int, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)


Plan = Merge | Split


def involved(plan: Plan) -> list[str]:
    """Ids of the communes that it takes from, and of the one that it makes."""
    return sorted({*plan.sources, plan.into})


def plan_as_text(plan: Plan) -> str:
    """As JSON, for the database and a form's hidden field."""
    return msgspec.json.encode(plan).decode()


def plan_of_text(text: str | bytes) -> Plan:
    """Raises Refusal for a text that is no plan."""
    try:
        plan: Plan = msgspec.json.decode(text, type=Merge | Split)
    except msgspec.DecodeError as failure:
        raise Refusal(N_("This is not a valid merger plan. Start again and choose the communes.")) from failure
    return plan


class QuestionTopic(StrEnum):
    ZONES = "zones"  # two zones of one name
    SCHEDULES = "schedules"  # programmes at one hour
    OPERATOR = "operator"  # one user in both, with different rights
    CHIMES = "chimes"
    BACKUP = "backup"
    NOISE = "noise"  # the communes' rules, or those of two zones that are joined
    VOLUME = "volume"  # the ceilings
    TIME_ZONE = "time_zone"
    CHANGED_SINCE = "changed_since"  # of an undo: what was changed since the merger


@dataclass(frozen=True)
class Translatable:
    """A translatable sentence: `t(message.message_id, **message.values)`."""

    message_id: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message_id.format(**self.values)


@dataclass(frozen=True)
class Choice:
    """One possible answer. value: as in the decisions."""

    value: str
    says: Translatable


@dataclass(frozen=True)
class Question:
    """What an operator must decide. key: of the decision; stable as long as the communes do not change."""

    key: str
    about: QuestionTopic
    says: Translatable
    choices: tuple[Choice, ...]
    suggested: str


#: Question's key → chosen value.
Decisions = Mapping[str, str]


class RehearsedKind(StrEnum):
    """Kinds of things that a rehearsal lists, in the order of the page."""

    STATION = "station"
    RECEIVER = "receiver"
    ZONE = "zone"
    OPERATOR = "operator"
    CLIP = "clip"
    PROGRAMME = "programme"
    SCHEDULE = "schedule"
    NOISE_RULE = "noise_rule"
    BROADCAST = "broadcast"  # planned ahead, or on air


@dataclass(frozen=True)
class RehearsalLine:
    """One thing before and after. before: its commune; after: its communes, empty when it is no longer used.

    id: as text. changes: what becomes different, in order.
    """

    what: RehearsedKind
    id: str
    name: str
    before: str
    after: tuple[str, ...]
    changes: tuple[Translatable, ...] = ()


@dataclass(frozen=True)
class CommuneCounts:
    """How many of each a commune has. play_log: broadcasts found under it, including those of its predecessors."""

    stations: int = 0
    receivers: int = 0
    zones: int = 0
    operators: int = 0
    clips: int = 0
    programmes: int = 0
    schedules: int = 0
    noise_rules: int = 0
    broadcasts_ahead: int = 0
    play_log: int = 0


@dataclass(frozen=True)
class Rehearsal:
    """What a plan would do. Nothing was changed.

    fingerprint: of the rows it was computed from, see `CommuneData.fingerprint`; `merge` checks it.
    before, after: by commune id. notes: what needs no decision, for example that something is on air.
    """

    plan: Plan
    fingerprint: str
    names: dict[str, str]
    before: dict[str, CommuneCounts]
    after: dict[str, CommuneCounts]
    lines: tuple[RehearsalLine, ...]
    questions: tuple[Question, ...]
    notes: tuple[Translatable, ...]

    def of(self, what: RehearsedKind) -> list[RehearsalLine]:
        return [line for line in self.lines if line.what is what]

    def open(self, decisions: Decisions) -> list[Question]:
        """Questions without a valid decision."""
        return [q for q in self.questions if decisions.get(q.key) not in {c.value for c in q.choices}]

    def suggested(self, decisions: Decisions | None = None) -> dict[str, str]:
        """Complete decisions: those given, and what is suggested for the rest."""
        still = {q.key for q in self.open(decisions or {})}
        return {q.key: q.suggested if q.key in still else (decisions or {})[q.key] for q in self.questions}


@dataclass(frozen=True)
class MergerResult:
    """receivers: those whose config changed, for `mergers.handover`.

    notes: of an undo, what was created or changed since the merger, and where it is now.
    """

    merger_id: int
    receivers: tuple[str, ...]
    notes: tuple[Translatable, ...] = ()
