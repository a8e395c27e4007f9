"""Rows of tables: the id that the database numbers them by, and the row of an id."""

from typing import TypeVar

from sqlmodel import Field, Session, SQLModel

from runtime.refusal import NotFound


class NumberedRow(SQLModel):
    """Base of tables. id: None until the row is flushed."""

    id: int | None = Field(default=None, primary_key=True)

    @property
    def number(self) -> int:
        """The id, which a row has once it is flushed."""
        if self.id is None:
            raise RuntimeError(f"this {type(self).__name__} has no id before it is flushed")
        return self.id


R = TypeVar("R", bound=SQLModel)


def existing(session: Session, kind: type[R], key: object, message_id: str, **values: object) -> R:
    """The row of a primary key. Raises NotFound with this message."""
    row = session.get(kind, key)
    if row is None:
        raise NotFound(message_id, **values)
    return row
