"""Who acts: a person with roles, or a part of Loa with a fixed list of actions.

Every use case asks the actor for the right, whichever way it was called. The check at a page's door only spares work.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from people import audit
from people.audit import Deed
from people.rights import Action, Standing, may, refusal_of
from wire.broadcasts import BroadcastClass


@dataclass(frozen=True)
class Actor:
    """name: as the audit and the play log show it.

    standing: of a person; None for a part of Loa, which may do what is in `allowed` in every commune.
    """

    name: str
    standing: Standing | None = None
    allowed: frozenset[Action] = frozenset()

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

    def note(self, session: Session, now: datetime, commune_id: str, deed: Deed, detail: str = "") -> None:
        """Write an audit entry, in the transaction of what was done."""
        audit.note(session, at=now, by=self.name, commune_id=commune_id, action=deed, detail=detail)

    def named(self, name: str) -> "Actor":
        """The same rights under another name: a sender of the province, for example. An empty name changes nothing."""
        return replace(self, name=name) if name else self


#: The process that sends live audio.
LIVE = Actor("loa live", allowed=frozenset({Action.ON_AIR, Action.EMERGENCY}))
#: The province's system, through the link that the commune set up.
PROVINCE = Actor(
    "province",
    allowed=frozenset({Action.ON_AIR, Action.EMERGENCY, Action.TIMETABLE, Action.PROGRAMMES, Action.RECEIVERS}),
)
#: The controller itself, and commands that are typed at its machine.
CONTROLLER = Actor("loa", allowed=frozenset(Action))
