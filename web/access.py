"""Browser sessions: who is signed in where, and the tokens that tie a form to a session."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, delete

from people.operators import Operator
from runtime.database import Database, UtcDateTime

#: A session ends after this long without use, and at the latest after a month.
IDLE = timedelta(days=7)
LONGEST = timedelta(days=30)
#: The time of last use is written no more often, so that reading a page writes nothing.
TOUCH_EVERY = timedelta(minutes=10)


class WebSession(SQLModel, table=True):
    """A browser that is signed in. token_hash: of the cookie's secret, which is kept nowhere."""

    token_hash: str = Field(primary_key=True)
    operator_id: int = Field(foreign_key="operator.id", index=True)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


def open_session(session: Session, operator_id: int, now: datetime) -> str:
    """The token that the cookie holds; the table keeps its hash only."""
    token = secrets.token_urlsafe(32)
    session.add(WebSession(token_hash=_hashed(token), operator_id=operator_id, created_at=now, used_at=now))
    return token


def sign_in(database: Database, operator_id: int, now: datetime) -> str:
    """The token that the cookie holds; the table keeps its hash only."""
    with database.writing() as session:
        return open_session(session, operator_id, now)


def sign_out(database: Database, token: str) -> None:
    with database.writing() as session:
        close_session(session, token)


def who(session: Session, token: str, now: datetime) -> tuple[Operator, WebSession] | None:
    """The operator of a session that is still good."""
    web_session = session.get(WebSession, _hashed(token))
    if web_session is None or now - web_session.used_at > IDLE or now - web_session.created_at > LONGEST:
        return None
    operator = session.get(Operator, web_session.operator_id)
    return None if operator is None or operator.retired_at is not None else (operator, web_session)


def touch(session: Session, token: str, now: datetime) -> None:
    """Record that a session is in use."""
    web_session = session.get(WebSession, _hashed(token))
    if web_session is not None:
        web_session.used_at = now
        session.add(web_session)


def close_session(session: Session, token: str) -> None:
    session.exec(delete(WebSession).where(col(WebSession.token_hash) == _hashed(token)))


def close_sessions(session: Session, operator_id: int, keep: str = "") -> None:
    """Sign an operator out everywhere. keep: the cookie's secret of the session that stays."""
    session.exec(
        delete(WebSession).where(
            col(WebSession.operator_id) == operator_id, col(WebSession.token_hash) != _hashed(keep)
        )
    )


def form_token(key: bytes, cookie: str) -> str:
    """What a form must carry to be this browser's own: nobody who lacks the cookie can make it."""
    return hmac.new(key, b"form " + cookie.encode(), hashlib.sha256).hexdigest()


def session_mark(token: str) -> str:
    """Tells the sessions of one browser apart in an address, without a secret."""
    return _hashed("mark " + token)[:8]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
