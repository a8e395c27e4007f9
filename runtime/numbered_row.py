"""Tables whose rows the database numbers."""

from sqlmodel import Field, SQLModel


class NumberedRow(SQLModel):
    """Base of tables. id: None until the row is flushed."""

    id: int | None = Field(default=None, primary_key=True)

    @property
    def number(self) -> int:
        """The id, which a row has once it is flushed."""
        if self.id is None:
            raise RuntimeError(f"this {type(self).__name__} has no id before it is flushed")
        return self.id
