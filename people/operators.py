"""Operators: people who sign in, and where each has which role."""

import unicodedata
from datetime import datetime

from sqlalchemy import Boolean, Column, false, text
from sqlmodel import Field, Session, SQLModel, col, delete, select

from devices.communes import Commune, communes
from parsing.titles import parse_title
from people.passwords import OneTimePassword, check_new, hash_password, one_time_password, remember_right, verify
from people.rights import Role, Standing
from runtime.database import Database, UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, at_field
from runtime.rows import NumberedRow

FIRST_OPERATOR = "admin"


class WrongPassword(Refusal):
    """The password is not the operator's."""


class Operator(NumberedRow, table=True):
    """A person who signs in. admin: may do everything everywhere. province_id: the province this one acts for."""

    name: str = Field(unique=True)
    full_name: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    phone: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    email: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    password_hash: str
    must_change_password: bool = True
    admin: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    province_id: int | None = Field(default=None, foreign_key="province.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def called(self) -> str:
        """The name that other people know: the full name, else the sign-in name."""
        return self.full_name or self.name


class OperatorCommune(SQLModel, table=True):
    """An operator has a role in a commune."""

    operator_id: int = Field(foreign_key="operator.id", primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", primary_key=True, index=True)
    role: str


def canonical_name(name: str) -> str:
    """How a name is kept and compared: NFC, small letters, single blanks."""
    return unicodedata.normalize("NFC", " ".join(name.lower().split()))


def create_first_operator(session: Session, now: datetime) -> tuple[str, str] | None:
    """If there is no operator yet, create the admin. Returns name and one-time password."""
    if session.exec(select(Operator.id).limit(1)).first() is not None:
        return None
    added, password = add_operator(session, FIRST_OPERATOR, now)
    added.admin = True
    session.add(added)
    return added.name, password


def add_operator(
    session: Session, name: str, now: datetime, password: OneTimePassword | None = None
) -> tuple[Operator, str]:
    """Add an operator who may do nothing yet. Gives the one-time password. Raises Refusal for a name that is taken.

    password: made before the transaction, since it is slow; None where nobody else writes yet.
    """
    with at_field("name"):
        name = canonical_name(parse_title(name))
    if not name:
        raise Refusal(N_("An operator needs a name.")).at("name")
    if session.exec(select(Operator.id).where(Operator.name == name)).first() is not None:
        raise Refusal(N_("There is an operator {name} already."), name=name).at("name")
    password = password or one_time_password()
    added = Operator(name=name, password_hash=password.hash, created_at=now)
    session.add(added)
    session.flush()
    return added, password.text


def operator_named(session: Session, name: str) -> Operator:
    """One, by name. Raises NotFound."""
    operator = session.exec(select(Operator).where(Operator.name == canonical_name(name))).first()
    if operator is None:
        raise NotFound(N_("There is no operator {name}."), name=name)
    return operator


def renew_password(session: Session, operator: Operator, password: OneTimePassword) -> None:
    """password: made before the transaction. The caller must end the operator's sessions."""
    operator.password_hash, operator.must_change_password = password.hash, True
    session.add(operator)


def check_password(database: Database, name: str, password: str) -> Operator | None:
    """The operator, when the password is right. Takes as long when there is none.

    Slow: keep it off the event loop. No transaction is open meanwhile.
    """
    with database.session() as session:
        operator = session.exec(
            select(Operator).where(Operator.name == canonical_name(name), col(Operator.retired_at).is_(None))
        ).first()
    return operator if verify(operator.password_hash if operator else None, password) else None


def new_password_hash(operator: Operator, old: str, new: str, again: str) -> str:
    """The hash of the password that an operator chooses. Slow: keep it out of a transaction. Raises Refusal."""
    check_new(new, again, operator.name)
    if not verify(operator.password_hash, old):
        raise WrongPassword(N_("The old password is not right.")).at("old")
    if old == new:
        raise Refusal(N_("The new password must be another one than the old.")).at("new")
    made = hash_password(new)
    remember_right(made, new)
    return made


def change_password(session: Session, operator: Operator, password_hash: str) -> None:
    """operator: as read before `new_password_hash`. Raises Refusal when the password was changed since."""
    current = session.get(Operator, operator.number)
    if current is None or current.password_hash != operator.password_hash:
        raise Refusal(N_("The old password is not right.")).at("old")
    current.password_hash, current.must_change_password = password_hash, False
    session.add(current)


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
    all_communes = communes(session)
    query = select(OperatorCommune).where(OperatorCommune.operator_id == operator.id)
    roles = {row.commune_id: Role(row.role) for row in session.exec(query)}
    if operator.province_id is not None:
        roles |= {c.id: Role.PROVINCE for c in all_communes if c.province_id == operator.province_id}
    standing = Standing(operator.number, operator.name, operator.admin, operator.province_id, roles)
    return standing, [c for c in all_communes if operator.admin or c.id in roles]
