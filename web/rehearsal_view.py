"""The rehearsal of a merger: everything before and after, what must be decided, and nothing is changed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from mergers.plans import (
    Choice,
    Decisions,
    Merge,
    Question,
    QuestionTopic,
    Rehearsal,
    RehearsalLine,
    RehearsedKind,
    plan_as_text,
)
from runtime.refusal import Refusal
from web.labels.mergers import COUNTS, QUESTIONS, THINGS, cut_away, say
from web.labels.people import ROLE_NAMES
from web.merger_form import mark
from web.request_context import Frame

#: A group of questions stands open when it is no longer than this.
_OPEN_UP_TO = 8


@dataclass(frozen=True)
class Group:
    """Questions of one kind. alike: the choices that all of them offer, to decide them at once."""

    about: QuestionTopic
    questions: list[Question]
    undecided: int
    alike: list[Choice]

    @property
    def stands_open(self) -> bool:
        """Whether it is shown unfolded."""
        return bool(self.undecided) or len(self.questions) <= _OPEN_UP_TO


@dataclass(frozen=True)
class Things:
    """Things of one kind, those that become different first. going: those that only come into the new commune."""

    what: RehearsedKind
    different: list[RehearsalLine]
    going: list[RehearsalLine]


def rehearsal_page(
    frame: Frame, rehearsal: Rehearsal, decided: Decisions, why: Refusal | None = None, status: int = 200
) -> HTMLResponse:
    """The page. decided: the decisions so far; what is not decided stands as suggested. why: it was not done."""
    decisions = rehearsal.suggested(decided)
    return frame.page(
        "rehearsal.html",
        status,
        r=rehearsal,
        plan_text=plan_as_text(rehearsal.plan),
        is_merge=isinstance(rehearsal.plan, Merge),
        decisions=decisions,
        shown=mark(decisions),
        groups=groups(rehearsal, decided),
        things=things(rehearsal),
        things_words=THINGS,
        question_words=QUESTIONS,
        count_rows=COUNTS,
        before=sorted(rehearsal.before),
        after=sorted(rehearsal.after),
        say=lambda text: say(frame.t, text),
        cut_away=cut_away,
        role_names=ROLE_NAMES,
        refused=frame.t.refusal(why) if why else "",
        refused_at=why.field if why else "",
    )


def groups(rehearsal: Rehearsal, decisions: Decisions) -> list[Group]:
    """The questions by kind, what is not decided yet first."""
    still = {q.key for q in rehearsal.open(decisions)}
    by_kind: dict[QuestionTopic, list[Question]] = {}
    for question in sorted(rehearsal.questions, key=lambda q: q.key not in still):
        by_kind.setdefault(question.about, []).append(question)
    made = [
        Group(about, questions, sum(q.key in still for q in questions), _alike(questions))
        for about, questions in by_kind.items()
    ]
    return sorted(made, key=lambda g: (not g.undecided, list(QuestionTopic).index(g.about)))


def things(rehearsal: Rehearsal) -> list[Things]:
    """The lines by kind, what becomes different first."""
    made = []
    for what in RehearsedKind:
        lines = rehearsal.of(what)
        if lines:
            parted = [(bool(line.changes) or len(line.after) != 1, line) for line in lines]
            made.append(Things(what, [line for new, line in parted if new], [line for new, line in parted if not new]))
    return made


def _alike(questions: Sequence[Question]) -> list[Choice]:
    """Choices of one wording that every question offers. Of one question there is nothing to set alike."""
    if len(questions) < 2:
        return []
    offered = Counter(choice.value for q in questions for choice in q.choices)
    return [c for c in questions[0].choices if offered[c.value] == len(questions) and "titles" not in c.says.values]
