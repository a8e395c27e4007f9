"""People from a table: each row a sign-in name and a role in the commune."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, select

from parsing.names import folded
from people.operators import Operator, OperatorCommune
from people.passwords import OneTimePassword
from people.rights import Role
from runtime.refusal import N_, Refusal
from transfer import cell_values
from transfer.columns import ImportKind
from transfer.rows import Cells, RowChange, WrongCell
from usecases.actors import Actor
from usecases.operators import Appointment, add_operator_in, change_role_in


class OperatorTaker:
    """Takes people into one commune. passwords: name → one-time password of the new ones, shown once."""

    kind = ImportKind.OPERATORS

    def __init__(
        self, commune_id: str, now: datetime, actor: Actor, prepared: Iterator[OneTimePassword] | None
    ) -> None:
        """prepared: a password for each new person, made before the transaction, since that is slow; None in a
        rehearsal, which keeps nothing.
        """
        self._commune_id, self._now, self._actor, self._prepared = commune_id, now, actor, prepared
        self.passwords: dict[str, str] = {}
        self._seen: dict[str, int] = {}

    def take(self, session: Session, cells: Cells) -> RowChange:
        """Add the person, or give another role, or leave it."""
        name = "".join(folded(cells.text("name")).split())
        role: Role = cells.read("role", cell_values.role, as_text=True)
        line = self._seen.setdefault(name, cells.row.line)
        if line != cells.row.line:
            raise Refusal(N_("The same person stands in line {line} already."), line=line)
        operator = session.exec(select(Operator).where(Operator.name == name)).first()
        if operator is None:
            if self._prepared is not None:
                password = next(self._prepared, None)
                if password is None:
                    raise Refusal(N_("This account was removed a moment ago. Read the file again."))
                add_operator_in(session, self._actor, name, Appointment({self._commune_id: role}), self._now, password)
                self.passwords[name] = password.text
            return RowChange.NEW
        if operator.retired_at is not None:
            raise WrongCell(
                "name", Refusal(N_("This person was taken out of service. Bring them back on the page first."))
            )
        has = session.get(OperatorCommune, (operator.number, self._commune_id))
        if has is None:
            # A name that is taken elsewhere may be another person's: nobody gets rights by a name in a table.
            raise WrongCell("name", Refusal(N_("This sign-in name is taken outside this commune. Choose another one.")))
        if has.role == role.value:
            return RowChange.SAME
        change_role_in(session, self._actor, operator.number, self._commune_id, role, self._now)
        return RowChange.CHANGED
