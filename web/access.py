"""Who may come in: operators, their sessions, and the tokens that tie a form to a session."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, delete, select

from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal
from web.passwords import check_new, hash_password, one_time_password, verify

#: A session ends after this long without use, and at the latest after a month.
IDLE = timedelta(days=7)
LONGEST = timedelta(days=30)
#: The time of last use is written no more often, so that reading a page writes nothing.
TOUCH_EVERY = timedelta(minutes=10)
FIRST_OPERATOR = "admin"


class Operator(SQLModel, table=True):
    """A person who signs in. commune_id: the only commune this operator may touch; None for all."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    password_hash: str
    must_change_password: bool = True
    commune_id: str | None = Field(default=None, foreign_key="commune.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class WebSession(SQLModel, table=True):
    """A browser that is signed in. token_hash: of the cookie's secret, which is kept nowhere."""

    token_hash: str = Field(primary_key=True)
    operator_id: int = Field(foreign_key="operator.id", index=True)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


def create_first_operator(session: Session, now: datetime) -> tuple[str, str] | None:
    """Where nobody can sign in yet: an operator with a one-time password. Gives name and password, shown this once."""
    if session.exec(select(Operator.id).limit(1)).first() is not None:
        return None
    return FIRST_OPERATOR, add_operator(session, FIRST_OPERATOR, now)


def add_operator(session: Session, name: str, now: datetime, commune_id: str | None = None) -> str:
    """Add an operator. Gives the one-time password. Raises Refusal for a name that is taken."""
    name = name.strip().lower()
    if not name:
        raise Refusal(N_("An operator needs a name."))
    if session.exec(select(Operator.id).where(Operator.name == name)).first() is not None:
        raise Refusal(N_("There is an operator {name} already."), name=name)
    password = one_time_password()
    session.add(Operator(name=name, password_hash=hash_password(password), commune_id=commune_id, created_at=now))
    return password


def renew_password(session: Session, name: str) -> str:
    """A new one-time password; every session of this operator ends. Raises NotFound."""
    found = session.exec(select(Operator).where(Operator.name == name.strip().lower())).first()
    if found is None:
        raise NotFound(N_("There is no operator {name}."), name=name)
    password = one_time_password()
    found.password_hash, found.must_change_password = hash_password(password), True
    session.add(found)
    session.exec(delete(WebSession).where(col(WebSession.operator_id) == found.id))
    return password


def check_password(session: Session, name: str, password: str) -> Operator | None:
    """The operator, when the password is right. Takes as long when there is none. Slow: keep it off the event loop."""
    found = session.exec(
        select(Operator).where(Operator.name == name.strip().lower(), col(Operator.retired_at).is_(None))
    ).first()
    return found if verify(found.password_hash if found else None, password) else None


def open_session(session: Session, operator_id: int, now: datetime) -> str:
    """Sign in. Gives the cookie's secret."""
    token = secrets.token_urlsafe(32)
    session.add(WebSession(token_hash=_hashed(token), operator_id=operator_id, created_at=now, used_at=now))
    return token


def who(session: Session, token: str, now: datetime) -> tuple[Operator, WebSession] | None:
    """The operator of a session that is still good."""
    found = session.get(WebSession, _hashed(token))
    if found is None or now - found.used_at > IDLE or now - found.created_at > LONGEST:
        return None
    operator = session.get(Operator, found.operator_id)
    return None if operator is None or operator.retired_at is not None else (operator, found)


def touch(session: Session, token: str, now: datetime) -> None:
    """Write down that a session is in use."""
    found = session.get(WebSession, _hashed(token))
    if found is not None:
        found.used_at = now
        session.add(found)


def close_session(session: Session, token: str) -> None:
    """Sign out."""
    session.exec(delete(WebSession).where(col(WebSession.token_hash) == _hashed(token)))


def change_password(session: Session, operator_id: int, old: str, new: str, again: str, keep: str) -> None:
    """Choose a password. keep: the session that stays; all others of this operator end. Raises Refusal."""
    found = session.get(Operator, operator_id)
    if found is None or not verify(found.password_hash, old):
        raise Refusal(N_("The old password is not right."))
    check_new(new, again, found.name)
    if old == new:
        raise Refusal(N_("The new password must be another one than the old."))
    found.password_hash, found.must_change_password = hash_password(new), False
    session.add(found)
    session.exec(
        delete(WebSession).where(
            col(WebSession.operator_id) == operator_id, col(WebSession.token_hash) != _hashed(keep)
        )
    )


def form_token(key: bytes, cookie: str) -> str:
    """What a form must carry to be this browser's own: nobody who lacks the cookie can make it."""
    return hmac.new(key, b"form " + cookie.encode(), hashlib.sha256).hexdigest()


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
