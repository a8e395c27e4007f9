"""Operators: people who sign in, and where each has which role."""

from datetime import datetime

from sqlalchemy import Boolean, Column, false
from sqlmodel import Field, Session, SQLModel, col, delete, select

from devices.communes import Commune, communes
from people.passwords import check_new, hash_password, one_time_password, verify
from people.rights import Role, Standing
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal

FIRST_OPERATOR = "admin"


class Operator(SQLModel, table=True):
    """A person who signs in. admin: may do everything everywhere. province_id: the province this one acts for."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    password_hash: str
    must_change_password: bool = True
    admin: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    province_id: int | None = Field(default=None, foreign_key="province.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def number(self) -> int:
        """Its id, once it is kept."""
        if self.id is None:
            raise RuntimeError("this operator is not in the database yet")
        return self.id


class OperatorCommune(SQLModel, table=True):
    """An operator has a role in a commune."""

    operator_id: int = Field(foreign_key="operator.id", primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", primary_key=True, index=True)
    role: str


def create_first_operator(session: Session, now: datetime) -> tuple[str, str] | None:
    """If there is no operator yet, create the admin. Returns name and one-time password."""
    if session.exec(select(Operator.id).limit(1)).first() is not None:
        return None
    added, password = add_operator(session, FIRST_OPERATOR, now)
    added.admin = True
    session.add(added)
    return added.name, password


def add_operator(session: Session, name: str, now: datetime) -> tuple[Operator, str]:
    """Add an operator who may do nothing yet. Gives the one-time password. Raises Refusal for a name that is taken."""
    name = name.strip().lower()
    if not name:
        raise Refusal(N_("An operator needs a name."))
    if session.exec(select(Operator.id).where(Operator.name == name)).first() is not None:
        raise Refusal(N_("There is an operator {name} already."), name=name)
    password = one_time_password()
    added = Operator(name=name, password_hash=hash_password(password), created_at=now)
    session.add(added)
    session.flush()
    return added, password


def operator_named(session: Session, name: str) -> Operator:
    """One, by name. Raises NotFound."""
    found = session.exec(select(Operator).where(Operator.name == name.strip().lower())).first()
    if found is None:
        raise NotFound(N_("There is no operator {name}."), name=name)
    return found


def renew_password(session: Session, operator: Operator) -> str:
    """A new one-time password. The caller must end the operator's sessions."""
    password = one_time_password()
    operator.password_hash, operator.must_change_password = hash_password(password), True
    session.add(operator)
    return password


def check_password(session: Session, name: str, password: str) -> Operator | None:
    """The operator, when the password is right. Takes as long when there is none. Slow: keep it off the event loop."""
    found = session.exec(
        select(Operator).where(Operator.name == name.strip().lower(), col(Operator.retired_at).is_(None))
    ).first()
    return found if verify(found.password_hash if found else None, password) else None


def change_password(session: Session, operator_id: int, old: str, new: str, again: str) -> None:
    """Choose a password of one's own. Raises Refusal."""
    found = session.get(Operator, operator_id)
    if found is None or not verify(found.password_hash, old):
        raise Refusal(N_("The old password is not right."))
    check_new(new, again, found.name)
    if old == new:
        raise Refusal(N_("The new password must be another one than the old."))
    found.password_hash, found.must_change_password = hash_password(new), False
    session.add(found)


def appoint(session: Session, operator_id: int, commune_id: str, role: Role) -> None:
    """Give an operator a role in a commune, in place of the one there."""
    session.merge(OperatorCommune(operator_id=operator_id, commune_id=commune_id, role=role.value))


def dismiss(session: Session, operator_id: int, commune_id: str) -> None:
    """Take the role in a commune away."""
    session.exec(
        delete(OperatorCommune).where(
            col(OperatorCommune.operator_id) == operator_id, col(OperatorCommune.commune_id) == commune_id
        )
    )


def operators_of(session: Session, commune_id: str) -> list[tuple[Operator, Role]]:
    """Operators with a role in a commune, by name, without the province's and the admin, who act everywhere."""
    query = select(Operator, OperatorCommune.role).where(
        OperatorCommune.operator_id == Operator.id,
        OperatorCommune.commune_id == commune_id,
        col(Operator.retired_at).is_(None),
    )
    return [(operator, Role(role)) for operator, role in session.exec(query.order_by(Operator.name))]


def standing_of(session: Session, operator: Operator) -> tuple[Standing, list[Commune]]:
    """An operator's roles, and the communes that the operator sees, by name. Two queries."""
    known = communes(session)
    query = select(OperatorCommune).where(OperatorCommune.operator_id == operator.id)
    roles = {row.commune_id: Role(row.role) for row in session.exec(query)}
    if operator.province_id is not None:
        roles |= {c.id: Role.PROVINCE for c in known if c.province_id == operator.province_id}
    standing = Standing(operator.number, operator.name, operator.admin, operator.province_id, roles)
    return standing, [c for c in known if operator.admin or c.id in roles]
