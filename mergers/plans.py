"""Plans: which communes become which, what has to be decided about it, and what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from runtime.refusal import N_, Refusal


class Merge(msgspec.Struct, frozen=True, kw_only=True, tag="merge", tag_field="kind"):
    """Several communes become one. sources: their ids, the first is the heir where somebody must be it.

    into: the id of what they become: a new one, or one of the sources, which is then given this name.
    """

    sources: tuple[str, ...]
    into: str
    name: str


class Split(msgspec.Struct, frozen=True, kw_only=True, tag="split", tag_field="kind"):
    """A part of a commune becomes one of its own. source: it goes on without that part.

    stations: their receivers go along. zones: they go along, with their receivers. receivers: single ones besides.
    programmes: those that move; what is needed on both sides is there on both. operators: who gets the new one as well.
    """

    source: str
    into: str
    name: str
    stations: tuple[int, ...] = ()
    zones: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    programmes: tuple[int, ...] = ()
    operators: tuple[int, ...] = ()


Plan = Merge | Split


def plan_as_text(plan: Plan) -> str:
    """For keeping, and for a form's hidden field."""
    return msgspec.json.encode(plan).decode()


def plan_of_text(text: str | bytes) -> Plan:
    """The same back. Raises Refusal when it is none."""
    try:
        found: Plan = msgspec.json.decode(text, type=Merge | Split)
    except msgspec.DecodeError as failure:
        raise Refusal(N_("This is not a valid merger plan. Start again and choose the communes.")) from failure
    return found


class QuestionTopic(StrEnum):
    """What a question is about."""

    ZONES = "zones"  # two zones of one name
    SCHEDULES = "schedules"  # programmes at one hour
    OPERATOR = "operator"  # one user in both, with different rights
    CHIMES = "chimes"
    BACKUP = "backup"
    NOISE = "noise"  # the communes' rules, or those of two zones that are joined
    VOLUME = "volume"  # the ceilings
    TIME_ZONE = "time_zone"


@dataclass(frozen=True)
class Message:
    """A sentence for people: an English message id and what stands in its gaps. `t(said.message_id, **said.values)`."""

    message_id: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message_id.format(**self.values)


@dataclass(frozen=True)
class Choice:
    """One answer. value: what stands in the decisions. effect: what it would do."""

    value: str
    says: Message
    effect: Message | None = None


@dataclass(frozen=True)
class Question:
    """What somebody must decide. key: of the decision; the same as long as the communes stay what they are."""

    key: str
    about: QuestionTopic
    says: Message
    choices: tuple[Choice, ...]
    suggested: str


#: Question's key → chosen value.
Decisions = Mapping[str, str]


class RehearsedKind(StrEnum):
    """Kinds of things that a rehearsal lists, in the order in which people look at them."""

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
    """One thing before and after. before: its commune; after: its commune or communes, empty when it rests or goes.

    id: as text. changes: what becomes different, in order.
    """

    what: RehearsedKind
    id: str
    name: str
    before: str
    after: tuple[str, ...]
    changes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class CommuneCounts:
    """How much there is in a commune. play_log: broadcasts that are found under it, those of its predecessors too."""

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

    fingerprint: of all that it was worked out from but what goes on by itself; `merge` wants it back.
    before, after: by commune id. notes: what one should know (something is on air), nothing to decide.
    """

    plan: Plan
    fingerprint: str
    names: dict[str, str]
    before: dict[str, CommuneCounts]
    after: dict[str, CommuneCounts]
    lines: tuple[RehearsalLine, ...]
    questions: tuple[Question, ...]
    notes: tuple[Message, ...]

    def of(self, what: RehearsedKind) -> list[RehearsalLine]:
        """The lines of one kind."""
        return [line for line in self.lines if line.what is what]

    def open(self, decisions: Decisions) -> list[Question]:
        """What is not decided yet, or with a choice that there is not."""
        return [q for q in self.questions if decisions.get(q.key) not in {c.value for c in q.choices}]

    def suggested(self, decisions: Decisions | None = None) -> dict[str, str]:
        """Decisions that are whole: those given, and for the rest what is suggested."""
        still = {q.key for q in self.open(decisions or {})}
        return {q.key: q.suggested if q.key in still else (decisions or {})[q.key] for q in self.questions}


@dataclass(frozen=True)
class MergerResult:
    """What a merger or its undoing did. receivers: whose config changed, for `mergers.handover`.

    kept: what was made or changed since, and where it is now (of an undoing; else empty).
    """

    merger_id: int
    receivers: tuple[str, ...]
    kept: tuple[Message, ...] = ()
