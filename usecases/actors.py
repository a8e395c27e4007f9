"""Who acts: a person with roles, or a part of Loa with a fixed list of actions.

Every use case asks the actor for the right, whichever way it was called. The check at a page's door only spares work.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from people import audit
from people.audit import Deed
from people.rights import Action, Standing, may, refusal_of
from usecases.revisions import Thing, check_shown, subject_of
from wire.broadcasts import BroadcastClass


@dataclass(frozen=True)
class Actor:
    """name: as the audit and the play log show it.

    standing: of a person; None for a part of Loa, which may do what is in `allowed` in every commune.
    shown: revisions of what the person saw before this change; none when the sender did not say.
    """

    name: str
    standing: Standing | None = None
    allowed: frozenset[Action] = frozenset()
    shown: tuple[str, ...] = ()

    def may(self, action: Action, commune_id: str) -> bool:
        if self.standing is None:
            return action in self.allowed
        return may(self.standing, action, commune_id)

    def need(self, action: Action, commune_id: str, *classes: BroadcastClass) -> None:
        """classes: of the broadcasts that the action concerns, before and after it. Raises NotAllowed."""
        wanted = [action]
        if BroadcastClass.EMERGENCY in classes:
            wanted.append(Action.EMERGENCY)
        for right in wanted:
            if not self.may(right, commune_id):
                raise refusal_of(right)

    def person(self) -> Standing:
        """Whose roles count where rights are given to others. Raises NotAllowed for a part of Loa."""
        if self.standing is None:
            raise refusal_of(Action.OPERATORS)
        return self.standing

    def check_shown(self, session: Session, thing: Thing, *, repeats: Deed | None = None) -> None:
        """In the transaction that changes `thing`, before the write. Raises Superseded. repeats: of `check_shown`."""
        check_shown(session, self.shown, thing, repeats=repeats)

    def note(
        self,
        session: Session,
        now: datetime,
        commune_id: str,
        deed: Deed,
        detail: str = "",
        *,
        about: Thing | None = None,
    ) -> None:
        """Write an audit entry, in the transaction of what was done. about: what was changed, when a form shows it."""
        subject = subject_of(about) if about is not None else ""
        audit.note(session, at=now, by=self.name, commune_id=commune_id, action=deed, detail=detail, subject=subject)

    def named(self, name: str) -> "Actor":
        """The same rights under another name: a sender of the province, for example. An empty name changes nothing."""
        return replace(self, name=name) if name else self


#: The process that sends live audio.
LIVE = Actor("loa live", allowed=frozenset({Action.ON_AIR, Action.EMERGENCY}))
#: The province's system, through the link that the commune set up.
PROVINCE = Actor(
    "province",
    allowed=frozenset(
        {Action.ON_AIR, Action.EMERGENCY, Action.CLEAR_EMERGENCY, Action.TIMETABLE, Action.PROGRAMMES, Action.RECEIVERS}
    ),
)
#: Sources of alerts whose rule a commune has set: what meets it starts, and what they cancel stops.
CAP = Actor("CAP", allowed=frozenset({Action.EMERGENCY, Action.CLEAR_EMERGENCY}))
#: The controller itself, and commands that are typed at its machine.
CONTROLLER = Actor("loa", allowed=frozenset(Action))
